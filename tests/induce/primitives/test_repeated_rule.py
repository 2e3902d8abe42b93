"""Rules that run until nothing changes."""

from __future__ import annotations

import numpy as np

from kit.induce.primitives.repeated_rule import repeat_cell_rule
from kit.induce.values import Image


def test_repeat_cell_rule() -> None:
    image = Image(np.array([[3, 0, 0, 0, 5, 0]], np.uint8))
    result = repeat_cell_rule(image, ("own.colour", "near.left"), {(0, 3): 3})
    assert result is not None
    assert result.cells.tolist() == [[3, 3, 3, 3, 5, 0]]


def test_repeat_cell_rule__copies() -> None:
    image = Image(np.array([[4, 0, 0], [0, 0, 0], [6, 0, 0]], np.uint8))
    table = {(0, 4): "near.left", (0, 6): "near.left"}
    result = repeat_cell_rule(image, ("own.colour", "near.left"), table)
    assert result is not None
    assert result.cells.tolist() == [[4, 4, 4], [0, 0, 0], [6, 6, 6]]


def test_repeat_cell_rule__that_never_rests_is_undefined() -> None:
    image = Image(np.array([[0, 1]], np.uint8))
    assert repeat_cell_rule(image, ("own.colour",), {(0,): 1, (1,): 0}) is None


def test_repeat_cell_rule__without_the_feature_is_undefined() -> None:
    image = Image(np.array([[0, 1]], np.uint8))
    assert repeat_cell_rule(image, ("panel.index",), {(0,): 1}) is None
