"""Chains of calls: every way to fill a row of stages with options, run on one pair.

What it does: share the values of common beginnings, drop what is undefined or wrong on the first
pair, and offer a colour table behind a chain that is right up to colours. What it does not: look
at the other pairs; `sift` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kit.induce.meter import Meter
from kit.induce.primitives.registry import primitives
from kit.induce.problem import Problem
from kit.induce.program import Name, Program, Statement, call
from kit.induce.proposal import Proposal
from kit.induce.values import Image

LISTING_SHARE = 0.8
"""Share of a family's work for listing candidates; the rest is for checking them."""

MAP_BITS = 2.0
"""What a colour table behind a chain costs, besides its entries."""


class Option(NamedTuple):
    """One call that can fill a stage.

    Attributes:
        bits: what it costs to choose it.
        primitive, arguments: the call; texts that begin with `$` name earlier values.
    """

    bits: float
    primitive: str
    arguments: tuple[Any, ...]


class Stage(NamedTuple):
    """One line of the chain: the name of its value, and what may stand there."""

    target: str
    options: Sequence[Option]


def grow_chains(
    problem: Problem, meter: Meter, stages: Sequence[Stage], recolour: bool = False
) -> Iterator[Proposal]:
    """Programs that are right on the first pair, cheapest options of each stage first.

    Args:
        stages: the last one's target is `output`.
        recolour: whether a learned colour table may follow.
    """
    values = {"input": Image(problem.inputs[0])}
    yield from _grow(problem, meter, list(stages), (), values, 0.0, recolour)


def _grow(
    problem: Problem,
    meter: Meter,
    stages: list[Stage],
    lines: tuple[Statement, ...],
    values: dict[str, Any],
    bits: float,
    recolour: bool,
) -> Iterator[Proposal]:
    """Fill the first of the stages that are left."""
    stage, rest = stages[0], stages[1:]
    for option in sorted(stage.options, key=lambda option: option.bits):
        if not meter.spend(1.0):
            return
        line = call(option.primitive, *option.arguments, target=stage.target)
        value = _value(line, values)
        if value is None:
            continue
        cost = bits + option.bits
        if rest:
            known = {**values, stage.target: value}
            yield from _grow(problem, meter, rest, (*lines, line), known, cost, recolour)
            continue
        wanted = problem.outputs[0]
        if value.cells.shape != wanted.shape:
            continue
        if np.array_equal(value.cells, wanted):
            yield Proposal(Program((*lines, line)), cost)
        elif recolour and _may_recolour(problem, value.cells):
            yield from _recoloured(problem, (*lines, line), cost)


def _value(line: Statement, values: dict[str, Any]) -> Any:
    """What a line gives for known values."""
    given = [values[a.name] if isinstance(a, Name) else a for a in line.arguments]
    return primitives()[line.primitive](*given)


def _may_recolour(problem: Problem, drawn: np.ndarray) -> bool:
    """Whether a colour table may make a drawing right that is more than the input itself."""
    wanted = problem.outputs[0]
    if np.array_equal(drawn, problem.inputs[0]) or (wanted == wanted[0, 0]).all():
        return False
    return colour_table([drawn], [wanted]) is not None


def _recoloured(problem: Problem, lines: tuple[Statement, ...], bits: float) -> Iterator[Proposal]:
    """The chain with the colour table that makes it right on all pairs, if there is one."""
    pictures = [Program(lines).run(grid) for grid in problem.inputs]
    if any(p is None for p in pictures):
        return
    table = colour_table([p for p in pictures if p is not None], problem.outputs)
    if table:
        *before, last = lines
        drawn = Statement("drawn", last.primitive, last.arguments)
        program = Program((*before, drawn, call("map_colours", "$drawn", table)))
        yield Proposal(program, bits + MAP_BITS + 1.5 * len(table))


def colour_table(
    pictures: Sequence[np.ndarray], wanted: Sequence[np.ndarray]
) -> dict[int, int] | None:
    """The changes of colour that turn each picture into what is wanted; None where none does."""
    table: dict[int, int] = {}
    for picture, goal in zip(pictures, wanted, strict=True):
        if picture.shape != goal.shape:
            return None
        pairs = np.unique(picture.astype(np.int64) * 10 + goal)
        for old, new in ((int(p) // 10, int(p) % 10) for p in pairs):
            if table.setdefault(old, new) != new:
                return None
    return {old: new for old, new in sorted(table.items()) if old != new}
