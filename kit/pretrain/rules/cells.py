"""Small grid and mask operations that the rules share."""

from __future__ import annotations

import numpy as np

from kit.arc.masks import spread

Array = np.ndarray


def blank(height: int, width: int, colour: int = 0) -> Array:
    """An (H, W) uint8 grid of one colour."""
    return np.full((height, width), colour, dtype=np.uint8)


def alone(mask: Array) -> Array:
    """Cells of a mask none of whose 8 neighbours are in it."""
    height, width = mask.shape
    padded = np.pad(mask, 1).astype(np.uint8)
    total = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3))
    return mask & (total == 1)


def flood(free: Array, seeds: Array, diagonal: bool = False) -> Array:
    """Free cells that can be reached from the seeds over free cells."""
    reached = seeds & free
    while True:
        grown = spread(reached, diagonal) & free
        if np.array_equal(grown, reached):
            return reached
        reached = grown


def border(height: int, width: int) -> Array:
    """Mask of the outermost cells."""
    mask = np.ones((height, width), dtype=bool)
    mask[1:-1, 1:-1] = False
    return mask


def enclosed(grid: Array) -> Array:
    """Cells of colour 0 from which the border cannot be reached (4 neighbours)."""
    free = grid == 0
    return free & ~flood(free, border(*grid.shape))


def parts(mask: Array, diagonal: bool = False) -> list[Array]:
    """Connected parts of a mask in reading order of their first cells."""
    left = mask.copy()
    found = []
    while left.any():
        seed = np.zeros_like(left)
        seed[np.unravel_index(int(left.argmax()), left.shape)] = True
        part = flood(left, seed, diagonal)
        found.append(part)
        left &= ~part
    return found


def bounds(mask: Array) -> tuple[slice, slice]:
    """Rows and columns of the box around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def turn(cells: Array, element: int) -> Array:
    """One of the 8 symmetries: mirrored if element >= 4, then element % 4 quarter turns."""
    return np.rot90(cells[:, ::-1] if element >= 4 else cells, element % 4)


def mapped(grid: Array, table: dict[int, int]) -> Array:
    """Colours replaced by a table; others stay."""
    lookup = np.arange(10, dtype=np.uint8)
    for old, new in table.items():
        lookup[old] = new
    return lookup[grid]


def fallen(grid: Array) -> Array:
    """Coloured cells of every column sunk to the bottom, in their order."""
    out = np.zeros_like(grid)
    for x in range(grid.shape[1]):
        column = grid[:, x][grid[:, x] > 0]
        out[len(grid) - len(column) :, x] = column
    return out


def counts(grid: Array) -> Array:
    """(10,) how many cells each colour has."""
    return np.bincount(grid.ravel(), minlength=10)
