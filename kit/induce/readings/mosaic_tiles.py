"""The words for the tiles of a mosaic, and for the cells that choose between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kit.induce.readings.turns import TURNS
from kit.induce.things.objects import background_colour


def _inverted(cells: np.ndarray) -> np.ndarray:
    """Background and the most frequent other colour exchanged; other colours stay."""
    background = background_colour(cells)
    counts = np.bincount(cells.ravel(), minlength=10)
    counts[background] = 0
    main = int(counts.argmax()) if counts.any() else background
    table = np.arange(10, dtype=np.uint8)
    table[background], table[main] = main, background
    return table[cells]


TILES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    **TURNS,
    "blank": np.zeros_like,
    "inverted": _inverted,
}
"""Word -> tile made of a picture."""


def tile_of(cells: np.ndarray, word: str, colour: int = 0) -> np.ndarray:
    """The tile that a word names.

    Args:
        colour: for "solid" (a tile of that colour) and "tinted" (its filled cells in it).
    """
    if word == "solid":
        return np.full_like(cells, colour)
    if word == "tinted":
        return np.where(cells == background_colour(cells), cells, np.uint8(colour))
    return TILES[word](cells)


def _by_frequency(cells: np.ndarray, last: bool, background_too: bool) -> np.ndarray:
    """Cells of the most (least) frequent colour."""
    counts = np.bincount(cells.ravel(), minlength=10)
    if not background_too:
        counts[background_colour(cells)] = 0
    present = np.flatnonzero(counts)
    if not len(present):
        return np.zeros(cells.shape, bool)
    ranked = present[np.argsort(counts[present], kind="stable")]
    return cells == (ranked[0] if last else ranked[-1])


MARKS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "filled": lambda c: c != background_colour(c),
    "most_frequent": lambda c: _by_frequency(c, False, True),
    "least_frequent": lambda c: _by_frequency(c, True, True),
    "main_colour": lambda c: _by_frequency(c, False, False),
    "rarest_filled": lambda c: _by_frequency(c, True, False),
    **{f"colour_{k}": lambda c, k=k: c == k for k in range(10)},
}
"""Word -> which cells of a picture are marked."""


def cell_marks(cells: np.ndarray, mark: str) -> np.ndarray:
    """(H, W) bool."""
    return MARKS[mark](cells)
