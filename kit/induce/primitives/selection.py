"""Choosing regions of a picture by their features, and cutting them out.

regions = regions_of(input, 'colour8')
one = choose_most(regions, 'holes')
output = cut_out(one, 'box')
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from kit.induce.areas.box_features import Boxes
from kit.induce.areas.region_features import column
from kit.induce.areas.region_views import painted_view, region_view, shrunk
from kit.induce.areas.regions import find_regions, kind_background
from kit.induce.values import Image, make_image


@dataclass(frozen=True)
class Selection:
    """Regions of one grid, some of them kept.

    Attributes:
        boxes: all regions, with the grid and its background.
        kept: indexes, ascending.
    """

    boxes: Boxes
    kept: tuple[int, ...]


def regions_of(image: Image, kind: str) -> Selection | None:
    """All regions of one of the kinds that `find_regions` knows; undefined where there is none."""
    things = find_regions(image.cells, kind)
    if not things:
        return None
    boxes = Boxes(image.cells, kind_background(image.cells, kind), things)
    return Selection(boxes, tuple(range(len(things))))


def _kept_values(selection: Selection, feature: str) -> list[Hashable]:
    """The feature of each region that is kept."""
    values = column(selection.boxes, feature)
    return [values[i] for i in selection.kept]


def _narrowed(selection: Selection, flags: list[bool]) -> Selection:
    """Only the flagged ones of those kept."""
    kept = tuple(i for i, flag in zip(selection.kept, flags, strict=True) if flag)
    return replace(selection, kept=kept)


def choose_most(selection: Selection, feature: str) -> Selection:
    """The regions with the highest value."""
    values = _kept_values(selection, feature)
    best = max(values, default=None)
    return _narrowed(selection, [v == best for v in values])


def choose_least(selection: Selection, feature: str) -> Selection:
    """The regions with the lowest value."""
    values = _kept_values(selection, feature)
    best = min(values, default=None)
    return _narrowed(selection, [v == best for v in values])


def choose_rare(selection: Selection, feature: str) -> Selection:
    """The regions whose value no other kept one has."""
    values = _kept_values(selection, feature)
    counts = Counter(values)
    return _narrowed(selection, [counts[v] == 1 for v in values])


def choose_common(selection: Selection, feature: str) -> Selection:
    """The regions with the most frequent value (with all of equals)."""
    values = _kept_values(selection, feature)
    counts = Counter(values)
    highest = max(counts.values(), default=0)
    return _narrowed(selection, [counts[v] == highest for v in values])


def choose_equal(selection: Selection, feature: str, value: Hashable) -> Selection:
    """The regions with this value."""
    return _narrowed(selection, [v == value for v in _kept_values(selection, feature)])


def choose_place(selection: Selection, feature: str, place: int) -> Selection:
    """The regions at a place in the order of distinct values: 1 for the second lowest, -2 for the
    second highest; none where there are not so many."""
    values = _kept_values(selection, feature)
    order = sorted(set(values))
    if not -len(order) <= place < len(order):
        return replace(selection, kept=())
    return _narrowed(selection, [v == order[place] for v in values])


def cut_out(selection: Selection, view: str) -> Image | None:
    """The picture of the kept region; undefined without one and where several kept ones differ.

    Args:
        view: one of VIEWS (kit.induce.areas.region_views).
    """
    if not selection.kept:
        return None
    pictures = [region_view(selection.boxes, i, view) for i in selection.kept]
    first = pictures[0]
    if first is None:
        return None
    if any(p is None or not np.array_equal(p, first) for p in pictures[1:]):
        return None
    thing = selection.boxes.things[selection.kept[0]]
    return make_image(first, thing.y, thing.x)


def cut_painted(selection: Selection, view: str, role: str) -> Image | None:
    """Like `cut_out`, with all content in one colour or its two colours exchanged.

    Args:
        role: one of ROLES (kit.induce.areas.region_views).
    """
    if not selection.kept:
        return None
    pictures = [painted_view(selection.boxes, i, view, role) for i in selection.kept]
    if pictures[0] is None:
        return None
    if any(p is None or not np.array_equal(p, pictures[0]) for p in pictures[1:]):
        return None
    return make_image(pictures[0])


def shrink(image: Image) -> Image | None:
    """The picture at 1/k of its size, for the largest k such that it is made of k x k blocks;
    undefined where there is none above 1."""
    cells = shrunk(image.cells)
    return None if cells is None else make_image(cells)


def colour_of(selection: Selection, height: int, width: int) -> Image | None:
    """A block in the most frequent colour of the kept regions; undefined where they differ."""
    colours = {selection.boxes.things[i].colour for i in selection.kept}
    if len(colours) != 1:
        return None
    return make_image(np.full((height, width), colours.pop(), np.uint8))


def map_colours(image: Image, table: dict[int, int]) -> Image:
    """Colours replaced by a table; those that are not in it stay."""
    lookup = np.arange(10, dtype=np.uint8)
    for old, new in table.items():
        lookup[old] = new
    return Image(lookup[image.cells], image.y, image.x)
