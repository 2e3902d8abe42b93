"""Cell rules: the smallest set of cell features that decides every output cell.

What it does: same-size tasks. What it does not: objects as wholes, outputs of another size.
Source of the ranking: bits of the features + size of the table - what left-out pairs confirm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kit.induce.cells.catalogue import feature_bits
from kit.induce.cells.rules import CellRule, option_value, read_rule, rule_answer, shared_copies
from kit.induce.cells.scene import NO_COLOUR
from kit.induce.cells.tables import (
    FIRST_COPY_BIT,
    KEEP_BIT,
    CellTables,
    deciding_subsets,
    tabulate_cells,
)
from kit.induce.meter import Meter
from kit.induce.primitives.cell_rule import KEEP
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal

MOST_RATED = 160
"""Deciding subsets that are rated in full, cheapest first."""
TRIPLE_POOL = 90
"""Cheapest features of which triples are tried."""
GOOD_BITS = 14.0
"""Triples are not tried when a rule this short was found."""
MOST = 8
MOST_BITS = 28.0
"""Rules that need more are nearly always wrong (1 of 25 on training tasks)."""
CELLS_PER_NODE = 3000.0


@dataclass(frozen=True, slots=True)
class _Rated:
    rule: CellRule
    bits: float
    answer: np.ndarray


def propose_cell_rules(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Rules of one to three features (and the own colour), pooled by what they answer."""
    if not problem.same_size or not any(
        not np.array_equal(i, o) for i, o in zip(problem.inputs, problem.outputs, strict=True)
    ):
        return
    cells = sum(grid.size for grid in problem.grids)
    if not meter.spend(400.0 * len(problem.grids) + cells / 4):
        return
    tables = tabulate_cells(problem)
    if not len(tables.names):
        return
    rated: list[_Rated] = []
    for subsets in _levels(tables, meter):
        rated += _rate(tables, subsets, meter)
        if meter.is_over() or (rated and min(r.bits for r in rated) <= GOOD_BITS):
            break
    yield from _pooled(tables, problem, rated)


def _levels(tables: CellTables, meter: Meter) -> Iterator[np.ndarray]:
    """Deciding subsets of growing size; supersets of deciding ones are left out."""
    count = len(tables.names)
    own = tables.names.index("own.colour") if "own.colour" in tables.names else -1
    every = np.arange(count, dtype=np.int32)
    alone = deciding_subsets(tables, _padded(every[:, None]))
    used = np.isin(every, alone[:, 0])
    free = every[~used & (every != own)]
    with_own = deciding_subsets(tables, _padded(np.stack([np.full(len(free), own), free], 1)))
    yield np.concatenate([alone, with_own])
    partners = set(with_own[:, 1].tolist())
    left, right = np.triu_indices(len(free), 1)
    if not meter.spend(len(left) / 60):
        return
    couples = np.stack([free[left], free[right]], 1)
    pairs = deciding_subsets(tables, _padded(couples))
    rest = couples[~np.isin(couples, sorted(partners)).any(1)]
    # One array of rows as numbers: which couples decide even without the own colour.
    decided = np.isin(rest[:, 0] * count + rest[:, 1], pairs[:, 0] * count + pairs[:, 1])
    rest = rest[~decided]
    threes = (
        deciding_subsets(tables, _padded(np.insert(rest, 0, own, 1))) if own >= 0 else pairs[:0]
    )
    yield np.concatenate([pairs, threes])
    yield _triples(tables, free, own, meter)


def _triples(tables: CellTables, free: np.ndarray, own: int, meter: Meter) -> np.ndarray:
    """Three of the cheapest features, with the own colour as a fourth."""
    pool = free[np.argsort(tables.bits[free], kind="stable")[:TRIPLE_POOL]]
    found = [np.zeros((0, 4), np.int32)]
    for first in range(len(pool) - 2):
        left, right = np.triu_indices(len(pool) - first - 1, 1)
        if not meter.spend(len(left) / 60):
            break
        rest = pool[first + 1 :]
        triples = np.stack([np.full(len(left), pool[first]), rest[left], rest[right]], 1)
        found.append(deciding_subsets(tables, _padded(np.insert(triples, 0, own, 1))))
    return np.concatenate(found)


