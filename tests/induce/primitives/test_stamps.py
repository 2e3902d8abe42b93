"""Patterns drawn around marks."""

from __future__ import annotations

import numpy as np

from kit.induce.primitives.stamps import OWN, draw_stamps, draw_stamps_at_objects
from kit.induce.values import Image

MARKS = Image(np.array([[2, 0, 0], [0, 0, 5], [0, 2, 0]], np.uint8), 1, 2)


def test_draw_stamps() -> None:
    result = draw_stamps(MARKS, {2: ((0, 1, 7), (-1, 0, 7))}, False)
    assert result is not None
    assert result.cells.tolist() == [[2, 7, 0], [0, 7, 5], [0, 2, 7]]
    assert (result.y, result.x) == (1, 2)
    assert MARKS.cells[0, 1] == 0


def test_draw_stamps__over_what_is_there_and_in_the_own_colour() -> None:
    result = draw_stamps(MARKS, {2: ((-1, 1, OWN),)}, True)
    assert result is not None
    assert result.cells.tolist() == [[2, 0, 0], [0, 0, 2], [0, 2, 0]]


def test_draw_stamps__without_marks_is_undefined() -> None:
    assert draw_stamps(MARKS, {9: ((0, 0, 1),)}, True) is None


def test_draw_stamps_at_objects() -> None:
    cells = np.array([[4, 4, 0], [0, 0, 0], [0, 0, 6]], np.uint8)
    stamps = {(1, 2): ((1, 0, 8),), (1, 1, 6): ((-1, 0, OWN),)}
    result = draw_stamps_at_objects(Image(cells), "colour4", stamps, False)
    assert result is not None
    assert result.cells.tolist() == [[4, 4, 0], [8, 0, 6], [0, 0, 6]]


def test_draw_stamps_at_objects__of_unknown_size_is_undefined() -> None:
    cells = np.array([[4, 4, 0], [0, 0, 0], [0, 0, 6]], np.uint8)
    assert draw_stamps_at_objects(Image(cells), "colour4", {(1, 2): ()}, False) is None
