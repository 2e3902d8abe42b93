"""Ways to cut a grid into regions that an output may be: objects, panels, frames, blocks.

What it does: find regions. What it does not: say which of them matters.
"""

from __future__ import annotations

import re

import numpy as np

from kit.induce.things.objects import SEGMENTATIONS, Thing, background_colour, segment

OBJECT_KINDS = (
    *SEGMENTATIONS,
    "any8_common",
    "colour8_common",
    "by_colour_common",
    "colour8_all",
)
"""Regions that are objects. `_common`: the most frequent colour is the background, even where
there is a 0; `colour8_all`: like colour4_all with corners."""

BOX_KINDS = ("panels", "frames", "corners", "solid", "parts_2x1", "parts_1x2", "parts_2x2",
             "parts_3x1", "parts_1x3", "parts_3x3", "squares", "long_halves", "content",
             "content_common")  # fmt: skip
"""Regions that are whole rectangles. panels: what full lines of one colour separate; frames:
boxes with a one-coloured edge; corners: boxes with one colour's cells in their four corners;
solid: the largest one-coloured rectangle of each colour; parts_RxC: R times C equal parts;
squares: the square parts of a grid that is a row or column of them; long_halves: the two halves
along the longer side; content: the box of all that is not background."""

POOLED_KIND = "boxes"
"""The boxes of all regions of all kinds, and their insides, each once."""

REGION_KINDS = OBJECT_KINDS + BOX_KINDS


def find_regions(cells: np.ndarray, kind: str) -> tuple[Thing, ...]:
    """The regions of a grid, in a fixed order.

    Args:
        cells: (H, W) uint8.
        kind: one of REGION_KINDS; or POOLED_KIND; or windows_RxC for all boxes of that size.
    Raises:
        ValueError: no such kind.
    """
    if kind == POOLED_KIND:
        return _pooled(cells)
    if kind.startswith("windows_"):
        return _windows(cells, *(int(n) for n in re.findall(r"\d+", kind)))
    if kind not in REGION_KINDS:
        raise ValueError(f"no regions are called {kind!r}; there are {', '.join(REGION_KINDS)}")
    if kind in SEGMENTATIONS:
        return segment(cells, kind)
    if kind == "colour8_all":
        return segment(cells, "colour8", -1)
    if kind.startswith("content"):
        return _content(cells, kind_background(cells, kind))
    if kind.endswith("_common"):
        return segment(cells, kind.removesuffix("_common"), most_common(cells))
    if kind.startswith("parts_"):
        rows, columns = (int(n) for n in re.findall(r"\d+", kind))
        return _parts(cells, rows, columns)
    finders = {"panels": _panels, "frames": _frames, "corners": _corners, "solid": _solid,
               "squares": _squares, "long_halves": _long_halves}  # fmt: skip
    return finders[kind](cells)


def most_common(cells: np.ndarray) -> int:
    """The most frequent colour, the smallest of equals."""
    return int(np.bincount(cells.ravel(), minlength=10).argmax())


def kind_background(cells: np.ndarray, kind: str) -> int:
    """The colour that regions of this kind take as background."""
    return most_common(cells) if kind.endswith("_common") else background_colour(cells)


def box_thing(cells: np.ndarray, top: int, left: int, bottom: int, right: int) -> Thing:
    """A whole rectangle as a region (ends exclusive)."""
    height, width = cells.shape
    cut = np.ascontiguousarray(cells[top:bottom, left:right])
    edge = top == 0 or left == 0 or bottom == height or right == width
    return Thing(cut, np.ones(cut.shape, bool), int(top), int(left), bool(edge))


def _parts(cells: np.ndarray, rows: int, columns: int) -> tuple[Thing, ...]:
    """Equal parts; none where the grid cannot be divided so."""
    height, width = cells.shape
    if height % rows or width % columns:
        return ()
    h, w = height // rows, width // columns
    return tuple(
        box_thing(cells, y, x, y + h, x + w)
        for y in range(0, height, h)
        for x in range(0, width, w)
    )


