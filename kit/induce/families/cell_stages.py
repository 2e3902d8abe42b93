"""Two cell rules in a row: the first writes what one feature decides, the second does the rest.

What it does: same-size tasks for which one rule of three features is not enough. What it does not:
steps that write a cell twice; the first stage writes right cells only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.cells.rules import choose_options, joint_keys, masks_by_pair, option_value
from kit.induce.cells.tables import KEEP_BIT, CellTables, tabulate_cells
from kit.induce.families.cell_rules import propose_cell_rules
from kit.induce.meter import Meter
from kit.induce.primitives.cell_rule import KEEP, apply_cell_rule
from kit.induce.problem import Problem
from kit.induce.program import Program, call
from kit.induce.proposal import Proposal
from kit.induce.sift import sift
from kit.induce.values import Image

MOST_STAGES = 8
"""First stages that are followed up."""
LEAST_WRITTEN = 0.2
"""Share of the wrong cells of every demonstration that a first stage must write."""
STAGE_BITS = 4.0
MOST_BITS = 28.0

Stage = tuple[float, tuple[str, ...], dict[tuple[int, ...] | None, int | str]]


def propose_cell_stages(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Rules that finish what a partial rule of one feature and the own colour has begun."""
    if not problem.same_size or not _changes(problem):
        return
    cells = sum(grid.size for grid in problem.grids)
    if not meter.spend(400.0 * len(problem.grids) + cells / 4):
        return
    found: list[Proposal] = []
    for bits, features, table in _first_stages(tabulate_cells(problem))[:MOST_STAGES]:
        if meter.is_over():
            break
        later = _after(problem, features, table)
        if later is not None and _changes(later):
            found += _finished(later, features, table, bits, meter)
    yield from sift(_cheapest(found), problem, meter, 6)


def _cheapest(found: list[Proposal]) -> list[Proposal]:
    """Those that are short enough to be right, in order."""
    return sorted((p for p in found if p.bits <= MOST_BITS), key=lambda p: p.bits)


def _changes(problem: Problem) -> bool:
    """Whether some output differs from its input."""
    pairs = zip(problem.inputs, problem.outputs, strict=True)
    return any(not np.array_equal(i, o) for i, o in pairs)


def _first_stages(tables: CellTables) -> list[Stage]:
    """Partial rules by how much they leave to be done; those that write the same, once."""
    wrong = tables.mask & 1 == 0
    total = np.bincount(tables.pair[wrong], minlength=int(tables.pair.max()) + 1)
    own = tables.names.index("own.colour") if "own.colour" in tables.names else -1
    stages: dict[bytes, tuple[float, Stage]] = {}
    for f in range(len(tables.names)):
        for features in ((f,), (own, f)):
            if own < 0 or (len(features) == 2 and f == own):
                continue
            key, first = joint_keys(tables, features)
            masks = np.bitwise_and.reduce(masks_by_pair(tables, key, len(first)), 1)
            option = np.where(masks == 0, KEEP_BIT, choose_options(masks, np.int64(-1)))
            written = (option[key[: tables.mask.size]] != KEEP_BIT) & wrong
            share = np.bincount(tables.pair[written], minlength=len(total)) / np.maximum(total, 1)
            if share[total > 0].min(initial=1.0) < LEAST_WRITTEN:
                continue
            bits = float(sum(tables.bits[g] for g in features)) + len(features)
            bits += 1.5 * int((option != KEEP_BIT).sum())
            score = bits - 20.0 * float(share[total > 0].min())
            stage = (
                bits,
                tuple(tables.names[g] for g in features),
                _table(tables, features, first, option),
            )
            rank = written.tobytes()
            if rank not in stages or stages[rank][0] > score:
                stages[rank] = (score, stage)
    return [stage for _, stage in sorted(stages.values(), key=lambda s: (s[0], s[1][1]))]


def _table(
    tables: CellTables, features: tuple[int, ...], first: np.ndarray, option: np.ndarray
) -> dict[tuple[int, ...] | None, int | str]:
    """What is written, and that the rest is kept."""
    table: dict[tuple[int, ...] | None, int | str] = {}
    for cell, bit in zip(first, option.tolist(), strict=True):
        if bit != KEEP_BIT:
            key = tuple(int(tables.values[f, cell]) for f in features)
            table[key] = option_value(tables, bit)
    table[None] = KEEP
    return table


def _after(
    problem: Problem,
    features: tuple[str, ...],
    table: dict[tuple[int, ...] | None, int | str],
) -> Problem | None:
    """The problem that is left behind a first stage."""
    grids = []
    for grid in problem.grids:
        image = apply_cell_rule(Image(grid), features, table)
        if image is None:
            return None
        grids.append(image.cells)
    pairs = len(problem.inputs)
    return Problem(tuple(grids[:pairs]), problem.outputs, tuple(grids[pairs:]))


def _finished(
    later: Problem,
    features: tuple[str, ...],
    table: dict[tuple[int, ...] | None, int | str],
    bits: float,
    meter: Meter,
) -> Iterator[Proposal]:
    """Programs of both stages."""
    begun = call("apply_cell_rule", "$input", features, table, target="begun")
    for one in propose_cell_rules(later, meter):
        last = one.program.statements[-1]
        end = call(last.primitive, "$begun", *last.arguments[1:])
        yield Proposal(Program((begun, end)), one.bits + bits + STAGE_BITS)
