"""Finding the mirror axes, turning centres and periods of a picture with covered cells.

Source: the idea of completing a picture by the orbits of its symmetries, with a colour that counts
as unknown, is common to several public programs (BARC's seeds, public notebooks of the 2024
contest); the search for axes and lattices here is our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numba
import numpy as np

KINDS: Mapping[str, tuple[int, int, int, int]] = {
    "left_right": (1, 0, 0, -1),
    "up_down": (-1, 0, 0, 1),
    "half_turn": (-1, 0, 0, -1),
    "transpose": (0, 1, 1, 0),
    "antitranspose": (0, -1, -1, 0),
    "quarter_turn": (0, 1, -1, 0),
}
"""Symmetry -> matrix (a, b, c, d) of (y, x) -> (a y + b x + sy, c y + d x + sx)."""


@numba.njit(cache=True)
def _best_shift(
    cells: np.ndarray, known: np.ndarray, matrix: np.ndarray, shifts: np.ndarray
) -> int:
    """The shift without a conflict under which the most pairs of known cells agree.

    Args:
        cells, known: (H, W) uint8; known is 1 where the colour counts.
        matrix: (4,) int32, a row of KINDS.
        shifts: (N, 2) int32 of (sy, sx), the preferred first.
    Returns:
        Index of the best shift, -1 when all conflict.
    """
    height, width = cells.shape
    best, most = -1, -1
    for i in range(shifts.shape[0]):
        agreed = 0
        for y in range(height):
            for x in range(width):
                if known[y, x] == 0:
                    continue
                v = matrix[0] * y + matrix[1] * x + shifts[i, 0]
                u = matrix[2] * y + matrix[3] * x + shifts[i, 1]
                if v < 0 or u < 0 or v >= height or u >= width or known[v, u] == 0:
                    continue
                if cells[v, u] != cells[y, x]:
                    agreed = -1
                    break
                if v != y or u != x:
                    agreed += 1
            if agreed < 0:
                break
        if agreed > most:
            best, most = i, agreed
    return best


@cache
def _shifts(kind: str, height: int, width: int, anywhere: bool) -> np.ndarray:
    """(N, 2) int32 shifts, those with the most central axis or centre first.

    Args:
        anywhere: also outside the middle half of the picture.
    """
    a, b, c, d = KINDS[kind]
    ys = [height - 1] if kind == "left_right" else _centres(height, anywhere)
    xs = (
        [width - 1]
        if kind in ("up_down", "transpose", "antitranspose")
        else _centres(width, anywhere)
    )
    found = []
    for ty in ys:
        for tx in xs:
            # (ty / 2, tx / 2) is a fixed point.
            sy, sx = ty - a * ty - b * tx, tx - c * ty - d * tx
            if sy % 2 == 0 and sx % 2 == 0:
                distance = abs(ty - height + 1) + abs(tx - width + 1)
                found.append((distance, ty, tx, sy // 2, sx // 2))
    found.sort()
    return np.array([f[3:] for f in found], np.int32).reshape(-1, 2)


def _centres(side: int, anywhere: bool) -> range:
    """Centres in half cells."""
    reach = side - 2 if anywhere else side // 2
    return range(side - 1 - reach, side + reach)


def find_symmetry(
    cells: np.ndarray, known: np.ndarray, kind: str, anywhere: bool = False
) -> tuple[int, int] | None:
    """The shift (sy, sx) of a symmetry that no pair of known cells contradicts, best supported.

    Args:
        anywhere: whether axis or centre may lie outside the middle half of the picture.
    """
    shifts = _shifts(kind, *cells.shape, anywhere)
    matrix = np.array(KINDS[kind], np.int32)
    index = _best_shift(cells, known.astype(np.uint8), matrix, shifts)
    return None if index < 0 else (int(shifts[index, 0]), int(shifts[index, 1]))


def fill_by_symmetries(
    cells: np.ndarray, known: np.ndarray, found: tuple[tuple[str, tuple[int, int]], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Unknown cells copied from their known images, again and again; cells and what is known."""
    height, width = cells.shape
    cells, known = cells.copy(), known.copy()
    y, x = np.mgrid[:height, :width]
    maps = []
    for kind, (sy, sx) in found:
        a, b, c, d = KINDS[kind]
        v, u = a * y + b * x + sy, c * y + d * x + sx
        inside = (v >= 0) & (u >= 0) & (v < height) & (u < width)
        maps.append((inside, np.where(inside, v, 0), np.where(inside, u, 0)))
    changed = True
    while changed:
        changed = False
        for inside, v, u in maps:
            fill = inside & ~known & known[v, u]
            if fill.any():
                cells[fill] = cells[v[fill], u[fill]]
                known |= fill
                changed = True
    return cells, known


