"""Colours carried along lines: smears, connections, spreading."""

from __future__ import annotations

import numba
import numpy as np

from kit.induce.values import Image

DIRECTIONS = {
    "right": ((0, 1),),
    "left": ((0, -1),),
    "down": ((1, 0),),
    "up": ((-1, 0),),
    "horizontal": ((0, 1), (0, -1)),
    "vertical": ((1, 0), (-1, 0)),
    "cross": ((0, 1), (0, -1), (1, 0), (-1, 0)),
    "down_right": ((1, 1),),
    "up_left": ((-1, -1),),
    "down_left": ((1, -1),),
    "up_right": ((-1, 1),),
    "falling": ((1, 1), (-1, -1)),
    "rising": ((1, -1), (-1, 1)),
    "diagonals": ((1, 1), (-1, -1), (1, -1), (-1, 1)),
    "all": ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)),
}
"""Name -> steps (rows, columns) along which colours are smeared."""


@numba.njit(cache=True)
def _smear(cells, step_y, step_x):  # type: ignore[no-untyped-def]
    """Every non-zero cell drawn on into empty cells, as far as they go, along one step."""
    height, width = cells.shape
    out = cells.copy()
    for i in range(height):
        y = i if step_y >= 0 else height - 1 - i
        for j in range(width):
            x = j if step_x >= 0 else width - 1 - j
            v, u = y - step_y, x - step_x
            if out[y, x] == 0 and 0 <= v < height and 0 <= u < width:
                out[y, x] = out[v, u]
    return out


@numba.njit(cache=True)
def _connect_rows(cells, out):  # type: ignore[no-untyped-def]
    """Write into `out` the gaps between equal colours that follow each other in a row."""
    height, width = cells.shape
    for y in range(height):
        last = -1
        for x in range(width):
            if cells[y, x] == 0:
                continue
            if last >= 0 and cells[y, last] == cells[y, x]:
                for u in range(last + 1, x):
                    out[y, u] = cells[y, x]
            last = x


@numba.njit(cache=True)
def _spread(cells, stay):  # type: ignore[no-untyped-def]
    """Flood empty cells from all coloured ones at equal speed by sides; `stay` does not flow."""
    height, width = cells.shape
    out = cells.copy()
    queue = np.empty(height * width, np.int32)
    end = 0
    for y in range(height):
        for x in range(width):
            if cells[y, x] and cells[y, x] != stay:
                queue[end] = y * width + x
                end += 1
    start = 0
    while start < end:
        y, x = queue[start] // width, queue[start] % width
        start += 1
        for side in range(4):
            v = y + (1 if side == 0 else -1 if side == 1 else 0)
            u = x + (1 if side == 2 else -1 if side == 3 else 0)
            if 0 <= v < height and 0 <= u < width and out[v, u] == 0:
                out[v, u] = out[y, x]
                queue[end] = v * width + u
                end += 1
    return out


def smear(image: Image, directions: str) -> Image:
    """Colours drawn on over empty cells, in all directions of a name of DIRECTIONS, one after
    the other from the picture as it was; the first to reach a cell has it."""
    steps = DIRECTIONS[directions]
    out = _smear(image.cells, *steps[0])
    for step in steps[1:]:
        more = _smear(image.cells, *step)
        out = np.where(out == 0, more, out)
    return Image(out, image.y, image.x)


def connect_pairs(image: Image, axis: str) -> Image | None:
    """Only the gaps between equal colours that follow each other in a row or column.

    Args:
        axis: "rows", "columns" or "both" (rows on top).
    """
    out = np.zeros_like(image.cells)
    if axis != "rows":
        turned = np.zeros_like(np.ascontiguousarray(image.cells.T))
        _connect_rows(np.ascontiguousarray(image.cells.T), turned)
        out = np.ascontiguousarray(turned.T)
    if axis != "columns":
        _connect_rows(image.cells, out)
    return Image(out, image.y, image.x) if out.any() else None


def spread(image: Image, still_majority: bool) -> Image | None:
    """Empty cells filled with the colour that reaches them first by sides.

    Args:
        still_majority: whether the most frequent colour stays where it is.
    """
    if not image.cells.any() or image.cells.all():
        return None
    counts = np.bincount(image.cells.ravel(), minlength=10)[1:]
    stay = int(counts.argmax()) + 1 if still_majority else 0
    return Image(_spread(image.cells, stay), image.y, image.x)
