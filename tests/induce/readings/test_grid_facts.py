"""Facts about whole grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kit.induce.readings.grid_facts import FACTS, grid_fact_of
from tests.induce.pictures import cells

grids = hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 2), elements=st.integers(0, 9))


@settings(max_examples=100, deadline=None)
@given(grids)
def test_facts_are_plain_values_of_every_grid(grid: np.ndarray) -> None:
    for name in FACTS:
        assert isinstance(grid_fact_of(grid, name), int | bool | bytes), name


@pytest.mark.parametrize(
    ("name", "rows", "value"),
    [
        ("symmetric", "12/34", False),
        ("symmetric", "12/23", True),
        ("tall", "1/2", True),
        ("colours", "010/020", 3),
        ("objects", "101/000/200", 3),
        ("clusters", "12/00/30", 2),
        ("main_colour", "0012/0020", 2),
        ("least_colour", "0012/0020", 1),
        ("holes", "111/101/111", 1),
        ("lines", "030/030", 2),
        ("same_halves", "1212", True),
        ("has_7", "70", True),
    ],
)
def test_facts_say_what_their_name_says(name: str, rows: str, value: object) -> None:
    assert grid_fact_of(cells(rows), name) == value


@settings(max_examples=50, deadline=None)
@given(grids)
def test_a_free_shape_is_the_same_whichever_way_it_is_turned(grid: np.ndarray) -> None:
    shapes = {grid_fact_of(np.ascontiguousarray(np.rot90(grid, k)), "free_shape") for k in range(4)}
    assert len(shapes) == 1
