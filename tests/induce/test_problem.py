"""Tasks as arrays."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from kit.arc.task import Pair, Task
from kit.induce.problem import Problem
from tests.induce.pictures import problem, text

POSED = problem(("10", "23"), ("456", "7"), ("8", "9"), tests=("1/2", "30"))


def test_of_a_task() -> None:
    task = Task("t", (Pair(((1, 0),), ((2,), (3,))),), (((4,),), ((5, 6),)))
    posed = Problem.of(task)
    assert [text(g) for g in posed.inputs + posed.outputs + posed.tests] == ["10", "2/3", "4", "56"]
    assert all(g.dtype == np.uint8 and g.flags.c_contiguous for g in posed.grids + posed.outputs)


def test_grids_are_the_inputs_then_the_tests() -> None:
    assert [text(g) for g in POSED.grids] == ["10", "456", "8", "1/2", "30"]


def test_same_size() -> None:
    assert not POSED.same_size
    assert problem(("10", "23"), ("4", "5"), tests=("1/2",)).same_size


def test_output_colours() -> None:
    assert POSED.output_colours == {2, 3, 7, 9}


@pytest.mark.parametrize("index", range(3))
def test_a_left_out_pair_is_the_only_test_and_its_output_is_gone(index: int) -> None:
    reduced = POSED.without(index)
    assert [text(g) for g in reduced.tests] == [text(POSED.inputs[index])]
    kept = [i for i in range(3) if i != index]
    assert [text(g) for g in reduced.inputs] == [text(POSED.inputs[i]) for i in kept]
    assert [text(g) for g in reduced.outputs] == [text(POSED.outputs[i]) for i in kept]


def test_with_outputs() -> None:
    wanted = (POSED.outputs[2],) * 3
    changed = POSED.with_outputs(wanted)
    assert changed.outputs == wanted
    assert changed.inputs is POSED.inputs and changed.tests is POSED.tests


def test_there_is_no_place_for_a_test_output() -> None:
    assert [f.name for f in fields(Problem)] == ["inputs", "outputs", "tests"]
