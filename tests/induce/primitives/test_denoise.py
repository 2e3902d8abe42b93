"""Noise filters."""

from __future__ import annotations

import numpy as np

from kit.induce.primitives import denoise
from kit.induce.values import Image

BLOCK = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 2, 2, 2, 0],
        [0, 2, 3, 2, 0],
        [0, 2, 2, 2, 0],
        [0, 0, 0, 0, 7],
    ],
    np.uint8,
)


def clean(cells: np.ndarray, without: int) -> list[list[int]]:
    """The grid with one colour taken away."""
    return np.where(cells == without, 0, cells).tolist()


def test_remove_small_objects() -> None:
    result = denoise.remove_small_objects(Image(BLOCK), False, False, 1)
    assert result is not None
    assert result.cells.tolist() == clean(BLOCK, 7)


def test_remove_small_objects__without_any_is_undefined() -> None:
    assert denoise.remove_small_objects(Image(BLOCK * 0), True, True, 3) is None


def test_melt_small_areas() -> None:
    result = denoise.melt_small_areas(Image(BLOCK), 1)
    assert result is not None
    assert result.cells[2, 2] == 2
    assert result.cells[4, 4] == 0


def test_melt_small_areas__nothing_around_stays() -> None:
    assert denoise.melt_small_areas(Image(np.full((1, 1), 4, np.uint8)), 3) is None


def test_keep_squares() -> None:
    result = denoise.keep_squares(Image(BLOCK), 3, False)
    assert result is not None
    assert result.cells.tolist() == clean(BLOCK, 7)
    assert denoise.keep_squares(Image(BLOCK), 3, True).cells.sum() == 0
    assert denoise.keep_squares(Image(BLOCK), 6, True) is None


def test_smooth_majority() -> None:
    result = denoise.smooth_majority(Image(BLOCK), 1, 8)
    assert result is not None
    assert result.cells[2, 2] == 2
    assert result.cells[4, 4] == 7


def test_fill_boxes_with_majority() -> None:
    result = denoise.fill_boxes_with_majority(Image(BLOCK), False, 2)
    assert result is not None
    assert result.cells[1:4, 1:4].tolist() == [[2] * 3] * 3
    assert result.cells.sum() == 18


def test_keep_largest_object() -> None:
    result = denoise.keep_largest_object(Image(BLOCK), False, False)
    assert result is not None
    assert result.cells.tolist() == clean(BLOCK, 7)
    twins = np.array([[1, 0, 1]], np.uint8)
    assert denoise.keep_largest_object(Image(twins), True, True) is None


def test_remove_colour_noise() -> None:
    result = denoise.remove_colour_noise(Image(BLOCK), 3)
    assert result is not None
    assert result.cells[2, 2] == 2
    assert denoise.remove_colour_noise(Image(BLOCK), 9) is None
    assert denoise.remove_colour_noise(Image(np.full((2, 2), 9, np.uint8)), 9) is None
