"""Tables from properties to actions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kit.budget.clock import SystemClock
from kit.induce.meter import Meter
from kit.induce.things.object_tables import decide, learn_tables, lesson_of, trait
from kit.induce.things.properties import scene

ONE = np.array([[1, 1, 0, 2], [0, 0, 0, 0], [1, 0, 2, 2]], np.uint8)
TWO = np.array([[2, 2, 2, 0, 1], [0, 0, 0, 0, 0], [1, 0, 1, 1, 0]], np.uint8)


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


def test_the_cheapest_table_comes_first_and_is_right() -> None:
    lesson = lesson_of((ONE, TWO), (ONE,), "colour4")
    assert lesson is not None
    colours = [t.colour for here in lesson.scenes for t in here.things]
    allowed = np.array([0b001 if c == 1 else 0b110 for c in colours], dtype=np.int64)
    first, *rest = learn_tables(lesson, allowed, meter())
    assert first.names == ("colour",)
    assert first.entries == {1: 0, 2: 1}
    for table in (first, *rest):
        for here, start in zip(lesson.scenes, (0, len(lesson.scenes[0].things)), strict=True):
            chosen = decide(here, table.names, table.entries, table.otherwise)
            assert chosen is not None
            assert all(allowed[start + i] >> action & 1 for i, action in enumerate(chosen))


def test_an_action_for_all_needs_no_property() -> None:
    lesson = lesson_of((ONE,), (TWO,), "colour4")
    assert lesson is not None
    allowed = np.array([0b110, 0b100, 0b111, 0b101], dtype=np.int64)
    (table,) = learn_tables(lesson, allowed, meter())
    assert (table.names, table.entries) == ((), {(): 2})


@pytest.mark.parametrize("masks", [[0, 1, 1, 1], [1, 2, 4, 8]])
def test_what_no_property_explains_gives_no_table(masks: list[int]) -> None:
    lesson = lesson_of((ONE,), (ONE,), "colour4")
    assert lesson is not None
    assert not list(learn_tables(lesson, np.array(masks, dtype=np.int64), meter()))


def test_a_meter_that_is_over_ends_it() -> None:
    lesson = lesson_of((ONE,), (ONE,), "colour4")
    assert lesson is not None
    assert not list(learn_tables(lesson, np.array([1, 2, 1, 2], dtype=np.int64), meter(5)))


def test_grids_without_objects_teach_nothing() -> None:
    assert lesson_of((ONE, np.zeros((2, 2), np.uint8)), (ONE,), "colour4") is None


def test_bounds_are_tests_on_numbers() -> None:
    here = scene(ONE, "colour4")
    assert [trait(here, "size>=2", i) for i in range(4)] == [True, False, False, True]


def test_values_that_were_never_seen_take_the_fallback_or_nothing() -> None:
    here = scene(ONE, "colour4")
    assert decide(here, ("colour",), {1: 5}, 7) == [5, 7, 5, 7]
    assert decide(here, ("colour",), {1: 5}, None) is None
