"""Changes of different colours found one by one, each by whatever family can, then laid together.

What it does: for every colour that changed cells get (or had), a task in which only those cells
change; given families solve these; their changes are put on one grid. What it does not: search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Name, Program, Statement, call
from kit.induce.proposal import Family, Proposal
from kit.induce.sift import sift

MAX_LAYERS = 4
FAMILY_SHARE = 0.2
KEPT = 2
"""Programs of each layer that are tried."""

LAYER_BITS = 2.0


def layers(families: Sequence[Family]) -> Family:
    """A family that solves the changes of each colour with others.

    Args:
        families: for same-size tasks, cheap and precise ones, best first.
    """

    def propose_layers(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        if problem.same_size and problem.inputs:
            yield from sift(_candidates(problem, families, meter), problem, meter, most=4)

    return propose_layers


def _candidates(problem: Problem, families: Sequence[Family], meter: Meter) -> Iterator[Proposal]:
    """Layers by new colour, then by old colour."""
    changed = [i != o for i, o in zip(problem.inputs, problem.outputs, strict=True)]
    for grids in (problem.outputs, problem.inputs):
        found = set().union(*(g[c].tolist() for g, c in zip(grids, changed, strict=True)))
        if not 2 <= len(found) <= MAX_LAYERS:
            continue
        parts = []
        for colour in sorted(found):
            wanted = tuple(
                np.where(c & (g == colour), o, i)
                for c, g, o, i in zip(changed, grids, problem.outputs, problem.inputs, strict=True)
            )
            part = _solved(problem.with_outputs(wanted), families, meter)
            if not part:
                break
            parts.append(part)
        else:
            yield from sorted(map(_laid, product(*parts)), key=lambda p: p.bits)


def _solved(problem: Problem, families: Sequence[Family], meter: Meter) -> list[Proposal]:
    """The cheapest programs of one layer."""
    found: list[Proposal] = []
    for family in families:
        if meter.is_over():
            break
        first = next(iter(family(problem, meter.part(FAMILY_SHARE))), None)
        if first is not None:
            found.append(first)
    return sorted(found, key=lambda p: p.bits)[:KEPT]


def _laid(parts: Sequence[Proposal]) -> Proposal:
    """One program that runs the programs of all layers on the input and lays their changes."""
    lines: list[Statement] = []
    last = "input"
    for number, part in enumerate(parts, 1):
        lines.extend(_numbered(part.program, number))
        target = "output" if number == len(parts) else f"laid_{number}"
        lines.append(call("lay_changes", f"${last}", f"$output_{number}", "$input", target=target))
        last = target
    return Proposal(Program(tuple(lines)), sum(p.bits + LAYER_BITS for p in parts))


def _numbered(program: Program, number: int) -> Iterator[Statement]:
    """The lines of a program with a number behind every name but `input`."""

    def renamed(argument: Any) -> Any:
        if isinstance(argument, Name) and argument.name != "input":
            return Name(f"{argument.name}_{number}")
        return argument

    for line in program.statements:
        arguments = tuple(renamed(argument) for argument in line.arguments)
        yield Statement(f"{line.target}_{number}", line.primitive, arguments)
