"""symmetrise_objects: mirror images and turned copies about a centre."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.object_symmetry import symmetrise_objects
from kit.induce.things.symmetry_centres import IMAGES
from kit.induce.values import Image


def completed(rows: list[list[int]], symmetry: str, anchor: str) -> list[list[int]]:
    image = symmetrise_objects(Image(np.array(rows, np.uint8)), "any8", symmetry, anchor)
    assert image is not None
    return image.cells.tolist()


def test_symmetrise_objects() -> None:
    rows = [[0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 3, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert completed(rows, "half_turn", "3")[3] == [0, 0, 0, 1, 0]
    both = completed(rows, "both_mirrors", "3")
    assert both[1] == both[3] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("anchor", "wanted"),
    [("left", [2, 1, 1, 2, 0, 0]), ("right", [0, 0, 1, 2, 2, 1]), ("box", [0, 0, 1, 2, 0, 0])],
)
def test_symmetrise_objects__beside_itself(anchor: str, wanted: list[int]) -> None:
    assert completed([[0, 0, 1, 2, 0, 0]], "left_right", anchor) == [wanted]


def test_symmetrise_objects__the_best_centre_repairs_what_is_missing() -> None:
    whole = np.zeros((9, 9), np.uint8)
    whole[2:7, 4] = whole[4, 2:7] = 5
    whole[2, 4] = whole[6, 4] = whole[4, 2] = whole[4, 6] = 7
    broken = whole.copy()
    broken[4, 2] = broken[4, 3] = 0
    assert completed(broken.tolist(), "quarter_turns", "best") == whole.tolist()


@pytest.mark.parametrize("symmetry", tuple(IMAGES))
def test_symmetrise_objects__twice_is_once_and_nothing_is_painted_over(symmetry: str) -> None:
    rng = np.random.default_rng(3)
    cells = np.zeros((20, 20), np.uint8)
    cells[8:11, 8:11] = rng.integers(0, 4, (3, 3))
    cells[9, 9] = 5
    once = symmetrise_objects(Image(cells), "whole", symmetry, "5")
    assert once is not None
    assert (once.cells[cells > 0] == cells[cells > 0]).all()
    again = symmetrise_objects(once, "whole", symmetry, "5")
    assert again is not None and np.array_equal(again.cells, once.cells)


def test_symmetrise_objects__without_the_colour_or_objects_nothing_changes() -> None:
    assert completed([[0, 1, 0]], "left_right", "4") == [[0, 1, 0]]
    empty = Image(np.zeros((3, 3), np.uint8))
    image = symmetrise_objects(empty, "whole", "all", "best")
    assert image is not None and not image.cells.any()
    assert symmetrise_objects(Image(np.ones((20, 20), np.uint8) * 3), "by_colour", "all", "box")


def test_symmetrise_objects__a_huge_object_is_undefined() -> None:
    cells = np.ones((20, 20), np.uint8)
    cells[0, 0] = 0
    assert symmetrise_objects(Image(cells), "any4", "all", "best") is None
