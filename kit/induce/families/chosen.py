"""Proposals that choose regions: from plans to programs, pooled by what they answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kit.induce.areas.box_features import Boxes
from kit.induce.areas.choosing import Choice, Features, Goal, choices, tabulate
from kit.induce.areas.region_features import column, feature_bits, names_for, ordered
from kit.induce.areas.regions import OBJECT_KINDS, find_regions, kind_background
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call
from kit.induce.proposal import Proposal
from kit.induce.sift import fits

MAX_REGIONS = 60
"""Grids with more regions of a kind are not cut that way."""

KIND_BITS = {
    "colour8": 1.0, "any8": 1.0, "colour4": 2.0, "any4": 2.0, "by_colour": 2.0, "panels": 1.0,
    "colour4_all": 3.0, "colour8_all": 4.0, "frames": 3.0, "corners": 3.0, "solid": 3.0,
    "squares": 1.5,
}  # fmt: skip
"""Cost of a way to cut, where it is not OTHER_KIND_BITS."""

OTHER_KIND_BITS = 3.0
EXPAND = 24
"""First steps that are tried with a second one."""

ENOUGH_BITS = 9.0
"""Once there is a program as short as this, no second steps are tried."""

MOST = 8
"""Proposals of a family."""

SLACK_BITS = 4.0
"""Plans that alone cost this much more than the shortest program found are not searched: with the
bits of a choice their weight would not matter."""


@dataclass(frozen=True)
class Plan:
    """One reading of the task: which regions, and what is done with the chosen one.

    Attributes:
        kind: of the regions.
        boxes: the regions of every grid.
        bits: what the reading costs without the kind.
        goal: what must be chosen.
    """

    problem: Problem
    kind: str
    boxes: tuple[Boxes, ...]
    bits: float
    goal: Goal

    def answer(self, grid: int, index: int) -> np.ndarray | None:
        """What comes of choosing a region, up to colours."""
        raise NotImplementedError

    def whole_answer(self, grid: int, kept: np.ndarray) -> np.ndarray | None:
        """What comes of choosing some regions, up to colours; None where that is not one thing."""
        first: np.ndarray | None = None
        for index in np.flatnonzero(kept):
            answer = self.answer(grid, int(index))
            if answer is None or (first is not None and not np.array_equal(first, answer)):
                return None
            first = answer
        return first

    def finish(self, choice: Choice) -> tuple[tuple[Statement, ...], float] | None:
        """The lines after `chosen = ...` and their bits; None where the choice will not do."""
        raise NotImplementedError


def cut_grids(problem: Problem, kind: str, most: int = MAX_REGIONS) -> tuple[Boxes, ...] | None:
    """The regions of all grids; None where there are none or too many in one of them."""
    found = []
    for cells in problem.grids:
        things = find_regions(cells, kind)
        if not 0 < len(things) <= most:
            return None
        found.append(Boxes(cells, kind_background(cells, kind), things))
    return tuple(found)


def region_table(kind: str, boxes: tuple[Boxes, ...]) -> Features | None:
    """All features of all regions."""
    names = names_for(kind not in OBJECT_KINDS)
    return tabulate(
        [(n, ordered(n), feature_bits(n), [column(b, n) for b in boxes]) for n in names]
    )


def choosing_lines(kind: str, choice: Choice) -> tuple[Statement, ...]:
    """The lines that end in `chosen`."""
    name = "regions"
    lines = [call("regions_of", "$input", kind, target=name)]
    for step in choice.steps:
        value = () if step.value is None else (step.value,)
        lines.append(call(f"choose_{step.mode}", f"${name}", step.feature, *value, target="chosen"))
        name = "chosen"
    if name == "regions":
        lines = [call("regions_of", "$input", kind, target="chosen")]
    return tuple(lines)


def propose_choices(plans: Sequence[Plan], meter: Meter) -> Iterator[Proposal]:
    """Proposals of all plans; those with the same answers pool their weights."""
    tables: dict[str, Features | None] = {}
    pools: dict[tuple[bytes, ...], list[Proposal]] = {}
    for expand in (0, EXPAND):
        if _least_bits(pools) <= ENOUGH_BITS:
            break
        for plan in sorted(plans, key=_plan_bits):
            if _plan_bits(plan) > _least_bits(pools) + SLACK_BITS:
                break
            if plan.kind not in tables:
                size = sum(len(b.things) for b in plan.boxes)
                if not meter.spend(100 + 4 * size):
                    break
                tables[plan.kind] = region_table(plan.kind, plan.boxes)
            _search_plan(plan, tables[plan.kind], meter, expand, pools)
    for pool in sorted(pools.values(), key=_pooled_bits)[:MOST]:
        best = min(pool, key=lambda p: p.bits)
        if fits(best.program, plans[0].problem):
            yield Proposal(best.program, max(0.0, _pooled_bits(pool)))


def _least_bits(pools: Mapping[tuple[bytes, ...], Sequence[Proposal]]) -> float:
    """The bits of the shortest program; infinitely many without any."""
    return min((p.bits for pool in pools.values() for p in pool), default=math.inf)


def _plan_bits(plan: Plan) -> float:
    """Cost of a plan, its kind included."""
    return plan.bits + KIND_BITS.get(plan.kind, OTHER_KIND_BITS)


def _pooled_bits(pool: Sequence[Proposal]) -> float:
    """Bits of the summed weights of proposals."""
    return -math.log2(sum(2.0**-p.bits for p in pool))


def _search_plan(
    plan: Plan,
    features: Features | None,
    meter: Meter,
    expand: int,
    pools: dict[tuple[bytes, ...], list[Proposal]],
) -> None:
    """Put what a plan finds into the pools; features are None where regions do not differ."""
    if not meter.spend(12):
        return
    everything = Choice((), 0.0, tuple(np.ones(len(b.things), bool) for b in plan.boxes))
    if features is None:
        found = [everything] if plan.goal.reached(everything.kept) else []
    else:
        found = choices(features, plan.goal, meter, expand)
    for choice in found:
        if expand and len(choice.steps) < 2:
            continue
        key = _answer_key(plan, choice)
        if key is None:
            continue
        finished = plan.finish(choice)
        if finished is None:
            continue
        lines, bits = finished
        program = Program((*choosing_lines(plan.kind, choice), *lines))
        proposal = Proposal(program, _plan_bits(plan) + choice.bits + bits)
        pools.setdefault((*key, repr(lines).encode()), []).append(proposal)


def _answer_key(plan: Plan, choice: Choice) -> tuple[bytes, ...] | None:
    """What is chosen for every test, as bytes; None where that is not one answer."""
    keys = []
    for grid in range(len(plan.problem.inputs), len(plan.boxes)):
        answer = plan.whole_answer(grid, choice.kept[grid])
        if answer is None:
            return None
        keys.append(b"%d:" % answer.shape[0] + answer.astype(np.uint8).tobytes())
    return tuple(keys)
