"""What a grid is, and that nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.arc.grid import GridError, as_array, check_grid, describe, from_array, shape

GRIDS = st.tuples(st.integers(1, 30), st.integers(1, 30)).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 9), min_size=size[1], max_size=size[1]),
        min_size=size[0],
        max_size=size[0],
    )
)


@given(GRIDS)
def test_a_grid_survives_checking_and_arrays(rows: list[list[int]]) -> None:
    grid = check_grid(rows, "here")
    assert [list(row) for row in grid] == rows
    assert from_array(as_array(grid)) == grid
    assert shape(grid) == as_array(grid).shape


HOSTILE = {
    "no list": ("abc", "must be a list of rows, got str 'abc'"),
    "object": ({}, "must be a list of rows, got dict {}"),
    "null": (None, "must be a list of rows, got null"),
    "empty": ([], "1 to 30 rows, got 0"),
    "31 rows": ([[0]] * 31, "1 to 30 rows, got 31"),
    "empty row": ([[]], "row 0: a row has 1 to 30 cells, got 0"),
    "31 columns": ([[0] * 31], "row 0: a row has 1 to 30 cells, got 31"),
    "flat": ([0, 1], "row 0: a row must be a list of cells, got 0"),
    "text row": (["01"], "row 0: a row must be a list of cells, got str '01'"),
    "ragged": ([[0, 0], [0]], "row 1: rows must be equally long, got 1 cells"),
    "10": ([[0, 10]], "row 0, column 1: .* got 10"),
    "-1": ([[0], [-1]], "row 1, column 0: .* got -1"),
    "1.5": ([[1.5]], "row 0, column 0: .* got 1.5"),
    "1.0": ([[1.0]], "got 1.0"),
    "text": ([["3"]], "got str '3'"),
    "true": ([[True]], "got true"),
    "null cell": ([[None]], "got null"),
    "NaN": ([[float("nan")]], "got NaN"),
    "inf": ([[float("inf")]], "got inf"),
    "huge": ([[10**4000]], r"got 1000+\.\.\.0+$"),
    "too deep": ([[[0]]], r"got list \[0\]"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_anything_else_is_refused_with_its_place(name: str) -> None:
    value, message = HOSTILE[name]
    with pytest.raises(GridError, match=f"^task x: .*{message}|^task x, .*{message}") as caught:
        check_grid(value, "task x")
    assert len(str(caught.value)) < 150


def test_a_value_of_any_depth_is_described_in_a_few_words() -> None:
    nest: list[object] = []
    for _ in range(100_000):
        nest = [nest]
    assert len(describe(nest)) < 60
