"""Operations on (H, W) boolean masks of cells."""

from __future__ import annotations

import numpy as np


def spread(mask: np.ndarray, diagonal: bool = False) -> np.ndarray:
    """A mask and its neighbours on four sides, or on eight with `diagonal`."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    rows = grown.copy() if diagonal else mask
    grown[:, 1:] |= rows[:, :-1]
    grown[:, :-1] |= rows[:, 1:]
    return grown
