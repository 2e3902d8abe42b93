"""move_objects: slides, steps, copies."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.object_motion import move_objects
from kit.induce.values import Image


def moved(rows: list[list[int]], word: str, leave: bool = False) -> list[list[int]]:
    image = move_objects(Image(np.array(rows, np.uint8)), "colour4", leave, (), {(): word})
    assert image is not None
    return image.cells.tolist()


def test_move_objects() -> None:
    grid = Image(np.array([[1, 0], [0, 0], [0, 2]], np.uint8))
    table = {1: "slide down", 2: "by 0 -1"}
    image = move_objects(grid, "colour4", False, ("colour",), table)
    assert image is not None
    assert image.cells.tolist() == [[0, 0], [1, 0], [2, 0]]


def test_move_objects__what_slides_piles_up() -> None:
    assert moved([[1], [0], [2], [0]], "slide down") == [[0], [0], [1], [2]]
    assert moved([[0, 1, 0, 2]], "slide left") == [[1, 2, 0, 0]]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("stay", [[2, 2, 0, 0, 1, 0]]),
        ("to 2", [[2, 2, 1, 0, 0, 0]]),
        ("to largest", [[2, 2, 1, 0, 0, 0]]),
        ("step 2", [[2, 2, 0, 1, 0, 0]]),
        ("column 2", [[1, 2, 0, 0, 0, 0]]),
        ("vanish", [[0, 0, 0, 0, 0, 0]]),
        ("edge right", [[0, 0, 0, 0, 2, 1]]),
        ("own right", [[0, 0, 2, 2, 0, 1]]),
    ],
)
def test_move_objects__words(word: str, wanted: list[list[int]]) -> None:
    assert moved([[2, 2, 0, 0, 1, 0]], word) == wanted


def test_move_objects__a_copy_leaves_the_original() -> None:
    assert moved([[1, 0, 0]], "by 0 2", leave=True) == [[1, 0, 1]]


def test_move_objects__cells_beyond_the_edge_are_lost() -> None:
    assert moved([[1, 1, 0]], "by 0 2") == [[0, 0, 1]]


def test_move_objects__undefined_without_objects_or_entries() -> None:
    assert move_objects(Image(np.zeros((2, 2), np.uint8)), "any8", False, (), {(): "stay"}) is None
    grid = Image(np.array([[1, 2]], np.uint8))
    assert move_objects(grid, "colour4", False, ("colour",), {1: "stay"}) is None
