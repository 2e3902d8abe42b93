"""Colours that stand for others: swaps, ranks, rings, and tables that are drawn in the grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kit.induce.primitives.counting import tally
from kit.induce.things.objects import Thing, background_colour, segment
from kit.induce.values import Image, make_image

Legend = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int, int, int], ...]]
"""Pairs of colours, and the boxes (row, column, height, width) that they were read from."""


def swap_colours(image: Image) -> Image | None:
    """A picture's two colours (besides the background, when there are three) change places."""
    colours = np.unique(image.cells).tolist()
    if len(colours) == 3:
        colours.remove(background_colour(image.cells))
    if len(colours) != 2:
        return None
    return _replaced(image, {colours[0]: colours[1], colours[1]: colours[0]})


def _replaced(image: Image, table: Mapping[int, int]) -> Image:
    """Colours replaced all at once."""
    lookup = np.arange(10, dtype=np.uint8)
    for old, new in table.items():
        lookup[old] = new
    return Image(lookup[image.cells], image.y, image.x)


def swap_in_objects(image: Image, kind: str) -> Image | None:
    """The two colours of every object that has two change places within it."""
    cells = image.cells.copy()
    for thing in segment(image.cells, kind):
        if len(thing.colours) == 2:
            low, high = thing.colours
            place = cells[thing.y : thing.y + thing.height, thing.x : thing.x + thing.width]
            swapped = np.where(thing.cells == low, high, np.where(thing.cells == high, low, 0))
            place[thing.mask] = swapped[thing.mask]
    return None if np.array_equal(cells, image.cells) else Image(cells, image.y, image.x)


def flood_objects(image: Image, kind: str, rarer: bool) -> Image | None:
    """Every object of several colours takes one of them, the rarest or the most frequent.

    Undefined where an object's colours are equally frequent.
    """
    cells = image.cells.copy()
    for thing in segment(image.cells, kind):
        counts = np.bincount(thing.cells[thing.mask], minlength=10)
        best = counts[counts > 0].min() if rarer else counts.max()
        if (counts == best).sum() > 1 and len(thing.colours) > 1:
            return None
        place = cells[thing.y : thing.y + thing.height, thing.x : thing.x + thing.width]
        place[thing.mask] = np.flatnonzero(counts == best)[0]
    return Image(cells, image.y, image.x)


def colours_by_rank(image: Image, measure: str, table: Mapping[int, int]) -> Image | None:
    """Each colour is replaced by what a table has for its rank.

    Args:
        measure: one that `tally` knows; rank 0 has the greatest number, equal numbers share a rank.
        table: rank -> colour; -1 counts from the last rank. Colours of other ranks stay.
    """
    numbers = tally(image, measure)
    if numbers is None:
        return None
    steps = sorted({number for _, number in numbers}, reverse=True)
    new = {}
    for colour, number in numbers:
        rank = steps.index(number)
        if rank in table or rank - len(steps) in table:
            new[colour] = table.get(rank, table.get(rank - len(steps), colour))
    return _replaced(image, new)


def turn_ranks(image: Image, measure: str, by: int) -> Image | None:
    """Colours change places along their ranks: each takes that of the one `by` ranks further.

    Args:
        by: 0 reverses the order instead.
    """
    numbers = tally(image, measure)
    if numbers is None or len({n for _, n in numbers}) < max(2, len(numbers)):
        return None
    order = [colour for colour, _ in sorted(numbers, key=lambda entry: -entry[1])]
    goal = order[by:] + order[:by] if by else order[::-1]
    return _replaced(image, dict(zip(order, goal, strict=True)))


def turn_rings(image: Image, by: int) -> Image | None:
    """The colours of concentric rings, from outside in, change places along their order.

    Args:
        by: how far; 0 reverses the order instead.
    """
    height, width = image.cells.shape
    middle = image.cells[height // 2, : width // 2 + 1].tolist()
    column = image.cells[: height // 2 + 1, width // 2].tolist()
    line = middle if len(set(middle)) >= len(set(column)) else column
    order = list(dict.fromkeys(line))
    if len(order) < 2 or len(order) < len(np.unique(image.cells)):
        return None
    by = by % len(order)
    goal = order[by:] + order[:by] if by else order[::-1]
    return _replaced(image, dict(zip(order, goal, strict=True)))


def read_legend(image: Image, down: bool) -> Legend | None:
    """The colour pairs that are drawn in the picture.

    A legend is an object that is a filled rectangle, two cells wide (high if `down`), with two
    different colours in each of its rows (columns).

    Returns:
        pairs (left or upper colour first) and boxes; None where there is none.
    """
    pairs: list[tuple[int, int]] = []
    boxes = []
    for thing in segment(image.cells, "any8"):
        table = thing.cells.T if down else thing.cells
        if table.shape[1] != 2 or not thing.mask.all() or (table[:, 0] == table[:, 1]).any():
            continue
        pairs += [(int(a), int(b)) for a, b in table]
        boxes.append((thing.y, thing.x, thing.height, thing.width))
    return (tuple(pairs), tuple(boxes)) if pairs else None


def apply_legend(image: Image, legend: Legend, way: str, erase: bool) -> Image | None:
    """The picture outside of a legend with its colours replaced as the legend says.

    Args:
        way: "there" (first to second), "back" or "both" (the two change places).
        erase: whether the legend becomes background.
    """
    pairs, boxes = legend
    table: dict[int, int] = {}
    for first, second in pairs:
        if way in ("there", "both") and table.setdefault(first, second) != second:
            return None
        if way in ("back", "both") and table.setdefault(second, first) != first:
            return None
    cells = _replaced(image, table).cells.copy()
    empty = background_colour(image.cells)
    for y, x, height, width in boxes:
        place = (slice(y, y + height), slice(x, x + width))
        cells[place] = empty if erase else image.cells[place]
    return Image(cells, image.y, image.x)


def crop_largest(image: Image, kind: str) -> Image | None:
    """The bounding box of the object with most cells; None where two have as many."""
    things = sorted(segment(image.cells, kind), key=lambda thing: -thing.size)
    if not things or (len(things) > 1 and things[0].size == things[1].size):
        return None
    return _cut(image, things[0])


def take_colour(image: Image, kind: str, erase: bool) -> Image | None:
    """All objects take the colour of the smallest one, which becomes background if wanted.

    Undefined where two objects are the smallest.
    """
    things = sorted(segment(image.cells, kind), key=lambda thing: thing.size)
    if len(things) < 2 or things[0].size == things[1].size:
        return None
    empty = background_colour(image.cells)
    least = things[0]
    cells = np.where(image.cells == empty, empty, least.colour).astype(np.uint8)
    if erase:
        place = cells[least.y : least.y + least.height, least.x : least.x + least.width]
        place[least.mask] = empty
    return Image(cells, image.y, image.x)


def _cut(image: Image, thing: Thing) -> Image | None:
    """The bounding box of an object."""
    y, x = thing.y, thing.x
    box = image.cells[y : y + thing.height, x : x + thing.width]
    return make_image(box, image.y + y, image.x + x)