def _padded(subsets: np.ndarray) -> np.ndarray:
    """Rows of four, -1 for nothing."""
    out = np.full((len(subsets), 4), -1, np.int32)
    out[:, : subsets.shape[1]] = subsets
    return out


def _rate(tables: CellTables, subsets: np.ndarray, meter: Meter) -> list[_Rated]:
    """The cheapest subsets as rules with bits and answers."""
    cost = np.where(subsets >= 0, tables.bits[subsets], 0.0).sum(1)
    rated: list[_Rated] = []
    for row in np.argsort(cost, kind="stable")[:MOST_RATED]:
        if not meter.spend(2 + tables.mask.size / CELLS_PER_NODE):
            break
        features = tuple(int(f) for f in subsets[row] if f >= 0)
        for preferred in [-1, *shared_copies(tables, features)[:3]]:
            rule = read_rule(tables, features, preferred)
            answer = rule_answer(tables, rule)
            if (answer < NO_COLOUR).all():
                rated.append(_Rated(rule, _bits(tables, rule), answer))
    return rated


def _bits(tables: CellTables, rule: CellRule) -> float:
    """Description length of a rule, less what left-out demonstrations confirm."""
    bits = 2.0 + sum(float(tables.bits[f]) for f in rule.features) + len(rule.features)
    written = rule.option != KEEP_BIT
    bits += 1.0 * math.log2(1 + len(rule.option)) + 0.7 * math.sqrt(int(written.sum()))
    copies = np.unique(rule.option[rule.option >= FIRST_COPY_BIT]) - FIRST_COPY_BIT
    bits += sum(1.0 + feature_bits(tables.copies[int(j)]) / 2 for j in copies)
    bits += 6.0 * rule.missed + 8.0 * math.sqrt(rule.missed_cells)
    unseen = float((rule.key[tables.mask.size :] < 0).mean())
    return bits + (5.0 + 10.0 * math.sqrt(unseen) if unseen else 0.0)


def _pooled(tables: CellTables, problem: Problem, rated: list[_Rated]) -> Iterator[Proposal]:
    """The best rule of each different answer; equal answers add their weights."""
    pools: dict[bytes, list[_Rated]] = {}
    unchanged = tables.own[tables.mask.size :]
    for one in sorted(rated, key=lambda r: r.bits):
        if not np.array_equal(one.answer, unchanged):
            pools.setdefault(one.answer.astype(np.uint8).tobytes(), []).append(one)
    ranked = [(_pool_bits(pool), pool[0]) for pool in pools.values()]
    for bits, best in sorted(ranked, key=lambda r: r[0])[:MOST]:
        if bits > MOST_BITS:
            return
        yield Proposal(single("apply_cell_rule", *_arguments(tables, best.rule)), bits)


def _pool_bits(pool: list[_Rated]) -> float:
    """Bits of all rules with one answer together."""
    best = pool[0].bits
    return best - math.log2(sum(2.0 ** (best - one.bits) for one in pool))


def _arguments(
    tables: CellTables, rule: CellRule
) -> tuple[tuple[str, ...], dict[tuple[int, ...] | None, int | str]]:
    """The rule as literals: feature names and table."""
    names = tuple(tables.names[f] for f in rule.features)
    table: dict[tuple[int, ...] | None, int | str] = {}
    for cell, option in zip(rule.first, rule.option, strict=True):
        key = tuple(int(tables.values[f, cell]) for f in rule.features)
        table[key] = option_value(tables, int(option))
    if (rule.key[tables.mask.size :] < 0).any():
        table[None] = KEEP
    return names, table