def _squares(cells: np.ndarray) -> tuple[Thing, ...]:
    """The squares of which the grid is a row or a column."""
    height, width = cells.shape
    side = min(height, width)
    if height == width or max(height, width) % side:
        return ()
    return _parts(cells, height // side, width // side)


def _long_halves(cells: np.ndarray) -> tuple[Thing, ...]:
    """The halves along the longer side; none of a square."""
    height, width = cells.shape
    if height == width:
        return ()
    return _parts(cells, 2, 1) if height > width else _parts(cells, 1, 2)


def _content(cells: np.ndarray, background: int) -> tuple[Thing, ...]:
    """The bounding box of all cells that are not background."""
    rows = np.flatnonzero((cells != background).any(axis=1))
    columns = np.flatnonzero((cells != background).any(axis=0))
    if not len(rows):
        return ()
    return (box_thing(cells, rows[0], columns[0], rows[-1] + 1, columns[-1] + 1),)


def _windows(cells: np.ndarray, rows: int, columns: int) -> tuple[Thing, ...]:
    """All boxes of one size."""
    height, width = cells.shape
    return tuple(
        box_thing(cells, y, x, y + rows, x + columns)
        for y in range(height - rows + 1)
        for x in range(width - columns + 1)
    )


def _pooled(cells: np.ndarray) -> tuple[Thing, ...]:
    """The boxes of all regions and their insides, in order of place and size."""
    ends: set[tuple[int, int, int, int]] = set()
    for kind in REGION_KINDS:
        for t in find_regions(cells, kind):
            ends.add((t.y, t.x, t.y + t.height, t.x + t.width))
            if min(t.height, t.width) > 2:
                ends.add((t.y + 1, t.x + 1, t.y + t.height - 1, t.x + t.width - 1))
    return tuple(box_thing(cells, *e) for e in sorted(ends))


def _panels(cells: np.ndarray) -> tuple[Thing, ...]:
    """Boxes between full lines of the colour that has the most of them."""
    best: tuple[int, np.ndarray, np.ndarray] | None = None
    for colour in (int(c) for c in np.unique(cells) if c):
        rows, columns = (cells == colour).all(axis=1), (cells == colour).all(axis=0)
        lines = int(rows.sum() + columns.sum())
        if lines and not (rows.all() or columns.all()) and (best is None or lines > best[0]):
            best = (lines, rows, columns)
    if best is None:
        return ()
    return tuple(
        box_thing(cells, top, left, bottom, right)
        for top, bottom in _runs(~best[1])
        for left, right in _runs(~best[2])
    )


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each run of true flags."""
    steps = np.diff(np.r_[0, flags.astype(np.int8), 0])
    return list(zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True))


def _frames(cells: np.ndarray) -> tuple[Thing, ...]:
    """Boxes of at least 3x3 whose edge is one component of one colour."""
    found = []
    for thing in segment(cells, "colour4_all"):
        mask = thing.mask
        if min(mask.shape) < 3 or mask.shape == cells.shape:
            continue
        if mask[[0, -1]].all() and mask[:, [0, -1]].all() and not mask.all():
            found.append(
                box_thing(cells, thing.y, thing.x, thing.y + thing.height, thing.x + thing.width)
            )
    return tuple(found)


def _corners(cells: np.ndarray) -> tuple[Thing, ...]:
    """The box of each colour that has cells in all four corners of it and does not fill it."""
    found = []
    for thing in segment(cells, "by_colour"):
        mask = thing.mask
        if min(mask.shape) >= 3 and mask[[0, 0, -1, -1], [0, -1, 0, -1]].all() and not mask.all():
            found.append(
                box_thing(cells, thing.y, thing.x, thing.y + thing.height, thing.x + thing.width)
            )
    return tuple(found)


def _solid(cells: np.ndarray) -> tuple[Thing, ...]:
    """The largest one-coloured rectangle of each colour, if it has at least 2x2 cells."""
    found = []
    for colour in np.unique(cells):
        area, top, left, bottom, right = _largest_rectangle(cells == colour)
        if area >= 4 and min(bottom - top, right - left) >= 2:
            found.append(box_thing(cells, top, left, bottom, right))
    return tuple(found)


def _largest_rectangle(mask: np.ndarray) -> tuple[int, int, int, int, int]:
    """Area, top, left, bottom, right of the largest all-true rectangle (first of equals)."""
    height, width = mask.shape
    best = (0, 0, 0, 0, 0)
    heights = np.zeros(width + 1, np.int64)
    for y in range(height):
        heights[:width] = np.where(mask[y], heights[:width] + 1, 0)
        stack: list[tuple[int, int]] = []
        for x, tall in enumerate(heights.tolist()):
            start = x
            while stack and stack[-1][1] >= tall:
                start, was = stack.pop()
                area = was * (x - start)
                if area > best[0]:
                    best = (area, y + 1 - was, start, y + 1, x)
            stack.append((start, tall))
    return best
