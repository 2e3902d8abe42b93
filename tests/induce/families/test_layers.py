"""Changes of several colours, each found on its own."""

from __future__ import annotations

import numpy as np

from kit.budget.clock import SystemClock
from kit.induce.families.layers import layers
from kit.induce.families.restore import propose_restorations
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import parse_program
from kit.induce.sift import fits
from kit.induce.things.objects import segment

propose_layers = layers((propose_restorations,))


def bars(seed: int) -> np.ndarray:
    """Four bars of different heights in one colour."""
    heights = np.random.default_rng(seed).permutation([2, 4, 5, 7])
    grid = np.zeros((8, 9), np.uint8)
    for index, height in enumerate(heights):
        grid[8 - height :, 2 * index + 1] = 5
    return grid


def ranked(grid: np.ndarray) -> np.ndarray:
    """The tallest bar in 1, the shortest in 2."""
    out = grid.copy()
    things = sorted(segment(grid, "colour8"), key=lambda t: t.size)
    for thing, colour in ((things[-1], 1), (things[0], 2)):
        out[thing.y : thing.y + thing.height, thing.x] = colour
    return out


def problem() -> Problem:
    grids = [bars(seed) for seed in range(4)]
    return Problem(tuple(grids[:3]), tuple(map(ranked, grids[:3])), (grids[3],))


def test_each_colour_gets_a_rule_of_its_own() -> None:
    posed = problem()
    found = list(propose_layers(posed, Meter(SystemClock())))
    assert np.array_equal(found[0].program.run(posed.tests[0]), ranked(posed.tests[0]))
    for proposal in found:
        assert fits(proposal.program, posed)
        assert parse_program(proposal.program.text()) == proposal.program


def test_one_colour_is_no_case_for_layers() -> None:
    posed = problem()
    plain = posed.with_outputs(tuple(np.where(o == 1, 5, o) for o in posed.outputs))
    assert not [p for p in propose_layers(plain, Meter(SystemClock())) if "lay_ch" not in str(p)]


def test_other_sizes_and_spent_meters_get_nothing() -> None:
    posed = problem()
    other = posed.with_outputs(tuple(o[1:] for o in posed.outputs))
    assert list(propose_layers(other, Meter(SystemClock()))) == []
    assert list(propose_layers(posed, Meter(SystemClock(), nodes=3))) == []
