"""Inside and outside: enclosed cells, borders, rings and frames."""

from __future__ import annotations

import numba
import numpy as np

from kit.induce.primitives.colours import _majority
from kit.induce.values import MAX_IMAGE_SIDE, Image


@numba.njit(cache=True)
def _outside(cells, diagonal):  # type: ignore[no-untyped-def]
    """Empty cells connected to the edge of the image through empty cells, as bool mask."""
    height, width = cells.shape
    seen = np.zeros((height, width), np.bool_)
    stack = np.empty(height * width, np.int32)
    top = 0
    for y in range(height):
        for x in range(width):
            edge = y == 0 or x == 0 or y == height - 1 or x == width - 1
            if edge and cells[y, x] == 0:
                seen[y, x] = True
                stack[top] = y * width + x
                top += 1
    while top:
        top -= 1
        y, x = stack[top] // width, stack[top] % width
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if not diagonal and dy != 0 and dx != 0:
                    continue
                v, u = y + dy, x + dx
                if v < 0 or u < 0 or v >= height or u >= width:
                    continue
                if seen[v, u] or cells[v, u]:
                    continue
                seen[v, u] = True
                stack[top] = v * width + u
                top += 1
    return seen


@numba.njit(cache=True)
def _rim(cells):  # type: ignore[no-untyped-def]
    """Non-zero cells that have the outside, or the edge, beside them (corners count)."""
    height, width = cells.shape
    outside = _outside(cells, False)
    out = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            if cells[y, x] == 0:
                continue
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    v, u = y + dy, x + dx
                    if v < 0 or u < 0 or v >= height or u >= width or outside[v, u]:
                        out[y, x] = True
    return out


@numba.njit(cache=True)
def _ring(cells, diagonal):  # type: ignore[no-untyped-def]
    """Empty cells beside non-zero ones as 1, in a picture one line larger on all sides."""
    height, width = cells.shape
    out = np.zeros((height + 2, width + 2), np.uint8)
    for y in range(height):
        for x in range(width):
            if cells[y, x] == 0:
                continue
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if diagonal or dy == 0 or dx == 0:
                        out[y + 1 + dy, x + 1 + dx] = 1
    for y in range(height):
        for x in range(width):
            if cells[y, x]:
                out[y + 1, x + 1] = 0
    return out


def fill_enclosed(image: Image) -> Image | None:
    """Empty cells that cannot reach the edge filled with the most frequent colour."""
    hidden = (image.cells == 0) & ~_outside(image.cells, False)
    if not hidden.any():
        return None
    cells = np.where(hidden, _majority(image.cells), image.cells).astype(np.uint8)
    return Image(cells, image.y, image.x)


def enclosed(image: Image, diagonal: bool) -> Image | None:
    """Only the empty cells that cannot reach the edge, in the most frequent colour.

    Args:
        diagonal: whether empty cells also connect by corners.
    """
    hidden = (image.cells == 0) & ~_outside(image.cells, diagonal)
    if not hidden.any():
        return None
    return Image((hidden * _majority(image.cells)).astype(np.uint8), image.y, image.x)


def outer_border(image: Image) -> Image | None:
    """Only the non-zero cells that have the outside, or the edge, beside them (corners count)."""
    rim = _rim(image.cells)
    if not rim.any():
        return None
    return Image(np.where(rim, image.cells, 0).astype(np.uint8), image.y, image.x)


def without_border(image: Image) -> Image | None:
    """The non-zero cells that have no outside, and no edge, beside them (corners count)."""
    core = ~_rim(image.cells) & (image.cells > 0)
    if not core.any():
        return None
    return Image(np.where(core, image.cells, 0).astype(np.uint8), image.y, image.x)


def outline(image: Image, diagonal: bool) -> Image | None:
    """The ring of empty cells around the content, in colour 1, one line larger on all sides.

    Args:
        diagonal: whether corners belong to the ring.
    """
    if max(image.cells.shape) + 2 > MAX_IMAGE_SIDE or not image.cells.any():
        return None
    return Image(_ring(image.cells, diagonal), image.y - 1, image.x - 1)


def frame_box(image: Image, colour: int) -> Image | None:
    """The outermost line of the image's box in one colour, the rest empty; 0 for the most
    frequent colour."""
    cells = np.full_like(image.cells, colour or _majority(image.cells))
    cells[1:-1, 1:-1] = 0
    return Image(cells, image.y, image.x)
