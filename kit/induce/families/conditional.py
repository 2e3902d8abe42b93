"""Different answers for different kinds of input: which kind it is, a fact about the grid tells.

`propose_classes`: one of a few constant pictures. `branches`: one of two programs, each found by
other families on the pairs of its kind.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, call
from kit.induce.proposal import Family, Proposal
from kit.induce.readings.grid_facts import FACTS

MOST = 6
FAMILY_SHARE = 0.2
LONELY_BITS = 4.0
"""Surcharge for a table entry, or a branch, that a single pair supports."""

ENTRY_BITS = 1.0
BRANCH_BITS = 3.0
MAX_SPLITS = 6
MAX_LONELY_BITS = 6.0
"""A side with a single pair may not need a longer program than this."""


@dataclass(frozen=True, slots=True)
class _Split:
    """A fact and what it says about every grid.

    Attributes:
        name: a key of FACTS.
        bits: of naming it.
        values: for all grids, demonstrations first.
    """

    name: str
    bits: float
    values: tuple[Hashable, ...]


def _splits(problem: Problem, meter: Meter) -> Iterator[_Split]:
    """Facts that differ between demonstrations and say nothing unheard of about a test."""
    count = len(problem.inputs)
    for name, (fact, bits) in FACTS.items():
        if not meter.spend(len(problem.grids)):
            return
        values = tuple(fact(grid) for grid in problem.grids)
        known = set(values[:count])
        if len(known) > 1 and known.issuperset(values[count:]):
            yield _Split(name, bits, values)


def propose_classes(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that show one of a few constant pictures."""
    pictures = [_spelt(output) for output in problem.outputs]
    if not 1 < len(set(pictures)) < len(pictures):
        return
    pools: dict[tuple[str, ...], list[Proposal]] = {}
    for split in _splits(problem, meter):
        table = dict(zip(split.values, pictures, strict=False))
        seen = split.values[: len(pictures)]
        if [table[v] for v in seen] != pictures:
            continue
        lonely = sum(seen.count(v) == 1 for v in table)
        bits = split.bits + ENTRY_BITS * len(table) + LONELY_BITS * lonely / len(table)
        lines = (
            call("grid_fact", "$input", split.name, target="fact"),
            call("picture_for", "$fact", table),
        )
        answers = tuple(table[v] for v in split.values[len(pictures) :])
        pools.setdefault(answers, []).append(Proposal(Program(lines), bits))
    yield from _pooled(pools.values())


def _spelt(cells: np.ndarray) -> str:
    """A grid as `picture` reads it."""
    return "/".join("".join(str(c) for c in row) for row in cells.tolist())


def _pooled(pools: Sequence[list[Proposal]] | Iterator[list[Proposal]]) -> Iterator[Proposal]:
    """The best proposal of each pool with the weight of all of them, heaviest first."""
    ranked = []
    for pool in pools:
        bits = -math.log2(sum(2.0**-p.bits for p in pool))
        best = min(pool, key=lambda p: p.bits)
        ranked.append(Proposal(best.program, max(0.0, bits)))
    yield from sorted(ranked, key=lambda p: p.bits)[:MOST]


def branches(families: Sequence[Family]) -> Family:
    """A family that splits the pairs by a fact and lets others solve the two sides.

    Args:
        families: cheap and precise ones, best first.
    """

    def propose_branches(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        if len(problem.inputs) < 3:
            return
        for bits, split, value in _sides(problem, meter):
            yield from _joined(problem, split, value, bits, families, meter)

    return propose_branches


def _sides(problem: Problem, meter: Meter) -> Iterator[tuple[float, _Split, Hashable]]:
    """Cheapest ways to part the grids in two, each parting once: bits, fact, its value inside."""
    count = len(problem.inputs)
    found: dict[tuple[bool, ...], tuple[float, _Split, Hashable]] = {}
    for split in _splits(problem, meter):
        for value in sorted(set(split.values[:count]), key=repr):
            inside = tuple(v == value for v in split.values)
            key = inside if inside[0] else tuple(not i for i in inside)
            alone = min(sum(inside[:count]), count - sum(inside[:count]))
            bits = split.bits + (0.0 if isinstance(value, bool) else 1.0)
            bits += LONELY_BITS if alone == 1 else 0.0
            if key not in found or bits < found[key][0]:
                found[key] = (bits, split, value)
    yield from sorted(found.values(), key=lambda side: side[0])[:MAX_SPLITS]


def _joined(
    problem: Problem,
    split: _Split,
    value: Hashable,
    bits: float,
    families: Sequence[Family],
    meter: Meter,
) -> Iterator[Proposal]:
    """Programs for one parting: the best of each side."""
    best = []
    for wanted in (True, False):
        flags = [(v == value) == wanted for v in split.values]
        part = _part(problem, flags)
        side = _solved(part, families, meter)
        if side is None or (len(part.inputs) == 1 and side.bits > MAX_LONELY_BITS):
            return
        best.append(side)
    cases = {value: best[0].program.text(), None: best[1].program.text()}
    lines = (
        call("grid_fact", "$input", split.name, target="fact"),
        call("run_case", "$input", "$fact", cases),
    )
    if cases[value] != cases[None]:
        total = bits + BRANCH_BITS + best[0].bits + best[1].bits
        yield Proposal(Program(lines), total)


def _part(problem: Problem, flags: Sequence[bool]) -> Problem:
    """The pairs and tests that are flagged."""
    count = len(problem.inputs)
    keep = [i for i in range(count) if flags[i]]
    return Problem(
        tuple(problem.inputs[i] for i in keep),
        tuple(problem.outputs[i] for i in keep),
        tuple(t for t, flag in zip(problem.tests, flags[count:], strict=True) if flag),
    )


def _solved(problem: Problem, families: Sequence[Family], meter: Meter) -> Proposal | None:
    """The shortest program that any family finds for a part of the pairs."""
    found: list[Proposal] = []
    for family in families:
        first = next(iter(family(problem, meter.part(FAMILY_SHARE))), None)
        if first is not None:
            found.append(first)
        if meter.is_over():
            break
    return min(found, key=lambda p: p.bits, default=None)
