"""Masks by colour, recolouring, and colours as one-cell images."""

from __future__ import annotations

import numba
import numpy as np

from kit.induce.values import Image


@numba.njit(cache=True)
def _majority(cells):  # type: ignore[no-untyped-def]
    """The most frequent non-zero colour, the smallest of equals; 0 where there is none."""
    counts = np.zeros(10, np.int64)
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            counts[cells[y, x]] += 1
    best = 0
    for colour in range(1, 10):
        if counts[colour] and (best == 0 or counts[colour] > counts[best]):
            best = colour
    return best


@numba.njit(cache=True)
def _select(cells, colour, keep, painted):  # type: ignore[no-untyped-def]
    """Cells of `colour` (keep) or all others painted, and whether any cell is left.

    Args:
        painted: colour of every cell that is left; -1 for its own.
    """
    out = np.zeros_like(cells)
    any_left = False
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            if cells[y, x] and (cells[y, x] == colour) == keep:
                out[y, x] = cells[y, x] if painted < 0 else painted
                any_left = True
    return out, any_left


def keep_colour(image: Image, colour: int) -> Image | None:
    """Only the cells of one colour; undefined where it does not occur."""
    cells, found = _select(image.cells, colour, True, -1)
    return Image(cells, image.y, image.x) if found else None


def erase_colour(image: Image, colour: int) -> Image | None:
    """The image without one colour; undefined where nothing is left."""
    cells, found = _select(image.cells, colour, False, -1)
    return Image(cells, image.y, image.x) if found else None


def paint(image: Image, colour: int) -> Image:
    """All non-zero cells in one colour."""
    cells, _ = _select(image.cells, 0, False, colour)
    return Image(cells, image.y, image.x)


def keep_majority(image: Image) -> Image | None:
    """Only the cells of the most frequent non-zero colour."""
    return keep_colour(image, _majority(image.cells))


def erase_majority(image: Image) -> Image | None:
    """The image without its most frequent non-zero colour."""
    return erase_colour(image, _majority(image.cells))


def majority_dot(image: Image) -> Image | None:
    """One cell of the most frequent non-zero colour, at the origin."""
    colour = _majority(image.cells)
    return Image(np.full((1, 1), colour, np.uint8)) if colour else None


def negative(image: Image) -> Image:
    """Empty cells in the most frequent colour (1 where there is none), filled ones empty."""
    colour = _majority(image.cells) or 1
    cells = np.where(image.cells > 0, 0, colour).astype(np.uint8)
    return Image(cells, image.y, image.x)


def block(image: Image, colour: int) -> Image:
    """The image's box filled with one colour; 0 for its most frequent one."""
    filled = colour or _majority(image.cells)
    return Image(np.full_like(image.cells, filled), image.y, image.x)
