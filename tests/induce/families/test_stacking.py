"""Outputs as layers of enumerated images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.budget.clock import SystemClock
from kit.induce.enumeration.columns import Arena, make_arena
from kit.induce.families import stacking as stacking_module
from kit.induce.families.stacking import PARTIAL_BITS, stacking
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, parse_program
from kit.induce.proposal import Family, Proposal
from tests.induce.pictures import cells, problem, text

NODES = 12_000


def ask(posed: Problem, family: Family | None = None, nodes: float = NODES) -> list[Proposal]:
    """All proposals; each must come back from its text, and do the same."""
    found = list((family or stacking(2))(posed, Meter(SystemClock(), nodes=nodes)))
    for proposal in found:
        again = parse_program(proposal.program.text())
        assert again == proposal.program
        for grid in posed.grids:
            got = proposal.program.run(grid)
            assert got is not None and got.max() <= 9
            assert np.array_equal(got, again.run(grid))
    return found


def reproduced(program: Program, posed: Problem) -> int:
    return sum(
        np.array_equal(program.run(given), wanted)
        for given, wanted in zip(posed.inputs, posed.outputs, strict=True)
    )


def made(rule: Callable[[np.ndarray], np.ndarray], *grids: str) -> tuple[Problem, np.ndarray]:
    """A problem from a rule, and the answer for its test, the last grid."""
    inputs = tuple(map(cells, grids))
    outputs = tuple(np.ascontiguousarray(rule(grid), np.uint8) for grid in inputs)
    return Problem(inputs[:-1], outputs[:-1], inputs[-1:]), outputs[-1]


def best_answers(posed: Problem, family: Family | None = None) -> list[str | None]:
    found = [p for p in ask(posed, family) if reproduced(p.program, posed) == len(posed.inputs)]
    return [text(p.program.run(posed.tests[0])) for p in found]


GRIDS = ("00000/01200/00010/00000", "30000/03300/00400", "0050/0056/0000/0600", "0070/0780/0000")


def test_one_operation() -> None:
    posed, answer = made(lambda g: g[::-1], *GRIDS)
    assert best_answers(posed, stacking(1))[0] == text(answer)


def test_two_operations() -> None:
    def mirrored_content(grid: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(grid)
        return grid[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].T

    posed, answer = made(mirrored_content, *GRIDS)
    assert best_answers(posed)[0] == text(answer)


def test_two_layers_of_two_operations() -> None:
    def mirrored_over_turned(grid: np.ndarray) -> np.ndarray:
        left = grid.copy()
        left[left == 2] = 0
        below = grid[::-1, ::-1]
        return np.where(left[:, ::-1] > 0, left[:, ::-1], below)

    posed, answer = made(
        mirrored_over_turned, "1020/0301/0000", "0012/0200/3100", "0500/2010/0002", "0070/2200/1000"
    )
    assert text(answer) in best_answers(posed)[:2]


def test_a_layer_painted_in_one_colour_below_the_input() -> None:
    def frame(grid: np.ndarray) -> np.ndarray:
        ring = np.zeros_like(grid)
        ring[[0, -1]] = 8
        ring[:, [0, -1]] = 8
        return np.where(grid > 0, grid, ring)

    posed, answer = made(frame, "0000/0100/0020/0000", "00300/00000/03000", "000/040/000/050")
    assert best_answers(posed)[0] == text(answer)


def test_a_constant_size() -> None:
    posed = problem(("0110/0000", "11"), ("022/000/000", "22"), tests=("00000/03300",))
    assert best_answers(posed)[0] == "33"


def test_the_shortest_proposal_comes_first_and_answers_differ() -> None:
    posed, _ = made(lambda g: g[:, ::-1], *GRIDS)
    found = ask(posed, stacking(1))
    assert [p.bits for p in found] == sorted(p.bits for p in found)
    answers = [text(p.program.run(posed.tests[0])) for p in found]
    assert len(set(answers)) == len(answers)


def test_a_rule_predicts_left_out_pairs_and_a_coincidence_does_not() -> None:
    posed, _ = made(lambda g: g[:, ::-1], *GRIDS)
    assert ask(posed, stacking(1))[0].left_out == 1.0
    odd = problem(("1", "12"), ("2", "31"), ("3", "77"), tests=("4",))
    assert all(p.left_out == 0.0 for p in ask(odd, stacking(1)))


def test_one_pair_leaves_nothing_to_leave_out() -> None:
    posed, answer = made(lambda g: g[:, ::-1], *GRIDS[:2])
    found = ask(posed, stacking(1))
    assert found[0].left_out is None
    assert text(answer) in [text(p.program.run(posed.tests[0])) for p in found]


CONTRADICTION = problem(("120", "021"), ("120", "120"), ("003", "300"), tests=("450",))


def test_contradictory_pairs_have_no_covering_program() -> None:
    found = ask(CONTRADICTION)
    assert found and all(0 < reproduced(p.program, CONTRADICTION) < 3 for p in found)
    assert all(p.bits >= PARTIAL_BITS for p in found)


@settings(max_examples=6, deadline=None)
@given(
    st.lists(
        st.tuples(*[arrays(np.uint8, (3, 3), elements=st.sampled_from([0, 1, 2]))] * 2),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_the_pairs_a_proposal_reproduces_one(
    pairs: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    posed = Problem(tuple(a for a, _ in pairs), tuple(b for _, b in pairs), (pairs[0][0],))
    for proposal in ask(posed, stacking(1), 3000):
        right = reproduced(proposal.program, posed)
        assert right >= 1
        assert proposal.bits >= PARTIAL_BITS * (len(pairs) - right)


@pytest.mark.parametrize("nodes", [0, 1])
def test_a_meter_of_one_node_ends_it_at_once(nodes: int) -> None:
    posed, _ = made(lambda g: g[::-1], *GRIDS)
    meter = Meter(SystemClock(), nodes=nodes)
    list(stacking(2)(posed, meter))
    assert meter.spent < 25


@pytest.mark.parametrize("nodes", [30, 300, 3000])
def test_it_stops_near_its_last_node(nodes: int) -> None:
    posed, _ = made(lambda g: np.roll(g, 1, 0)[::-1, ::-1] // 2, *GRIDS)
    meter = Meter(SystemClock(), nodes=nodes)
    list(stacking(2)(posed, meter))
    assert meter.spent < nodes + 40


def test_a_deadline_that_has_passed_ends_it() -> None:
    posed, _ = made(lambda g: g[::-1], *GRIDS)
    meter = Meter(SystemClock(), deadline_s=-math.inf)
    list(stacking(2)(posed, meter))
    assert meter.spent < 25


def test_it_can_be_stopped_between_two_proposals() -> None:
    posed, _ = made(lambda g: g[::-1], *GRIDS)
    running = stacking(1)(posed, Meter(SystemClock()))
    assert isinstance(next(iter(running)), Proposal)
    running.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("max_cells", [70, 400, 3000])
def test_the_bound_on_memory_is_respected(max_cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made_arenas = []

    def remember(*given: Any) -> Arena:
        made_arenas.append(make_arena(*given))
        return made_arenas[-1]

    monkeypatch.setattr(stacking_module, "make_arena", remember)
    posed, answer = made(lambda g: g[::-1], *GRIDS)
    assert sum(g.size for g in posed.grids) <= 70
    found = ask(posed, stacking(2, max_cells=max_cells))
    (arena,) = made_arenas
    assert arena.cells <= max_cells
    if max_cells == 3000:
        assert text(found[0].program.run(posed.tests[0])) == text(answer)


def test_the_bound_on_columns_is_respected() -> None:
    posed, answer = made(lambda g: g[::-1], *GRIDS)
    found = ask(posed, stacking(2, max_columns=60))
    assert text(found[0].program.run(posed.tests[0])) == text(answer)


def test_an_output_of_no_known_size_gives_nothing() -> None:
    posed = problem(("1", "1" * 9), ("2", "2/2/2/2/2/2/2"), tests=("3",))
    assert ask(posed) == []


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    posed, _ = made(lambda g: g[:, ::-1], *GRIDS)
    family = stacking(1)
    first = ask(posed, family)
    ask(CONTRADICTION, family)
    assert ask(posed, family) == first
