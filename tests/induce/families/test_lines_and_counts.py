"""Families of lines, rows, palettes, counts and arrangements on small problems."""

from __future__ import annotations

import math

import pytest

from kit.budget.clock import SystemClock
from kit.induce.families.arrange import propose_arrangements
from kit.induce.families.connect import propose_connections
from kit.induce.families.counting import propose_counting
from kit.induce.families.palettes import propose_palettes
from kit.induce.families.rays import propose_rays
from kit.induce.families.rows import propose_rows
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import parse_program
from kit.induce.proposal import Family
from tests.induce.pictures import problem, text

CASES: dict[str, tuple[Family, Problem, str]] = {
    "rays": (
        propose_rays,
        problem(
            ("0000/0100/0000", "0100/0100/0100"),
            ("00000/00000/00200", "00200/00200/00200"),
            ("0000/3000/0000", "3000/3000/3000"),
            tests=("000/000/004",),
        ),
        "004/004/004",
    ),
    "connections": (
        propose_connections,
        problem(
            ("10010/00000/02000", "11110/00000/02000"),
            ("30000/00000/30000", "30000/30000/30000"),
            tests=("00000/40040/00000",),
        ),
        "00000/44440/00000",
    ),
    "rows": (
        propose_rows,
        problem(
            ("0100/2030", "0001/0023"),
            ("1000/0000", "0001/0000"),
            tests=("0220/1000",),
        ),
        "0022/0001",
    ),
    "palettes": (
        propose_palettes,
        problem(
            ("12000/00000/00110", "12000/00000/00220"),
            ("34000/00000/03330", "34000/00000/04440"),
            tests=("57000/00000/00555",),
        ),
        "57000/00000/00777",
    ),
    "counting": (
        propose_counting,
        problem(
            ("110/002/000", "1"),
            ("333/400/040", "3"),
            ("500/006/066", "6"),
            tests=("777/007/080",),
        ),
        "7",
    ),
    "arrangements": (
        propose_arrangements,
        problem(
            ("1000020/0000000/0000000/3000040/0000000", "12/34"),
            ("0000000/0500006/0000000/0000000/0700008", "56/78"),
            tests=("1000100/0000000/2000200/0000000/0000000",),
        ),
        "11/22",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_answer(name: str) -> None:
    family, posed, wanted = CASES[name]
    first = next(iter(family(posed, Meter(SystemClock()))))
    assert text(first.program.run(posed.tests[0])) == wanted
    assert 0 < first.bits < math.inf
    assert parse_program(first.program.text()) == first.program


@pytest.mark.parametrize("name", CASES)
def test_proposals_are_right_and_the_same_every_time(name: str) -> None:
    family, posed, _ = CASES[name]
    found = list(family(posed, Meter(SystemClock())))
    assert [p.program.text() for p in found] == [
        p.program.text() for p in family(posed, Meter(SystemClock()))
    ]
    for proposal in found:
        for given, wanted in zip(posed.inputs, posed.outputs, strict=True):
            assert text(proposal.program.run(given)) == text(wanted)


@pytest.mark.parametrize("name", CASES)
def test_no_work_without_nodes(name: str) -> None:
    family, posed, _ = CASES[name]
    assert list(family(posed, Meter(SystemClock(), nodes=0.0))) == []


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    "posed",
    [
        problem(("1", "2"), ("1", "3"), tests=("1",)),
        problem(("0", "0"), tests=("0",)),
        problem(("12", "000/000"), tests=("1",)),
        problem(("7" * 30, "7" * 29 + "8"), tests=("7" * 30,)),
    ],
    ids=["contradiction", "identity", "growth", "no background"],
)
def test_odd_problems(name: str, posed: Problem) -> None:
    for proposal in CASES[name][0](posed, Meter(SystemClock())):
        for given, wanted in zip(posed.inputs, posed.outputs, strict=True):
            assert text(proposal.program.run(given)) == text(wanted)
