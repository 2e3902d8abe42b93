"""Families that see a picture as parts: panels, mosaics, repair, scaling, steps undone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kit.budget.clock import SystemClock
from kit.induce.families.inverse_steps import inverse_steps
from kit.induce.families.mosaics import propose_mosaics
from kit.induce.families.panels import propose_panels
from kit.induce.families.repair import propose_repair
from kit.induce.families.scaling import propose_scaling
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import parse_program
from kit.induce.proposal import Family
from kit.induce.sift import fits

OWN = (propose_panels, propose_mosaics, propose_repair, propose_scaling)
propose_steps = inverse_steps(OWN)
FAMILIES = (*OWN, propose_steps)


def pictures(seed: int, height: int, width: int, count: int = 4) -> list[np.ndarray]:
    """Pictures of some background and three colours."""
    draw = np.random.default_rng(seed)
    colours = np.array([0, 0, 1, 2, 3], np.uint8)
    return [colours[draw.integers(0, 5, (height, width))] for _ in range(count)]


def ask(
    family: Family, rule: Callable[[np.ndarray], np.ndarray], grids: list[np.ndarray]
) -> str | None:
    """The first program whose answer is right for the last grid; checks every proposal."""
    outputs = tuple(np.ascontiguousarray(rule(grid), np.uint8) for grid in grids)
    problem = Problem(tuple(grids[:-1]), outputs[:-1], (grids[-1],))
    for proposal in family(problem, Meter(SystemClock())):
        assert fits(proposal.program, problem)
        assert parse_program(proposal.program.text()) == proposal.program
        answer = proposal.program.run(grids[-1])
        assert answer is not None
        if np.array_equal(answer, outputs[-1]):
            return proposal.program.text()
    return None


def separated(grid: np.ndarray, colour: int = 5) -> np.ndarray:
    """Four quarters with lines between."""
    h, w = grid.shape[0] // 2, grid.shape[1] // 2
    grid = np.insert(grid, h, colour, axis=0)
    return np.insert(grid, w, colour, axis=1)


def test_panels_overlaid_by_a_table() -> None:
    def both_filled(grid: np.ndarray) -> np.ndarray:
        return np.where((grid[:, :4] > 0) & (grid[:, 5:] > 0), 8, 0)

    grids = [np.insert(g, 4, 5, axis=1) for g in pictures(1, 4, 8)]
    assert "combine_panels" in str(ask(propose_panels, both_filled, grids))


def test_panels_overlaid_by_priority() -> None:
    def second_on_top(grid: np.ndarray) -> np.ndarray:
        return np.where(grid[:, 4:8] > 0, grid[:, 4:8], grid[:, :4])

    assert ask(propose_panels, second_on_top, pictures(2, 4, 8))


def test_the_fullest_panel() -> None:
    def fullest(grid: np.ndarray) -> np.ndarray:
        quarters = [grid[:3, :3], grid[:3, 4:], grid[4:, :3], grid[4:, 4:]]
        return max(quarters, key=np.count_nonzero)

    grids = [separated(g) for g in pictures(14, 6, 6)]
    assert "'filled', True" in str(ask(propose_panels, fullest, grids))


def test_panels_counted_into_cells() -> None:
    def count(grid: np.ndarray) -> np.ndarray:
        blocks = grid.reshape(3, 2, 3, 2).swapaxes(1, 2).reshape(3, 3, 4)
        return np.where((blocks > 0).sum(axis=2) > 2, 1, 0)

    assert "panels_to_cells" in str(ask(propose_panels, count, pictures(4, 6, 6, 8)))


def test_mosaic_of_mirror_images() -> None:
    def mirrored(grid: np.ndarray) -> np.ndarray:
        row = np.hstack((grid[:, ::-1], grid))
        return np.vstack((row, row[::-1]))

    assert "mosaic(" in str(ask(propose_mosaics, mirrored, pictures(5, 3, 3)))


def test_self_product() -> None:
    def product(grid: np.ndarray) -> np.ndarray:
        return np.kron(grid > 0, grid)

    assert "mosaic_by_cell" in str(ask(propose_mosaics, product, pictures(6, 3, 3)))


def test_a_covered_symmetric_picture_is_completed() -> None:
    wholes = [np.hstack((g, g[:, ::-1])) + 1 for g in pictures(7, 8, 4)]
    covered = []
    for i, whole in enumerate(wholes):
        covered.append(whole.copy())
        covered[-1][i : i + 2, 1:3] = 9
    key = {g.tobytes(): w for g, w in zip(covered, wholes, strict=True)}
    assert ask(propose_repair, lambda g: key[g.tobytes()], covered)
    window = {
        g.tobytes(): w[i : i + 2, 1:3] for i, (g, w) in enumerate(zip(covered, wholes, strict=True))
    }
    assert "window_of_colour" in str(ask(propose_repair, lambda g: window[g.tobytes()], covered))


def test_a_noisy_pattern_is_restored() -> None:
    wholes = [np.tile(g + 1, (5, 5)) for g in pictures(8, 2, 3)]
    noisy = [whole.copy() for whole in wholes]
    for i, grid in enumerate(noisy):
        grid[i, 4], grid[7, i] = 0, 9
    key = {g.tobytes(): w for g, w in zip(noisy, wholes, strict=True)}
    assert ask(propose_repair, lambda g: key[g.tobytes()], noisy)


def test_enlarged_by_the_number_of_colours() -> None:
    def enlarged(grid: np.ndarray) -> np.ndarray:
        count = len(np.unique(grid[grid > 0]))
        return grid.repeat(count, axis=0).repeat(count, axis=1)

    grids = [
        np.array(rows, np.uint8)
        for rows in ([[1, 2], [0, 1]], [[1, 2], [3, 0]], [[4, 0], [0, 0]], [[1, 2], [3, 4]])
    ]
    assert "count_colours" in str(ask(propose_scaling, enlarged, grids))


def test_copies_with_gaps() -> None:
    def copies(grid: np.ndarray) -> np.ndarray:
        row = np.hstack((grid, np.full((3, 1), 4), grid))
        return np.vstack((row, np.full((1, 7), 4), row))

    assert "repeat_with_gaps" in str(ask(propose_scaling, copies, pictures(9, 3, 3)))


def test_steps_before_and_after_are_undone() -> None:
    def framed_fullest(grid: np.ndarray) -> np.ndarray:
        inside = grid[1:-1, 1:-1]
        return np.pad(inside[:, :3] | inside[:, 3:], 1, constant_values=7)

    grids = [
        np.pad(np.where(g > 0, 1, 0).astype(np.uint8), 1, constant_values=6)
        for g in pictures(10, 3, 6)
    ]
    text = str(ask(propose_steps, framed_fullest, grids))
    assert "strip_frame" in text and "add_frame" in text


def test_each_panel_by_itself() -> None:
    def turned(grid: np.ndarray) -> np.ndarray:
        out = grid.copy()
        for y in (0, 4):
            for x in (0, 4):
                out[y : y + 3, x : x + 3] = out[y : y + 3, x : x + 3].T.copy()
        return out

    grids = [separated(g) for g in pictures(11, 6, 6)]
    assert "map_panels" in str(ask(propose_steps, turned, grids))


@pytest.mark.parametrize("family", FAMILIES)
def test_noise_is_not_explained(family: Family) -> None:
    grids, outputs = pictures(12, 6, 8), pictures(13, 6, 8)
    problem = Problem(tuple(grids[:3]), tuple(outputs[:3]), (grids[3],))
    assert list(family(problem, Meter(SystemClock()))) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_contradicting_pairs_are_not_explained(family: Family) -> None:
    grid = pictures(15, 4, 8)[0]
    problem = Problem((grid, grid), (grid[:, :4], grid[:, 4:]), (grid,))
    assert list(family(problem, Meter(SystemClock()))) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_no_work_is_done_when_the_meter_is_over(family: Family) -> None:
    grids = pictures(16, 3, 3)
    problem = Problem(tuple(grids[:3]), tuple(np.tile(g, (2, 2)) for g in grids[:3]), (grids[3],))
    assert list(family(problem, Meter(SystemClock(), nodes=0.0))) == []
