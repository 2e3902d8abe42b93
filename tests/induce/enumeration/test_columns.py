"""Bottom-up enumeration: columns are unique, and are what their lines compute."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.budget.clock import SystemClock
from kit.induce.enumeration.columns import (
    MAX_LIST,
    Arena,
    Column,
    evaluate,
    fit_to_frame,
    grow,
    make_arena,
    stack_lists,
)
from kit.induce.enumeration.operations import operations
from kit.induce.meter import Meter
from kit.induce.primitives.registry import primitives
from kit.induce.program import Name, Program, apply_primitive, parse_program
from kit.induce.values import Image, Images, image_key
from tests.induce.pictures import cells, image

GRIDS = (cells("0011/0010/2000"), cells("330/003/404"), cells("0550/5005/0660"))
examples = st.lists(
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=st.sampled_from([0, 0, 1, 2]),
    ),
    min_size=1,
    max_size=3,
)


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


def grown(grids: tuple[np.ndarray, ...] = GRIDS, max_cells: int = 10**6) -> Arena:
    """An arena of depth 1 with images fitted to the size of the input."""
    arena = make_arena(grids, max(g.size for g in grids), max_cells)
    grow(arena, 0, 1, meter(), 10_000)
    end = len(arena.columns)
    fit_to_frame(arena, range(end), 0, meter(), 4.0)
    stack_lists(arena, range(end), meter(), 4.0)
    return arena


def key(value: Image | Images) -> tuple[bytes, ...] | bytes:
    return image_key(value) if isinstance(value, Image) else tuple(map(image_key, value))


def value_of(arena: Arena, index: int, grid: np.ndarray) -> Any:
    """What the printed lines of a column compute for one grid."""
    names = {0: "input"}
    lines = arena.statements(index, names)
    values: dict[str, Any] = {"input": Image(grid)}
    for line in lines:
        given = [values[a.name] if isinstance(a, Name) else a for a in line.arguments]
        values[line.target] = apply_primitive(line.primitive, given)
    return values[names[index]]


def assert_sound(arena: Arena, grids: tuple[np.ndarray, ...], indices: list[int]) -> None:
    for index in indices:
        column = arena.columns[index]
        for grid, value in zip(grids, column.values, strict=True):
            assert key(value_of(arena, index, grid)) == key(value), column.name


def test_columns_are_what_their_lines_compute() -> None:
    arena = grown()
    assert len(arena.columns) > 60
    assert_sound(arena, GRIDS, list(range(len(arena.columns))))


@settings(max_examples=8, deadline=None)
@given(examples, st.randoms(use_true_random=False))
def test_columns_of_two_operations_are_what_their_lines_compute(
    given: list[np.ndarray], draw: Any
) -> None:
    grids = tuple(given)
    arena = make_arena(grids, max(g.size for g in grids), 10**6)
    grow(arena, 0, 1, meter(), 10_000)
    grow(arena, 1, len(arena.columns), meter(700), 10_000)
    count = len(arena.columns)
    assert_sound(arena, grids, draw.sample(range(count), min(count, 40)))


def test_every_column_is_there_once() -> None:
    arena = grown()
    keys = [(c.many, tuple(key(v) for v in c.values)) for c in arena.columns]
    assert len(set(keys)) == len(keys)
    assert all(len(c.values) == len(GRIDS) for c in arena.columns)
    assert all(p < i for i, c in enumerate(arena.columns) for p in c.parents)


def test_nothing_that_an_operation_gives_is_missing() -> None:
    arena = grown()
    kept = {(c.many, tuple(key(v) for v in c.values)) for c in arena.columns}
    for operation in operations():
        found = evaluate(operation, arena.columns[0])
        if found is None:
            continue
        values, many = found
        most = 24 * (2.5 if many else 1)
        if all(sum(i.cells.size for i in (v if many else (v,))) <= most for v in values):
            assert (many, tuple(key(v) for v in values)) in kept, operation.name


def test_depth_and_length_add_up() -> None:
    arena = grown()
    table = {(op.name, op.arguments): op.bits for op in operations()}
    for column in arena.columns[1:]:
        parent = arena.columns[column.parents[0]]
        assert column.depth == parent.depth + 1
        framed = len(column.parents) == 2 or (column.name == "stack" and parent.depth)
        bits = 4.0 if framed else table[column.name, column.arguments]
        assert column.bits == parent.bits + bits


def test_programs_of_columns_come_back_from_their_text() -> None:
    arena = grown()
    for index, column in enumerate(arena.columns[1:], 1):
        lines = arena.statements(index, {0: "input"})
        last = lines[-1]
        lines[-1] = type(last)("output", last.primitive, last.arguments)
        program = Program(tuple(lines))
        assert parse_program(program.text()) == program
        fits = not column.many and all(max(v.cells.shape) <= 30 for v in column.values)
        for grid, value in zip(GRIDS, column.values, strict=True):
            got = program.run(grid)
            assert (got is not None) == fits
            assert not fits or np.array_equal(got, value.cells)


def test_lines_that_have_a_name_are_not_repeated() -> None:
    arena = grown()
    index = next(i for i, c in enumerate(arena.columns) if c.depth == 2)
    names = {0: "input"}
    lines = arena.statements(index, names)
    assert len(lines) == len({line.target for line in lines}) == len(names) - 1
    assert arena.statements(index, names) == []


def test_a_list_of_one_image_is_not_that_image() -> None:
    single = image("12", 3, 4)
    arena = make_arena((cells("0"),), 4, 1000)
    listed = arena.add(Column(((single,),), True, "split_rows", (), (0,), 1, 5.0))
    alone = arena.add(Column((single,), False, "stack", (), (listed,), 2, 9.0))
    assert (listed, alone) == (1, 2)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((image("12"),), (image("1/2"),)),
        ((image("12", 0, 1),), (image("12", 1, 0),)),
        ((image("1"), image("2")), (image("12"),)),
        ((image("1"), image("2")), (image("2"), image("1"))),
        ((image("0"), image("0")), (image("0"),)),
    ],
)
def test_different_lists_are_different_columns(a: Images, b: Images) -> None:
    arena = make_arena((cells("9"),), 10, 1000)
    for value in (a, b):
        assert arena.add(Column((value,), True, "split_rows", (), (0,), 1, 5.0)) is not None
        assert arena.add(Column((value,), True, "split_rows", (), (0,), 1, 5.0)) is None


def test_the_border_between_examples_counts() -> None:
    arena = make_arena((cells("8"), cells("9")), 10, 1000)
    one, two = image("1"), image("2")
    for values in (((one, two), (one,)), ((one,), (two, one))):
        assert arena.add(Column(values, True, "split_rows", (), (0,), 1, 5.0)) is not None


@pytest.mark.parametrize("max_cells", [40, 100, 1000])
def test_the_bound_on_memory_holds(max_cells: int) -> None:
    arena = grown(max_cells=max_cells)
    held = sum(
        image.cells.size
        for column in arena.columns
        for value in column.values
        for image in (value if column.many else (value,))
    )
    assert held == arena.cells <= max_cells


def test_an_image_may_have_twice_the_cells_of_the_largest_grid() -> None:
    arena = make_arena((cells("12"),), 4, 10**6)
    for side, kept in ((8, True), (9, False)):
        big = Image(np.ones((1, side), np.uint8))
        column = Column((big,), False, "grow_box", (), (0,), 1, 5.0)
        assert (arena.add(column) is not None) == kept
    many = tuple(Image(np.full((1, 7), c, np.uint8)) for c in (1, 2, 3))
    assert arena.add(Column((many[:2],), True, "split_rows", (), (0,), 1, 5.0)) is not None
    assert arena.add(Column((many,), True, "split_rows", (), (0,), 1, 5.0)) is None


@pytest.mark.parametrize("nodes", [0, 1, 10])
def test_growing_stops_with_the_meter(nodes: int) -> None:
    arena = make_arena(GRIDS, 12, 10**6)
    counted = meter(nodes)
    assert not grow(arena, 0, 1, counted, 10_000)
    assert counted.spent <= nodes + 0.5 and len(arena.columns) <= 2 * nodes + 1


def test_growing_stops_at_the_bound_on_columns() -> None:
    arena = make_arena(GRIDS, 12, 10**6)
    assert not grow(arena, 0, 1, meter(), 7)
    assert len(arena.columns) == 7


def test_cheap_columns_grow_first_however_they_came() -> None:
    arena = make_arena(GRIDS, 12, 10**6)
    dear = arena.add(Column(tuple(map(Image, GRIDS[::-1])), False, "trim", (), (0,), 1, 50.0))
    assert dear == 1
    grow(arena, 0, 2, meter(20), 10_000)
    assert {c.parents for c in arena.columns[2:]} == {(0,)}


def test_long_lists_do_not_grow() -> None:
    arena = make_arena((cells("1"),), 900, 10**6)
    long = tuple(Image(np.ones((1, 1), np.uint8), y, 0) for y in range(MAX_LIST + 1))
    arena.add(Column((long,), True, "split_rows", (), (0,), 1, 5.0))
    assert grow(arena, 1, 2, meter(), 10_000) and len(arena.columns) == 2


def operation(name: str, *arguments: object) -> Any:
    return next(op for op in operations() if (op.name, op.arguments) == (name, arguments))


def listed(*values: Images) -> Column:
    return Column(values, True, "split_rows", (), (0,), 1, 5.0)


def test_what_is_undefined_on_one_example_is_undefined() -> None:
    column = Column((image("01"), image("00")), False, "input", (), (), 0, 0.0)
    assert evaluate(operation("trim"), column) is None


def test_of_many_those_are_left_out_on_which_it_is_undefined() -> None:
    column = listed((image("01"), image("00")), (image("20"),))
    found = evaluate(operation("trim"), column)
    assert found is not None and found[1]
    assert [[i.cells.tolist() for i in value] for value in found[0]] == [[[[1]]], [[[2]]]]
    assert evaluate(operation("trim"), listed((image("01"),), (image("00"),))) is None


def test_lists_of_lists_are_undefined() -> None:
    assert evaluate(operation("split_colours"), listed((image("12"), image("34")))) is None


def test_an_operation_of_many_needs_many() -> None:
    column = Column((image("01"),), False, "input", (), (), 0, 0.0)
    assert evaluate(operation("stack"), column) is None


def test_fitting_and_stacking_stop_with_the_meter() -> None:
    arena = make_arena(GRIDS, 12, 10**6)
    grow(arena, 0, 1, meter(), 10_000)
    count = len(arena.columns)
    fit_to_frame(arena, range(count), 0, meter(0), 4.0)
    stack_lists(arena, range(count), meter(0), 4.0)
    assert len(arena.columns) == count


def test_stacked_lists_are_the_lists_laid_over_each_other() -> None:
    arena = make_arena((cells("0"),), 9, 1000)
    images = (image("10", 0, 0), image("02", 0, 0))
    arena.add(listed(images))
    stack_lists(arena, range(2), meter(), 4.0)
    made = arena.columns[2]
    assert made.name == "stack" and made.parents == (1,) and not made.many
    assert key(made.values[0]) == key(primitives()["stack"](images))
