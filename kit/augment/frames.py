"""Grids of one task under many transforms, each symmetry computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kit.arc.grid import Grid, as_array, from_array
from kit.arc.task import Pair
from kit.augment.transform import Transform


class Frames:
    """Pairs and queries as arrays; a transform of one costs one table look-up per cell."""

    def __init__(
        self,
        pairs: Sequence[Pair],
        queries: Sequence[Grid] = (),
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        """Keep `pairs` and `queries`, addressed by their index, each first put through `change`."""
        flat = [grid for pair in pairs for grid in (pair.input, pair.output)]
        self._first_query = len(flat)
        arrays = [as_array(grid) for grid in (*flat, *queries)]
        self._turned = {0: [change(array) for array in arrays] if change else arrays}

    def pair(self, index: int, transform: Transform) -> Pair:
        """Pair `index` seen through `transform`."""
        return Pair(self._see(2 * index, transform), self._see(2 * index + 1, transform))

    def query(self, index: int, transform: Transform) -> Grid:
        """Query `index` seen through `transform`."""
        return self._see(self._first_query + index, transform)

    def _see(self, index: int, transform: Transform) -> Grid:
        if transform.dihedral not in self._turned:
            turn = Transform(transform.dihedral)
            self._turned[turn.dihedral] = [turn.apply_array(array) for array in self._turned[0]]
        colours = np.asarray(transform.colours, dtype=np.uint8)
        return from_array(colours[self._turned[transform.dihedral][index]])
