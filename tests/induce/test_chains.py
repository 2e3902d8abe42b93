"""Chains of calls with shared beginnings."""

from __future__ import annotations

import math

from kit.budget.clock import SystemClock
from kit.induce.chains import Option, Stage, colour_table, grow_chains
from kit.induce.meter import Meter
from tests.induce.pictures import cells, problem

PUSH = [Option(1.0 + end, "shift_to_edge", ("$input", "rows", end)) for end in (False, True)]
PUSHED = problem(("010/200", "001/002"), ("300/030", "003/003"), tests=("500/555",))


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


def texts(posed: object, stages: list[Stage], nodes: float = math.inf, **more: bool) -> list[str]:
    return [p.program.text() for p in grow_chains(posed, meter(nodes), stages, **more)]  # type: ignore[arg-type]


def test_one_stage() -> None:
    found = texts(PUSHED, [Stage("output", PUSH)])
    assert found == ["output = shift_to_edge(input, 'rows', True)"]


def test_two_stages() -> None:
    posed = problem(("010/203", "001/023"), ("300/330", "003/033"), tests=("500/555",))
    sort = Option(2.0, "sort_rows", ("$half", "rows", "cells", False))
    (found,) = texts(posed, [Stage("half", PUSH), Stage("output", [sort])])
    assert found.splitlines() == [
        "half = shift_to_edge(input, 'rows', True)",
        "output = sort_rows(half, 'rows', 'cells', False)",
    ]


def test_recolour() -> None:
    posed = problem(("010/200", "004/002"), ("300/010", "003/004"), tests=("500/555",))
    assert texts(posed, [Stage("output", PUSH)]) == []
    (found,) = texts(posed, [Stage("output", PUSH)], recolour=True)
    assert found.endswith("output = map_colours(drawn, {1: 4})")


def test_recolour__not_for_what_is_only_a_recolouring() -> None:
    posed = problem(("001/002", "004/002"), tests=("010/010",))
    assert texts(posed, [Stage("output", PUSH)], recolour=True) == []


def test_the_meter_stops_it() -> None:
    assert texts(PUSHED, [Stage("output", PUSH)], nodes=1.0) == []


def test_undefined_stages_end_a_chain() -> None:
    undefined = Option(0.0, "sort_rows", ("$input", "rows", "no such key", False))
    assert texts(PUSHED, [Stage("half", [undefined]), Stage("output", PUSH)]) == []


def test_colour_table() -> None:
    assert colour_table([cells("12")], [cells("32")]) == {1: 3}
    assert colour_table([cells("11")], [cells("32")]) is None
    assert colour_table([cells("1")], [cells("32")]) is None
