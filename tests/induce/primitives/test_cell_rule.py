"""Rules from features to colours."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.cell_rule import KEEP, apply_cell_rule
from kit.induce.values import Image

GRID = Image(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8), 4, 5)


def test_apply_cell_rule() -> None:
    table = {(0,): KEEP, (1,): 7}
    result = apply_cell_rule(GRID, ("inside.enclosed4",), table)
    assert result is not None
    assert (result.y, result.x) == (4, 5)
    assert result.cells.tolist() == [[1, 1, 1], [1, 7, 1], [1, 1, 1]]


def test_apply_cell_rule__copies_a_feature() -> None:
    table = {(0, 1): "ray.up", (1, 0): KEEP}
    result = apply_cell_rule(GRID, ("own.colour", "inside.enclosed4"), table)
    assert result is not None
    assert (result.cells == 1).all()


def test_apply_cell_rule__is_undefined_for_unknown_values() -> None:
    assert apply_cell_rule(GRID, ("inside.enclosed4",), {(0,): KEEP}) is None
    kept = apply_cell_rule(GRID, ("inside.enclosed4",), {(0,): 2, None: KEEP})
    assert kept is not None
    assert kept.cells[1, 1] == 0


@pytest.mark.parametrize("value", ["near.left", "panel.colour"])
def test_apply_cell_rule__is_undefined_where_there_is_nothing_to_copy(value: str) -> None:
    assert apply_cell_rule(GRID, ("own.filled",), {(0,): KEEP, (1,): value}) is None
