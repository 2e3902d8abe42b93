"""Families that choose: crops, rectangles, restorations, classes, branches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from kit.budget.clock import SystemClock
from kit.induce.families.conditional import branches, propose_classes
from kit.induce.families.crop import propose_crops
from kit.induce.families.rectangles import propose_rectangles
from kit.induce.families.restore import propose_restorations
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import parse_program
from kit.induce.proposal import Family, Proposal
from kit.induce.sift import fits
from kit.induce.things.objects import segment

FAMILIES = (propose_crops, propose_rectangles, propose_restorations, propose_classes)


def propose_halves(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """A family of one program."""
    program = parse_program("top = half(input, 'top')\noutput = flip_lr(top)")
    if fits(program, problem):
        yield Proposal(program, 2.0)


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


def problem_of(rule: Callable[[np.ndarray], np.ndarray], grids: list[np.ndarray]) -> Problem:
    outputs = tuple(np.ascontiguousarray(rule(g), np.uint8) for g in grids[:-1])
    return Problem(tuple(grids[:-1]), outputs, (grids[-1],))


def ask(
    family: Family, rule: Callable[[np.ndarray], np.ndarray], grids: list[np.ndarray]
) -> str | None:
    """The first program, if it is right for the last grid; checks every proposal."""
    problem = problem_of(rule, grids)
    first: str | None = None
    for rank, proposal in enumerate(family(problem, meter())):
        assert fits(proposal.program, problem)
        assert parse_program(proposal.program.text()) == proposal.program
        answer = proposal.program.run(grids[-1])
        assert answer is not None
        assert proposal.bits >= 0
        if rank == 0 and np.array_equal(answer, rule(grids[-1])):
            first = proposal.program.text()
    return first


def scene(seed: int, boxes: int = 4) -> np.ndarray:
    """Boxes of different sizes and random colours on a black grid, apart from each other."""
    draw = np.random.default_rng(seed)
    grid = np.zeros((16, 16), np.uint8)
    shapes = draw.permutation([(2, 3), (3, 3), (4, 3), (2, 5), (4, 5), (3, 6)])[:boxes]
    for index, (height, width) in enumerate(shapes):
        y, x = 8 * (index // 2) + draw.integers(0, 4), 8 * (index % 2) + draw.integers(0, 2)
        grid[y : y + height, x : x + width] = draw.integers(1, 8)
        grid[y + draw.integers(height), x + draw.integers(width)] = 8 + draw.integers(0, 2)
    return grid


FEW_COLOURED = [np.where(scene(seed) > 7, 1, scene(seed) % 4).astype(np.uint8) for seed in range(7)]
SCENES = [scene(seed) for seed in range(5)]


def largest(grid: np.ndarray) -> np.ndarray:
    return max(segment(grid, "any8"), key=lambda t: t.mask.size).cells


def test_crops_find_the_largest_object() -> None:
    found = str(ask(propose_crops, largest, SCENES))
    assert "choose_most(regions, " in found
    assert "cut_out(chosen, 'box')" in found


@pytest.mark.parametrize(
    "change",
    (
        lambda c: c[::-1],
        lambda c: c.T,
        lambda c: c[1:-1, 1:-1],
        lambda c: np.full((1, 1), np.bincount(c.ravel()).argmax()),
    ),
    ids=("mirrored", "turned", "inside", "colour"),
)
def test_crops_change_what_they_cut(change: Callable[[np.ndarray], np.ndarray]) -> None:
    assert ask(propose_crops, lambda g: change(largest(g)), SCENES)


def test_crops_learn_a_colour_table() -> None:
    table = np.array([0, 4, 3, 5, 4, 3, 2, 1, 6, 7], np.uint8)
    assert "map_colours(cut, " in str(ask(propose_crops, lambda g: table[largest(g)], FEW_COLOURED))


def test_crops_take_two_steps_where_one_is_not_enough() -> None:
    def second_of_red(grid: np.ndarray) -> np.ndarray:
        red = [t for t in segment(grid, "colour8") if t.colour == 2]
        return max(red, key=lambda t: t.size).cells

    grids = []
    for seed in range(5):
        draw = np.random.default_rng(seed)
        sizes = draw.permutation([2, 3, 4, 5])
        grid = np.zeros((16, 16), np.uint8)
        for index, (side, colour) in enumerate(zip(sizes, (2, 1, 2, 3), strict=True)):
            y, x = 8 * (index // 2) + 1, 8 * (index % 2) + int(draw.integers(0, 3))
            grid[y : y + side, x : x + side] = colour
            grid[y + 1, x + 1] = colour * (side < 4)
        grids.append(grid)
    assert ask(propose_crops, second_of_red, grids)


def test_rectangles_find_windows_that_no_object_fills() -> None:
    assert ask(propose_rectangles, lambda g: g[:2, :3], SCENES)


def test_rectangles_want_outputs_that_occur() -> None:
    assert list(propose_rectangles(problem_of(lambda g: g[:3, :3] + 1, SCENES), meter())) == []


def painted(grid: np.ndarray, colour: int, keep: bool) -> np.ndarray:
    out = grid.copy()
    things = segment(grid, "any8")
    best = max(things, key=lambda t: t.mask.size)
    for t in things:
        if (t is best) != keep:
            out[t.y : t.y + t.height, t.x : t.x + t.width][t.mask] = colour
    return out


@pytest.mark.parametrize("keep", (True, False))
@pytest.mark.parametrize("colour", (0, 5))
def test_restorations_paint_or_keep_the_chosen(colour: int, keep: bool) -> None:
    assert ask(propose_restorations, lambda g: painted(g, colour, keep), SCENES)


def test_restorations_fill_boxes_in_their_own_colour() -> None:
    def mended(grid: np.ndarray) -> np.ndarray:
        out = grid.copy()
        for t in segment(grid, "any8"):
            out[t.y : t.y + t.height, t.x : t.x + t.width] = t.colour
        return out

    assert ask(propose_restorations, mended, SCENES)


def test_classes_show_constant_pictures() -> None:
    def answer(grid: np.ndarray) -> np.ndarray:
        odd = bool((grid == grid[:, ::-1]).all())
        return np.array([[1, 0]] if odd else [[0, 2]])

    grids = []
    for seed in range(6):
        draw = np.random.default_rng(seed)
        half = draw.integers(0, 4, (3, 3))
        grids.append(np.hstack([half, half[:, ::-1] if seed % 2 else half]).astype(np.uint8))
    assert "'left_right'" in str(ask(propose_classes, answer, grids)) or ask(
        propose_classes, answer, grids
    )


def test_branches_do_one_thing_or_the_other() -> None:
    def answer(grid: np.ndarray) -> np.ndarray:
        tall = grid.shape[0] > grid.shape[1]
        return grid[:8, ::-1] if tall else largest(grid)

    grids = [SCENES[0], SCENES[1][:, 2:], SCENES[2], SCENES[3][:, 1:], SCENES[4][:, 2:]]
    assert ask(branches((propose_crops, propose_halves)), answer, grids)


@pytest.mark.parametrize("family", (*FAMILIES, branches(FAMILIES)), ids=lambda f: f.__name__)
def test_contradictory_pairs_get_no_program(family: Family) -> None:
    grid = SCENES[0]
    contradiction = Problem((grid, grid), (grid[:2, :2], grid[3:5, 3:6]), (grid,))
    assert list(family(contradiction, meter())) == []
    same_size = Problem((grid, grid), (grid, grid[::-1].copy()), (grid,))
    assert list(family(same_size, meter())) == []


@pytest.mark.parametrize("family", (*FAMILIES, branches(FAMILIES)), ids=lambda f: f.__name__)
def test_families_stop_when_the_meter_says_so(family: Family) -> None:
    spent = meter(5)
    list(family(problem_of(largest, SCENES), spent))
    assert spent.spent < 200


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_families_propose_the_same_twice(family: Family) -> None:
    problem = problem_of(lambda g: painted(g, 0, True), SCENES)
    first = [(p.program.text(), p.bits) for p in family(problem, meter())]
    assert first == [(p.program.text(), p.bits) for p in family(problem, meter())]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
def test_families_bear_the_smallest_grids(family: Family) -> None:
    dot = np.zeros((1, 1), np.uint8)
    for output in (dot, dot + 1, np.ones((2, 2), np.uint8)):
        for proposal in family(Problem((dot,), (output,), (dot,)), meter()):
            assert np.array_equal(proposal.program.run(dot), output)