@numba.njit(cache=True)
def _lattice_errors(
    cells: np.ndarray, known: np.ndarray, down: int, across: int, slant: int, allowed: int
) -> tuple[int, np.ndarray]:
    """How many known cells differ from the majority of their class; stops above `allowed`."""
    height, width = cells.shape
    counts = np.zeros((down * across, 10), np.int32)
    most = np.zeros(down * across, np.int32)
    errors = 0
    for y in range(height):
        for x in range(width):
            if known[y, x] == 0:
                continue
            k = (y % down) * across + (x + slant * (y // down)) % across
            colour = cells[y, x]
            counts[k, colour] += 1
            if counts[k, colour] > most[k]:
                most[k] += 1
            else:
                errors += 1
                if errors > allowed:
                    return errors, counts
    return errors, counts


@numba.njit(cache=True)
def _first_lattice(
    cells: np.ndarray, known: np.ndarray, candidates: np.ndarray, allowed: int
) -> int:
    """Index of the first (down, across, slant) with few enough errors, -1 for none."""
    for i in range(candidates.shape[0]):
        down, across, slant = candidates[i, 0], candidates[i, 1], candidates[i, 2]
        errors, _ = _lattice_errors(cells, known, down, across, slant, allowed)
        if errors <= allowed:
            return i
    return -1


@cache
def _lattices(height: int, width: int, slanted: bool) -> np.ndarray:
    """(N, 3) int32 of (down, across, slant), fewest classes first."""
    found = []
    for down in range(1, height + 1):
        for across in range(1, width + 1):
            # Each class should recur, in at least one direction.
            if down * 2 > height and across * 2 > width:
                continue
            for slant in range(across if slanted and down < height else 1):
                found.append((down * across, slant > 0, down, across, slant))
    found.sort()
    return np.array([f[2:] for f in found], np.int32).reshape(-1, 3)


def find_lattice(
    cells: np.ndarray, known: np.ndarray, slanted: bool = True, allowed: int = 0
) -> tuple[int, int, int] | None:
    """The lattice with the fewest classes under which known cells of a class are equal.

    Cell (y, x) belongs to class (y mod down, (x + slant * (y div down)) mod across).

    Args:
        slanted: whether slant may differ from 0.
        allowed: known cells that may differ from the majority of their class.
    Returns:
        (down, across, slant), or None.
    """
    candidates = _lattices(*cells.shape, slanted)
    index = _first_lattice(cells, known.astype(np.uint8), candidates, allowed)
    if index < 0:
        return None
    down, across, slant = candidates[index].tolist()
    return down, across, slant


def lattice_colours(
    cells: np.ndarray, known: np.ndarray, lattice: tuple[int, int, int]
) -> np.ndarray:
    """(down, across) int: the majority colour of each class, -1 where no cell is known."""
    down, across, slant = lattice
    _, counts = _lattice_errors(cells, known.astype(np.uint8), down, across, slant, cells.size)
    colours = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
    return colours.reshape(down, across)


def draw_lattice(colours: np.ndarray, slant: int, height: int, width: int) -> np.ndarray:
    """(height, width) int picture of a lattice; -1 where its colour is unknown."""
    down, across = colours.shape
    y, x = np.mgrid[:height, :width]
    return colours[y % down, (x + slant * (y // down)) % across]
