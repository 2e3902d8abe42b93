"""Hypotheses about the size of the output."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.budget.clock import SystemClock
from kit.induce.enumeration.columns import Arena, grow, make_arena
from kit.induce.enumeration.sizes import (
    BITS_CONSTANT,
    FACTORS,
    MAX_OFFSET,
    Frame,
    frames,
)
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from tests.induce.pictures import problem

Shape = tuple[int, int]


def posed(shapes: list[tuple[Shape, Shape]], tests: list[Shape]) -> Problem:
    return Problem(
        tuple(np.ones(given, np.uint8) for given, _ in shapes),
        tuple(np.zeros(wanted, np.uint8) for _, wanted in shapes),
        tuple(np.ones(test, np.uint8) for test in tests),
    )


def arena_of(task: Problem, depth: int = 0) -> Arena:
    arena = make_arena(task.grids, 900, 10**7)
    if depth:
        grow(arena, 0, 1, Meter(SystemClock()), 10_000)
    return arena


def sizes(arena: Arena, frame: Frame) -> list[Shape]:
    return [image.cells.shape for image in arena.columns[frame.column].values]


sides = st.tuples(st.integers(1, 6), st.integers(1, 6))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(sides, min_size=2, max_size=4, unique=True),
    sides,
    st.tuples(st.sampled_from(FACTORS), st.sampled_from(FACTORS)),
    st.tuples(st.integers(0, MAX_OFFSET), st.integers(0, MAX_OFFSET)),
)
def test_proportions_are_found(
    given: list[Shape], test: Shape, factors: Shape, offsets: Shape
) -> None:
    def grown(shape: Shape) -> Shape:
        return shape[0] * factors[0] + offsets[0], shape[1] * factors[1] + offsets[1]

    if len({s[0] for s in given}) == 1 or len({s[1] for s in given}) == 1:
        return
    task = posed([(shape, grown(shape)) for shape in given], [test])
    if max(grown(test)) > 30:
        assert frames(task, arena_of(task), 5) == ()
        return
    arena = arena_of(task)
    (frame,) = frames(task, arena, 5)
    assert sizes(arena, frame) == [grown(s) for s in (*given, test)]
    assert (frame.bits == 0) == (factors == (1, 1) and offsets == (0, 0))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=4), st.lists(sides, min_size=1))
def test_every_hypothesis_is_right_and_says_something_new(
    shapes: list[tuple[Shape, Shape]], tests: list[Shape]
) -> None:
    task = posed(shapes, tests)
    arena = arena_of(task)
    found = frames(task, arena, 3)
    assert len(found) <= 3
    assert [f.bits for f in found] == sorted(f.bits for f in found)
    answers = [tuple(sizes(arena, f)[len(shapes) :]) for f in found]
    assert len(set(answers)) == len(answers)
    for frame in found:
        assert sizes(arena, frame)[: len(shapes)] == [wanted for _, wanted in shapes]
        assert max(max(s) for s in sizes(arena, frame)) <= 30


def test_the_size_of_the_input_costs_nothing() -> None:
    task = posed([((2, 3), (2, 3)), ((4, 4), (4, 4))], [(5, 6)])
    assert frames(task, arena_of(task), 3) == (Frame(0, 0.0),)


def test_one_size_everywhere_is_constant_or_the_input_s() -> None:
    task = posed([((2, 2), (2, 2)), ((2, 2), (2, 2))], [(3, 3)])
    arena = arena_of(task)
    first, second = frames(task, arena, 3)
    assert sizes(arena, first)[-1] == (3, 3) and first.bits == 0
    assert sizes(arena, second)[-1] == (2, 2) and second.bits == BITS_CONSTANT


def test_the_size_of_a_part_of_the_input() -> None:
    task = problem(("0000/0110/0000", "11"), ("200/220/000", "20/22"), tests=("0300/0300/0300",))
    arena = arena_of(task, depth=1)
    found = [f for f in frames(task, arena, 9) if sizes(arena, f)[-1] == (3, 1)]
    assert found and arena.columns[found[0].column].name == "trim"


def test_no_proportion_no_hypothesis() -> None:
    task = posed([((1, 1), (9, 9)), ((2, 2), (8, 8))], [(3, 3)])
    assert frames(task, arena_of(task), 3) == ()


@pytest.mark.parametrize("test", [(30, 1), (29, 29), (16, 16)])
def test_no_output_is_larger_than_a_grid(test: Shape) -> None:
    task = posed([((2, 3), (4, 6)), ((4, 4), (8, 8))], [(1, 1), test])
    assert frames(task, arena_of(task), 3) == ()


def test_hypotheses_leave_every_column_once() -> None:
    task = problem(("012/340", "120/012/340"), ("50/06", "550/500/006"), tests=("12/34",))
    arena = arena_of(task, depth=1)
    for _ in range(2):
        frames(task, arena, 3)
    assert all(arena.find(column) == index for index, column in enumerate(arena.columns))


def test_a_full_arena_still_gets_its_frame() -> None:
    task = posed([((2, 2), (3, 3)), ((3, 3), (3, 3))], [(4, 4)])
    arena = make_arena(task.grids, 900, sum(g.size for g in task.grids))
    assert arena.cells == arena.max_cells
    (frame,) = frames(task, arena, 3)
    assert sizes(arena, frame) == [(3, 3)] * 3
    assert math.isclose(frame.bits, BITS_CONSTANT)
