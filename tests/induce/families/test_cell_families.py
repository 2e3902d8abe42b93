"""Families over cells: what they find, that it runs again from text, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kit.budget.clock import SystemClock
from kit.induce.families.cell_rules import propose_cell_rules
from kit.induce.families.cell_stages import propose_cell_stages
from kit.induce.families.denoise import propose_denoising
from kit.induce.families.iterated import propose_iterated_rules
from kit.induce.families.stamps import propose_stamps
from kit.induce.meter import Meter
from kit.induce.primitives.stamps import draw_stamps
from kit.induce.problem import Problem
from kit.induce.program import parse_program
from kit.induce.proposal import Family, Proposal
from kit.induce.values import Image

Change = Callable[[np.ndarray], np.ndarray]
FAMILIES = (
    propose_cell_rules,
    propose_cell_stages,
    propose_iterated_rules,
    propose_stamps,
    propose_denoising,
)


def posed(change: Change, grids: list[np.ndarray]) -> tuple[Problem, np.ndarray]:
    """The problem of learning a change from all grids but the last, and its answer."""
    outputs = tuple(change(grid) for grid in grids)
    return Problem(tuple(grids[:-1]), outputs[:-1], (grids[-1],)), outputs[-1]


def dots(seed: int, share: float = 0.06) -> list[np.ndarray]:
    """Four grids with few single cells."""
    rng = np.random.default_rng(seed)
    return [
        ((rng.random((9, 10)) < share) * rng.integers(1, 3, (9, 10))).astype(np.uint8)
        for _ in range(4)
    ]


def proposals(family: Family, problem: Problem, nodes: float = 1e6) -> list[Proposal]:
    """All that a family offers."""
    return list(family(problem, Meter(SystemClock(), nodes=nodes)))


def best_answer(family: Family, problem: Problem) -> np.ndarray | None:
    """What the first program answers, run from its text."""
    found = proposals(family, problem)
    assert found, "nothing was proposed"
    for one in found:
        again = parse_program(one.program.text())
        for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
            assert np.array_equal(again.run(given), wanted)
    return parse_program(found[0].program.text()).run(problem.tests[0])


def paint_rows(grid: np.ndarray) -> np.ndarray:
    """Rows that hold colour 2 become 7 where they are empty."""
    return np.where((grid == 0) & (grid == 2).any(1, keepdims=True), 7, grid).astype(np.uint8)


def grow_right(grid: np.ndarray) -> np.ndarray:
    """Colour 1 grows to the right until something stops it."""
    out = grid.copy()
    for x in range(1, grid.shape[1]):
        out[:, x] = np.where((out[:, x] == 0) & (out[:, x - 1] == 1), 1, out[:, x])
    return out


def crosses(grid: np.ndarray) -> np.ndarray:
    """Sides of colour 5 around 1, corners of colour 6 around 2."""
    stamps = {
        1: tuple((dy, dx, 5) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))),
        2: tuple((dy, dx, 6) for dy, dx in ((1, 1), (1, -1), (-1, 1), (-1, -1))),
    }
    image = draw_stamps(Image(grid), stamps, False)
    assert image is not None
    return image.cells


def test_a_cell_rule_is_found() -> None:
    problem, wanted = posed(paint_rows, dots(1, 0.1))
    assert np.array_equal(best_answer(propose_cell_rules, problem), wanted)


def test_simple_rules_cost_less() -> None:
    simple, _ = posed(lambda g: np.where(g == 1, 4, g).astype(np.uint8), dots(2))
    harder, _ = posed(paint_rows, dots(1, 0.1))
    best = [proposals(propose_cell_rules, p)[0].bits for p in (simple, harder)]
    assert best[0] < best[1]


def test_an_iterated_rule_is_found() -> None:
    problem, wanted = posed(grow_right, dots(3))
    assert np.array_equal(best_answer(propose_iterated_rules, problem), wanted)


def test_stamps_are_found() -> None:
    problem, wanted = posed(crosses, dots(4))
    assert np.array_equal(best_answer(propose_stamps, problem), wanted)


def test_noise_is_removed() -> None:
    grids = dots(5)
    for shift, grid in enumerate(grids):
        grid[2:5, 1 + shift : 4 + shift] = 3

    def change(grid: np.ndarray) -> np.ndarray:
        out = np.zeros_like(grid)
        windows = np.argwhere(grid == 3)
        (top, left), (bottom, right) = windows.min(0), windows.max(0)
        out[top : bottom + 1, left : right + 1] = 3
        return out

    problem, wanted = posed(change, grids)
    assert np.array_equal(best_answer(propose_denoising, problem), wanted)


@pytest.mark.parametrize("family", FAMILIES)
def test_contradicting_pairs_get_nothing(family: Family) -> None:
    grid = np.array([[0, 1, 0], [1, 0, 0]], np.uint8)
    assert proposals(family, Problem((grid, grid), (grid, 1 - grid), (grid,))) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_of_another_size_and_copies_are_left_alone(family: Family) -> None:
    grid = np.array([[0, 1, 0], [1, 0, 0]], np.uint8)
    assert proposals(family, Problem((grid,), (grid.T.copy(),), (grid,))) == []
    assert proposals(family, Problem((grid,), (grid,), (grid.T.copy(),))) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_spent_meter_ends_the_search(family: Family) -> None:
    problem, _ = posed(paint_rows, dots(1, 0.1))
    assert proposals(family, problem, nodes=0) == []


def test_the_same_problem_gets_the_same_proposals() -> None:
    problem, _ = posed(paint_rows, dots(1, 0.1))
    first, second = (proposals(propose_cell_rules, problem) for _ in range(2))
    assert first == second


def test_two_rules_in_a_row_are_found() -> None:
    def change(grid: np.ndarray) -> np.ndarray:
        out = np.where((grid == 0) & (grid == 1).any(0), 7, grid)
        beside = np.zeros(grid.shape, bool)
        beside[:, 1:] |= out[:, :-1] == 7
        beside[:, :-1] |= out[:, 1:] == 7
        return np.where((out == 0) & beside, 3, out).astype(np.uint8)

    problem, wanted = posed(change, dots(6))
    assert np.array_equal(best_answer(propose_cell_stages, problem), wanted)
