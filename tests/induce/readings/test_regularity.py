"""Axes, centres, periods."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.induce.readings.regularity import (
    draw_lattice,
    find_lattice,
    find_symmetry,
    lattice_colours,
)


def test_the_axis_with_most_support_is_found() -> None:
    cells = np.array([[1, 2, 3, 2, 1, 7, 8]], np.uint8)
    assert find_symmetry(cells, np.ones(cells.shape, bool), "left_right") == (0, 4)


def test_without_any_support_the_middle_is_taken() -> None:
    cells = np.array([[1, 2, 3, 0, 0, 0]], np.uint8)
    assert find_symmetry(cells, cells > 0, "left_right") == (0, 5)


def test_contradiction_everywhere_finds_nothing() -> None:
    cells = np.arange(9, dtype=np.uint8).reshape(3, 3)
    assert find_symmetry(cells, np.ones(cells.shape, bool), "half_turn") is None


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 10**6))
def test_a_lattice_that_is_found_draws_the_picture(
    down: int, across: int, slant: int, seed: int
) -> None:
    tile = np.random.default_rng(seed).integers(0, 10, (down, across))
    cells = draw_lattice(tile, slant % across, 12, 12).astype(np.uint8)
    known = np.random.default_rng(seed + 1).random((12, 12)) < 0.9
    lattice = find_lattice(cells, known)
    assert lattice is not None and lattice[0] * lattice[1] <= down * across
    drawn = draw_lattice(lattice_colours(cells, known, lattice), lattice[2], 12, 12)
    assert (drawn == cells)[known].all()


def test_unknown_classes_have_no_colour() -> None:
    cells = np.array([[1, 0], [1, 0]], np.uint8)
    assert lattice_colours(cells, cells > 0, (1, 2, 0)).tolist() == [[1, -1]]


def test_noise_is_allowed_up_to_a_number_of_cells() -> None:
    cells = np.tile(np.array([[1, 2]], np.uint8), (4, 4))
    cells[1, 1] = 5
    known = np.ones(cells.shape, bool)
    assert find_lattice(cells, known, False, 1) == (1, 2, 0)
    assert find_lattice(cells, known, False, 0) != (1, 2, 0)
