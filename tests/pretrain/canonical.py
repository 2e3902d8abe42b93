"""The form that a pair shares with all its turned, mirrored and recoloured images."""

from __future__ import annotations

import numpy as np

from kit.arc.grid import as_array
from kit.arc.task import Pair
from kit.augment.transform import Transform


def canonical(pair: Pair) -> bytes:
    """The smallest image of a pair under symmetries, colours numbered as they appear."""
    return min(_numbered(pair, Transform(element)) for element in range(8))


def _numbered(pair: Pair, turn: Transform) -> bytes:
    grids = [turn.apply_array(as_array(grid)) for grid in (pair.input, pair.output)]
    cells = np.concatenate([grid.ravel() for grid in grids])
    colours, first = np.unique(cells, return_index=True)
    number = np.zeros(10, dtype=np.uint8)
    number[colours[np.argsort(first)]] = np.arange(len(colours))
    return bytes([s for grid in grids for s in grid.shape]) + number[cells].tobytes()
