"""Families that act on objects: they find planted rules, and only what reproduces every pair."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from kit.budget.clock import SystemClock
from kit.induce.families.boxes import propose_boxes
from kit.induce.families.object_motion import propose_object_motion
from kit.induce.families.object_recolour import propose_object_recolour
from kit.induce.families.point_symmetry import propose_point_symmetry
from kit.induce.families.templates import propose_templates
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import parse_program
from kit.induce.proposal import Family
from kit.induce.things.objects import segment

FAMILIES = (
    propose_object_recolour,
    propose_boxes,
    propose_object_motion,
    propose_point_symmetry,
    propose_templates,
)


def scattered(seed: int) -> np.ndarray:
    """A 12 x 12 grid with a few rectangles that do not touch."""
    rng = np.random.default_rng(seed)
    cells = np.zeros((12, 12), np.uint8)
    for row in range(3):
        for column in range(3):
            if rng.random() < 0.7:
                height, width = rng.integers(1, 4, 2)
                y, x = 4 * row, 4 * column
                cells[y : y + height, x : x + width] = rng.integers(1, 4)
    cells[0:3, 0:2] = 1
    return cells


def planted(rule: Callable[[np.ndarray], np.ndarray]) -> tuple[Problem, np.ndarray]:
    """A problem that a rule solves, and the answer to its test."""
    inputs = [scattered(seed) for seed in range(4)]
    outputs = [rule(cells) for cells in inputs]
    return Problem(tuple(inputs[:3]), tuple(outputs[:3]), (inputs[3],)), outputs[3]


def largest_red(cells: np.ndarray) -> np.ndarray:
    out = cells.copy()
    things = segment(cells, "colour4", 0)
    for t in things:
        if t.size == max(u.size for u in things):
            out[t.y : t.y + t.height, t.x : t.x + t.width][t.mask] = 8
    return out


def dotted_corners(cells: np.ndarray) -> np.ndarray:
    out = cells.copy()
    for t in segment(cells, "colour4", 0):
        out[np.ix_((t.y, t.y + t.height - 1), (t.x, t.x + t.width - 1))] = 9
    return out


def one_down(cells: np.ndarray) -> np.ndarray:
    return np.vstack([cells[-1:] * 0, cells[:-1]])


def mirrored(cells: np.ndarray) -> np.ndarray:
    """Every object beside its mirror image, on the right."""
    out = cells.copy()
    for t in segment(cells, "colour4", 0):
        place = out[t.y : t.y + t.height, t.x + t.width : t.x + 2 * t.width]
        place[place == 0] = t.colour
    return out


def test_a_template_is_copied_to_dots() -> None:
    inputs, outputs = [], []
    for y, x in ((2, 8), (7, 7), (9, 2), (6, 9)):
        cells = np.zeros((12, 12), np.uint8)
        cells[1, 0:3] = cells[0:3, 1] = 3
        cells[0, 1] = 4
        cells[y, x] = 5
        wanted = cells.copy()
        wanted[y - 1 : y + 2, x - 1 : x + 2][cells[:3, :3] > 0] = cells[:3, :3][cells[:3, :3] > 0]
        inputs.append(cells)
        outputs.append(wanted)
    problem = Problem(tuple(inputs[:3]), tuple(outputs[:3]), (inputs[3],))
    first = next(propose_templates(problem, meter()))
    assert np.array_equal(first.program.run(inputs[3]), outputs[3])


PLANTED = [
    (propose_object_recolour, largest_red),
    (propose_boxes, dotted_corners),
    (propose_object_motion, one_down),
    (propose_point_symmetry, mirrored),
]


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


@pytest.mark.parametrize(("family", "rule"), PLANTED)
def test_a_planted_rule_is_found(family: Family, rule: Callable[[np.ndarray], np.ndarray]) -> None:
    problem, answer = planted(rule)
    proposals = list(family(problem, meter()))
    assert any(np.array_equal(p.program.run(problem.tests[0]), answer) for p in proposals[:2])
    for proposal in proposals:
        again = parse_program(proposal.program.text())
        for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
            assert np.array_equal(again.run(given), wanted)


@pytest.mark.parametrize(("family", "rule"), PLANTED)
def test_the_same_problem_gives_the_same_programs(
    family: Family, rule: Callable[[np.ndarray], np.ndarray]
) -> None:
    problem, _ = planted(rule)
    one, two = ([p.program.text() for p in family(problem, meter())] for _ in range(2))
    assert one == two


@pytest.mark.parametrize("family", FAMILIES)
def test_contradicting_pairs_give_nothing(family: Family) -> None:
    cells = scattered(1)
    problem = Problem((cells, cells), (largest_red(cells), one_down(cells)), (cells,))
    assert not list(family(problem, meter()))


@pytest.mark.parametrize("family", FAMILIES)
def test_empty_and_tiny_grids_are_harmless(family: Family) -> None:
    empty, dot = np.zeros((3, 3), np.uint8), np.ones((1, 1), np.uint8)
    for given, wanted in ((empty, empty), (empty, empty + 1), (dot, dot + 1), (dot, empty)):
        list(family(Problem((given,), (wanted,), (given,)), meter()))


@pytest.mark.parametrize(("family", "rule"), PLANTED)
def test_a_spent_meter_stops_it(family: Family, rule: Callable[[np.ndarray], np.ndarray]) -> None:
    problem, _ = planted(rule)
    assert not list(family(problem, meter(nodes=1)))
