"""Mirroring and turning cells about a centre, and finding the centre that suits them best.

A centre is given in half cells: (2y, 2x) for the middle of cell (y, x), odd between two cells.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Matrix = tuple[int, int, int, int]

IMAGES: Mapping[str, tuple[Matrix, ...]] = {
    "left_right": ((1, 0, 0, -1),),
    "up_down": ((-1, 0, 0, 1),),
    "half_turn": ((-1, 0, 0, -1),),
    "both_mirrors": ((1, 0, 0, -1), (-1, 0, 0, 1), (-1, 0, 0, -1)),
    "quarter_turns": ((0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)),
    "all": (
        *((1, 0, 0, -1), (-1, 0, 0, 1), (-1, 0, 0, -1), (0, 1, -1, 0)),
        *((0, -1, 1, 0), (0, 1, 1, 0), (0, -1, -1, 0)),
    ),
}
"""Symmetry -> 2 x 2 matrices (row by row, on rows and columns) of its motions but the identity."""

MOST_CENTRES = 16
"""Centres that are looked at closely."""


def images_of(
    ys: np.ndarray, xs: np.ndarray, centre: tuple[int, int], symmetry: str
) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Rows and columns of the cells under each motion; None where they fall between cells."""
    found = []
    dy, dx = 2 * ys - centre[0], 2 * xs - centre[1]
    for a, b, c, d in IMAGES[symmetry]:
        new_y, new_x = a * dy + b * dx + centre[0], c * dy + d * dx + centre[1]
        if (new_y % 2).any() or (new_x % 2).any():
            return None
        found.append((new_y // 2, new_x // 2))
    return found


def best_centre(
    ys: np.ndarray, xs: np.ndarray, colours: np.ndarray, symmetry: str, shape: tuple[int, int]
) -> tuple[int, int] | None:
    """The centre under which most cells have their images already, and none a wrong one.

    Args:
        ys, xs, colours: (n,) cells.
        shape: (H, W) of the grid, in which all images must lie.
    """
    known = np.full(shape, -1)
    known[ys, xs] = colours
    best: tuple[int, int, tuple[int, int]] | None = None
    for centre in _candidates(ys, xs, colours, symmetry):
        images = images_of(ys, xs, centre, symmetry)
        if images is None:
            continue
        score = _matches(known, images, colours)
        if score is not None and (best is None or (-score[0], score[1]) < best[:2]):
            best = -score[0], score[1], centre
    return best[2] if best else None


def _matches(
    known: np.ndarray, images: list[tuple[np.ndarray, np.ndarray]], colours: np.ndarray
) -> tuple[int, int] | None:
    """Cells that are there already, and cells that are new; None for a contradiction."""
    matched = added = 0
    for ys, xs in images:
        if ys.min() < 0 or xs.min() < 0 or ys.max() >= known.shape[0] or xs.max() >= known.shape[1]:
            return None
        there = known[ys, xs]
        if ((there >= 0) & (there != colours)).any():
            return None
        matched += int((there >= 0).sum())
        added += int((there < 0).sum())
    return matched, added


def _candidates(
    ys: np.ndarray, xs: np.ndarray, colours: np.ndarray, symmetry: str
) -> list[tuple[int, int]]:
    """Centres with the most pairs of cells of one colour that face each other."""
    one, other = np.nonzero(colours[:, None] == colours[None])
    sums_y, sums_x = ys[one] + ys[other], xs[one] + xs[other]
    if symmetry == "left_right":
        sums_x = sums_x[ys[one] == ys[other]]
        sums_y = np.full(len(sums_x), int(ys.min() + ys.max()))
    elif symmetry == "up_down":
        sums_y = sums_y[xs[one] == xs[other]]
        sums_x = np.full(len(sums_y), int(xs.min() + xs.max()))
    codes, counts = np.unique(sums_y * 1000 + sums_x, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_CENTRES]
    return [divmod(int(codes[i]), 1000) for i in order]
