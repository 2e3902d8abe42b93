"""Lines: which strokes a picture allows, and painting some of them.

A first primitive draws up all strokes that one reading of the picture allows, each with a label
(a property of its source, and its direction); a second one paints those whose labels a table
names. What a task's lines mean is then one small table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kit.induce.readings.strokes import STEPS, Strokes, make_strokes, stroke_colours
from kit.induce.things.objects import Thing, background_colour, segment
from kit.induce.values import Image

FRAMES = ("north", "neighbour", "edge", "tip")
"""What a cell's directions are counted from. north: nothing, they are absolute; neighbour: where
cells of other colours touch it; edge: the nearest edge; tip: the only cell of its colour that
touches it."""

MAX_CELLS = 300
"""Pictures with more cells than this that are not background have no strokes."""


def cell_rays(image: Image, frame: str, attribute: str, rule: str) -> Strokes | None:
    """Strokes from every cell that is not background, in all eight directions.

    Args:
        frame: one of FRAMES; but for north, labels tell eighths of a clockwise turn.
        attribute: one of ATTRIBUTES.
        rule: one of RULES.
    """
    cells = image.cells
    ys, xs = np.nonzero(cells != background_colour(cells))
    if frame not in FRAMES or len(ys) > MAX_CELLS:
        return None
    zeros = _references(cells, frame, ys, xs)
    ys, xs, zeros = ys[zeros >= 0], xs[zeros >= 0], zeros[zeros >= 0]
    colours = cells[ys, xs].astype(np.int32)
    blocks = [
        np.stack([ys, xs, np.full(len(ys), d), colours, (d - zeros) % 8], axis=1) for d in range(8)
    ]
    return make_strokes(cells, rule, attribute, np.concatenate(blocks), frame == "north")


def _references(cells: np.ndarray, frame: str, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """(N,) int, the directions that cells' turns are counted from; -1 where one has none."""
    height, width = cells.shape
    if frame == "north":
        return np.zeros(len(ys), np.int64)
    if frame == "edge":
        gaps = np.stack([ys, width - 1 - xs, height - 1 - ys, xs])
        single = (gaps == gaps.min(axis=0)).sum(axis=0) == 1
        return np.where(single, 2 * gaps.argmin(axis=0), -1)
    around = np.pad(cells, 1, constant_values=background_colour(cells))
    near = np.stack([around[ys + 1 + dy, xs + 1 + dx] for dy, dx in STEPS.tolist()])
    same = near == cells[ys, xs]
    if frame == "tip":
        return np.where(same.sum(axis=0) == 1, same.argmax(axis=0), -1)
    touching = ~same & (near != background_colour(cells))
    dy, dx = np.sign(STEPS.T @ touching)
    return np.where((dy == 0) & (dx == 0), -1, _DIRECTION_OF[dy + 1, dx + 1])


_DIRECTION_OF = np.array(((7, 0, 1), (6, -1, 2), (5, 4, 3)))
"""(3, 3), the number of the direction of a step, each part of it plus 1."""


Outlets = Callable[[Thing], list[tuple[int, int, int]]]


def _object_rays(
    image: Image, kind: str, attribute: str, rule: str, outlets: Outlets
) -> Strokes | None:
    """Strokes from the places (row and column in the object, direction) that `outlets` names."""
    seeds = [
        (thing.y + y, thing.x + x, direction, thing.colour, direction)
        for thing in segment(image.cells, kind)
        for y, x, direction in outlets(thing)
    ]
    return make_strokes(image.cells, rule, attribute, np.array(seeds, dtype=np.int32))


def corner_rays(image: Image, kind: str, attribute: str, rule: str) -> Strokes | None:
    """Diagonal strokes away from the corners of the objects' bounding boxes."""
    return _object_rays(
        image,
        kind,
        attribute,
        rule,
        lambda t: [
            (0, 0, 7),
            (0, t.width - 1, 1),
            (t.height - 1, t.width - 1, 3),
            (t.height - 1, 0, 5),
        ],
    )


