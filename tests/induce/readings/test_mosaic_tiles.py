"""Words for tiles and marks."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.readings.mosaic_tiles import MARKS, TILES, cell_marks, tile_of

GRID = np.array([[0, 1, 1], [2, 0, 1]], np.uint8)


def test_tiles() -> None:
    assert tile_of(GRID, "inverted").tolist() == [[1, 0, 0], [2, 1, 0]]
    assert tile_of(GRID, "blank").tolist() == [[0, 0, 0], [0, 0, 0]]
    assert tile_of(GRID, "solid", 4).tolist() == [[4, 4, 4], [4, 4, 4]]
    assert tile_of(GRID, "tinted", 4).tolist() == [[0, 4, 4], [4, 0, 4]]


def test_marks() -> None:
    assert cell_marks(GRID, "filled").sum() == 4
    assert cell_marks(GRID, "main_colour").tolist() == [[False, True, True], [False, False, True]]
    assert cell_marks(GRID, "rarest_filled").sum() == 1
    assert cell_marks(GRID, "colour_0").sum() == 2


@pytest.mark.parametrize("grid", [np.zeros((2, 2), np.uint8), np.full((1, 3), 7, np.uint8)])
def test_uniform_grids_are_no_special_case(grid: np.ndarray) -> None:
    for word in TILES:
        assert tile_of(grid, word).size == grid.size
    for mark in MARKS:
        assert cell_marks(grid, mark).shape == grid.shape
