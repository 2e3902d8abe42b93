"""The eight turns form a group."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.readings.turns import TURNS, UNTURNS

GRID = np.arange(6).reshape(2, 3)


@pytest.mark.parametrize("name", TURNS)
def test_undoing_a_turn(name: str) -> None:
    assert np.array_equal(TURNS[UNTURNS[name]](TURNS[name](GRID)), GRID)


def test_all_turns_differ() -> None:
    assert len({(TURNS[n](GRID).shape, TURNS[n](GRID).tobytes()) for n in TURNS}) == 8


def test_clockwise() -> None:
    assert TURNS["clockwise"](GRID).tolist() == [[3, 0], [4, 1], [5, 2]]
