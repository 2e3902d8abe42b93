"""Steps before and after other families' programs: what they claim is what they do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kit.budget.clock import SystemClock
from kit.induce.families.input_steps import input_steps, results_of
from kit.induce.families.inverse_steps import inverse_steps
from kit.induce.families.mosaics import propose_mosaics
from kit.induce.families.output_steps import output_steps
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import run_statements
from kit.induce.values import Image


def lined(seed: int) -> np.ndarray:
    """Four fields of 2 x 2 cells between lines."""
    fields = np.random.default_rng(seed).integers(0, 4, (2, 2)).astype(np.uint8)
    cells = fields.repeat(2, axis=0).repeat(2, axis=1)
    return np.insert(np.insert(cells, 2, 5, axis=0), 2, 5, axis=1)


def framed(seed: int) -> np.ndarray:
    """A picture with a frame of colour 7."""
    return np.pad(np.random.default_rng(seed).integers(0, 4, (3, 4)), 1, constant_values=7)


def mirrored(seed: int) -> np.ndarray:
    """Four quarters that mirror each other."""
    part = np.random.default_rng(seed).integers(0, 9, (3, 3))
    return np.vstack((np.hstack((part, part[:, ::-1])), np.hstack((part, part[:, ::-1]))[::-1]))


def shared(seed: int) -> np.ndarray:
    """Four quarters that share their inner lines."""
    return np.delete(np.delete(mirrored(seed), 3, axis=0), 3, axis=1)


def repeated(seed: int) -> np.ndarray:
    """Six copies."""
    return np.tile(np.random.default_rng(seed).integers(0, 9, (3, 2)), (2, 3))


def enlarged(seed: int) -> np.ndarray:
    """Cells of 3 x 3."""
    return np.random.default_rng(seed).integers(0, 9, (3, 2)).repeat(3, axis=0).repeat(3, axis=1)


def problem(make: object, give: object) -> Problem:
    """Three pairs and a test of pictures made with different seeds."""
    inputs = tuple(np.ascontiguousarray(give(seed), np.uint8) for seed in range(4))  # type: ignore[operator]
    outputs = tuple(np.ascontiguousarray(make(10 + seed), np.uint8) for seed in range(3))  # type: ignore[operator]
    return Problem(inputs[:3], outputs, inputs[3:])


@pytest.mark.parametrize(
    ("make", "primitive"),
    [
        (framed, "add_frame"),
        (mirrored, "mosaic"),
        (shared, "mosaic"),
        (repeated, "repeat_image"),
        (enlarged, "enlarge"),
        (lined, "fill_panels"),
        (lined, "spread_over_panels"),
    ],
)
def test_an_undone_step_done_again_gives_the_output(make: object, primitive: str) -> None:
    task = problem(make, lined)
    steps = list(output_steps(task))
    assert primitive in [step.lines[-1].primitive for step in steps]
    for step in steps:
        for grid, core, output in zip(task.inputs, step.outputs, task.outputs, strict=True):
            values = {"input": Image(grid), "core": Image(core)}
            got = run_statements(step.lines, values)
            assert got is not None and np.array_equal(got, output), step.lines


@pytest.mark.parametrize("give", [lined, framed, repeated, enlarged])
def test_input_steps_are_what_their_lines_give(give: object) -> None:
    task = problem(lined, give)
    steps = list(input_steps(task, Meter(SystemClock())))
    assert steps
    for step in steps:
        again = results_of(step.lines, task.grids)
        assert again is not None
        assert all(np.array_equal(a, b) for a, b in zip(again, step.grids, strict=True))
        assert len(step.grids) == len(task.grids)


def test_no_steps_for_noise() -> None:
    def noise(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).integers(1, 10, (7, 5))

    task = problem(noise, noise)
    assert list(output_steps(task)) == []
    assert list(input_steps(task, Meter(SystemClock()))) == []


def test_families_get_a_limited_part_of_the_meter() -> None:
    seen: list[float] = []

    def greedy(smaller: Problem, meter: Meter) -> list:  # type: ignore[type-arg]
        seen.append(meter.left_nodes())
        meter.spend(math.inf)
        return []

    family = inverse_steps([greedy, propose_mosaics])  # type: ignore[list-item]
    list(family(problem(framed, framed), Meter(SystemClock(), nodes=10_000.0)))
    assert seen and max(seen) <= 3000.0
