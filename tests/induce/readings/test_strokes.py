"""Strokes as values; how they run is tested with the primitives that make them."""

from __future__ import annotations

import numpy as np

from kit.induce.readings.strokes import DIRECTIONS, LEAVE, OWN, STEPS, cycle_colours, make_strokes
from tests.induce.pictures import cells


def test_directions_and_steps_go_clockwise() -> None:
    assert len(DIRECTIONS) == len(STEPS) == 8
    for name, (dy, dx) in zip(DIRECTIONS, STEPS.tolist(), strict=True):
        assert ("N" in name, "S" in name) == (dy < 0, dy > 0)
        assert ("W" in name, "E" in name) == (dx < 0, dx > 0)


def test_cells_know_their_stroke() -> None:
    seeds = np.array([[0, 0, 2, 1, 2], [0, 3, 6, 2, 6]], np.int32)
    strokes = make_strokes(cells("1002"), "hit", "pair", seeds)
    assert strokes is not None
    assert strokes.labels == ((12, "E"), (21, "W"))
    assert strokes.xs.tolist() == [1, 2, 2, 1]
    assert strokes.of_cells(strokes.own).tolist() == [1, 1, 2, 2]
    assert strokes.step_of_cells().tolist() == [0, 1, 0, 1]


def test_unknown_words_make_no_strokes() -> None:
    seeds = np.zeros((0, 5), np.int32)
    assert make_strokes(cells("1"), "no rule", "any", seeds) is None
    assert make_strokes(cells("1"), "stop", "no attribute", seeds) is None


def test_cycle_colours() -> None:
    found = cycle_colours(np.array((4, OWN, LEAVE)), np.full(4, 7), np.arange(4))
    assert found.tolist() == [4, 7, LEAVE, 4]