def middle_rays(image: Image, kind: str, attribute: str, rule: str) -> Strokes | None:
    """Strokes out of the middles of the sides of the objects' boxes, where there is a middle."""

    def outlets(thing: Thing) -> list[tuple[int, int, int]]:
        found = []
        if thing.width % 2:
            found += [(0, thing.width // 2, 0), (thing.height - 1, thing.width // 2, 4)]
        if thing.height % 2:
            found += [(thing.height // 2, thing.width - 1, 2), (thing.height // 2, 0, 6)]
        return found

    return _object_rays(image, kind, attribute, rule, outlets)


def notch_rays(image: Image, kind: str, attribute: str, rule: str) -> Strokes | None:
    """Strokes out of the gaps in the sides of the objects' bounding boxes.

    A gap is a run of cells that are not the object's, between cells of it on the same side.
    """

    def outlets(thing: Thing) -> list[tuple[int, int, int]]:
        bottom, right = thing.height - 1, thing.width - 1
        return (
            [(0, x, 0) for x in _gaps(thing.mask[0])]
            + [(y, right, 2) for y in _gaps(thing.mask[:, right])]
            + [(bottom, x, 4) for x in _gaps(thing.mask[bottom])]
            + [(y, 0, 6) for y in _gaps(thing.mask[:, 0])]
        )

    return _object_rays(image, kind, attribute, rule, outlets)


def _gaps(side: np.ndarray) -> list[int]:
    """Places between the first and the last set one that are not set."""
    on = np.flatnonzero(side)
    return [] if not len(on) else [i for i in range(on[0], on[-1]) if not side[i]]


def edge_rays(image: Image, attribute: str, rule: str) -> Strokes | None:
    """Strokes into the picture from outside, along all rows and columns, of background colour.

    Args:
        attribute: "any" or "other".
    """
    if attribute not in ("any", "other"):
        return None
    height, width = image.cells.shape
    empty = background_colour(image.cells)
    seeds = [(-1, x, 4, empty, 4) for x in range(width)]
    seeds += [(height, x, 0, empty, 0) for x in range(width)]
    seeds += [(y, -1, 2, empty, 2) for y in range(height)]
    seeds += [(y, width, 6, empty, 6) for y in range(height)]
    return make_strokes(image.cells, rule, attribute, np.array(seeds, dtype=np.int32))


def elbow(image: Image, start: int, end: int, upright_first: bool, colour: int) -> Image | None:
    """A path with one corner between the only cells of two colours.

    Args:
        upright_first: whether it leaves `start` along its column.
        colour: of the path; what is not background stays.
    """
    cells = image.cells.copy()
    (ys, xs), (vs, us) = np.nonzero(cells == start), np.nonzero(cells == end)
    if len(ys) != 1 or len(vs) != 1:
        return None
    y, x, v, u = int(ys[0]), int(xs[0]), int(vs[0]), int(us[0])
    path = np.zeros(cells.shape, bool)
    path[v if upright_first else y, min(x, u) : max(x, u) + 1] = True
    path[min(y, v) : max(y, v) + 1, x if upright_first else u] = True
    cells[path & (cells == background_colour(cells))] = colour
    return Image(cells, image.y, image.x)


def paint_strokes(
    image: Image, strokes: Strokes, table: Mapping[tuple[Any, Any], Any], over: bool
) -> Image:
    """Paint the strokes whose labels a table names, later entries over earlier ones.

    Args:
        table: label -> paint, as of `stroke_colours`: a colour, "own", "other", "halves" (own
            colour to the middle, then the other's), ("halves", colour of the middle) or a tuple
            of colours that repeat along the stroke (-1: leave the cell alone, -2: own colour).
        over: paint everything in the way; else only background.
    """
    cells = image.cells.copy()
    free = np.ones(cells.shape, bool) if over else image.cells == background_colour(image.cells)
    code_of_cells = strokes.of_cells(strokes.codes)
    for label, paint in table.items():
        if label not in strokes.labels:
            continue
        chosen = np.flatnonzero(code_of_cells == strokes.labels.index(label))
        chosen = chosen[free[strokes.ys[chosen], strokes.xs[chosen]]]
        colours = stroke_colours(strokes, paint)[chosen]
        chosen = chosen[colours >= 0]
        cells[strokes.ys[chosen], strokes.xs[chosen]] = colours[colours >= 0]
    return Image(cells, image.y, image.x)


def paint_crossings(
    image: Image, strokes: Strokes, table: Mapping[tuple[Any, Any], Any], colour: int
) -> Image:
    """Paint the cells that strokes of two or more of a table's labels share."""
    cells = image.cells.copy()
    times = np.zeros(cells.shape, np.int32)
    code_of_cells = strokes.of_cells(strokes.codes)
    for label in table:
        if label in strokes.labels:
            chosen = code_of_cells == strokes.labels.index(label)
            covered = np.zeros(cells.shape, bool)
            covered[strokes.ys[chosen], strokes.xs[chosen]] = True
            times += covered
    cells[times > 1] = colour
    return Image(cells, image.y, image.x)
