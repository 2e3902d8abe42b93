"""Families on a task whose colours have roles, or whose grids are turned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from kit.augment.transform import DIHEDRAL_NAMES, Transform
from kit.budget.clock import SystemClock
from kit.induce.augmented import (
    ROLE_BITS,
    SYMMETRY_BITS,
    either,
    kept_colours,
    with_roles,
    with_symmetry,
)
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, call, parse_program, single
from kit.induce.proposal import Family, Proposal
from tests.induce.pictures import cells, problem, text

TURNS = range(1, len(DIHEDRAL_NAMES))


def always(*programs: Program) -> Family:
    """A family that proposes the same whatever it sees."""

    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        yield from (Proposal(program, 7.0, 0.5) for program in programs)

    return propose


def ask(family: Family, posed: Problem) -> list[Proposal]:
    found = list(family(posed, Meter(SystemClock())))
    for proposal in found:
        assert parse_program(proposal.program.text()) == proposal.program
    return found


# The rare colour (once in every input) is what the output keeps.
RARE = problem(
    ("4447/4044", "0007/0000"), ("3339/3033/3333", "0009/0000/0000"), tests=("8080/6888",)
)


def test_roles_give_the_frequent_colour_a_name() -> None:
    (found,) = ask(with_roles(always(single("keep_colour", 2)), "most"), RARE)
    assert [text(found.program.run(g)) for g in RARE.inputs] == [text(o) for o in RARE.outputs]
    assert text(found.program.run(RARE.tests[0])) == "0000/6000"
    assert found.bits == 7.0 + ROLE_BITS and found.left_out == 0.5
    assert found.program.text().splitlines() == [
        "seen = to_roles(input, (0,), 'most')",
        "result = keep_colour(seen, 2)",
        "output = from_roles(result, input, (0,), 'most')",
    ]


def test_the_family_sees_the_changed_task() -> None:
    seen: list[Problem] = []

    def look(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        seen.append(problem)
        yield from ()

    assert ask(with_roles(look, "most"), RARE) == []
    (changed,) = seen
    assert [text(g) for g in changed.inputs] == ["1112/1011", "1112/1011/1111"]
    assert [text(g) for g in changed.outputs] == ["0002/0000", "0002/0000/0000"]
    assert [text(g) for g in changed.tests] == ["1010/2111"]


def test_without_roles_the_family_is_not_asked_again() -> None:
    posed = problem(("1112", "1112"), ("1112", "1112"), tests=("1112",))
    assert ask(with_roles(always(single("trim")), "most"), posed) == []


def test_kept_colours_are_those_of_all_outputs_those_they_bring_and_black() -> None:
    posed = problem(("12", "53"), ("34", "513"), tests=("6",))
    assert kept_colours(posed) == (0, 3, 5)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_family_answers_as_if_the_grids_were_turned(turn: int) -> None:
    base = parse_program(
        "a = flip_lr(input)\nb = lay(a, 'filled')\n"
        "c = lay_below(b, input, 'all')\noutput = close(c, 0)"
    )
    (found,) = ask(with_symmetry(always(base), turn), RARE)
    transform = Transform(turn)
    for grid in (*RARE.grids, cells("1/2/3")):
        inside = base.run(np.ascontiguousarray(transform.apply_array(grid)))
        expected = transform.inverse().apply_array(inside)
        assert np.array_equal(found.program.run(grid), expected)
    assert found.bits == 7.0 + SYMMETRY_BITS


@pytest.mark.parametrize("turn", TURNS)
def test_the_turned_family_sees_contiguous_turned_grids(turn: int) -> None:
    def look(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        for got, given in zip(
            (*problem.grids, *problem.outputs), (*RARE.grids, *RARE.outputs), strict=True
        ):
            assert got.flags.c_contiguous and got.dtype == np.uint8
            assert np.array_equal(got, Transform(turn).apply_array(given))
        yield Proposal(single("trim"), 0.0)

    assert len(ask(with_symmetry(look, turn), RARE)) == 1


@pytest.mark.parametrize("turn", TURNS)
def test_wrappers_in_wrappers_keep_their_values_apart(turn: int) -> None:
    base = always(single("keep_colour", 2))
    for family in (
        with_symmetry(with_roles(base, "most"), turn),
        with_roles(with_symmetry(base, turn), "most"),
        with_symmetry(with_symmetry(with_roles(base, "most"), turn), 3),
    ):
        (found,) = ask(family, RARE)
        answers = [text(found.program.run(grid)) for grid in RARE.grids]
        assert answers == [*(text(o) for o in RARE.outputs), "0000/6000"]


def test_variables_of_the_wrapped_program_may_have_any_name() -> None:
    own = Program(
        (
            call("flip_lr", "$input", target="seen"),
            call("flip_ud", "$seen", target="result"),
            call("flip_ud", "$input", target="seen2"),
            call("lay", "$result", "filled", target="result2"),
            call("lay_below", "$result2", "$seen2", "all"),
        )
    )
    (found,) = ask(with_symmetry(always(own), 2), RARE)
    grid = cells("10/02")
    expected = own.run(np.ascontiguousarray(Transform(2).apply_array(grid)))
    assert text(found.program.run(grid)) == text(Transform(2).inverse().apply_array(expected))


def test_either_asks_all_and_gives_each_its_part() -> None:
    parts: list[float] = []

    def counting(posed: Problem, meter: Meter) -> Iterator[Proposal]:
        parts.append(meter.left_nodes())
        meter.spend(10)
        yield Proposal(single("rotate90"), 1.0)

    found = list(either((counting, counting, counting))(RARE, Meter(SystemClock(), nodes=300)))
    assert len(found) == 3
    assert parts == [100, 145, 280], "what one leaves, the next ones have"
    assert list(either(())(RARE, Meter(SystemClock()))) == []
