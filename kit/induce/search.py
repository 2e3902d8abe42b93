"""The search for programs of one task: families in order of promise, until the meter says stop.

What it does: runs each family, checks its programs on the demonstrations, leaves demonstrations
out to see whether the family predicts them, keeps what reproduces at least one pair. What it does
not: choose attempts (`kit.rank`), or see test outputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kit.arc.grid import Grid, from_array
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program
from kit.induce.proposal import Family, Proposal

MAX_PROPOSALS = 12
"""Proposals of one family that are looked at."""

LEFT_OUT_TRIES = 2
"""A family predicts a left-out demonstration when one of its first proposals does: a task has two
attempts."""

CHECK_NODES = 20.0
"""What checking one program costs."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One family with what it may cost.

    Attributes:
        nodes: that it may spend on one problem.
        leave_out: whether demonstrations are left out to test it; only sensible where the
            family is cheap or learns tables.
        share: of the time left that it may take.
    """

    name: str
    family: Family
    nodes: float
    leave_out: bool = True
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """A program that reproduces at least one demonstration.

    Attributes:
        pairs: demonstrations reproduced.
        left_out: share of left-out demonstrations that its family predicts; None if not tried.
        answers: output for each test input; None where it is undefined.
    """

    family: str
    program: Program
    bits: float
    pairs: int
    left_out: float | None
    answers: tuple[Grid | None, ...]


@dataclass(slots=True)
class SearchLog:
    """What a search has found so far.

    Attributes:
        done: names of the stages that ran to their end.
        failures: stage -> what went wrong inside it.
        cut: whether more time would have meant more search.
    """

    found: list[Found] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def never(found: Sequence[Found]) -> bool:
    """The answer of one who always wants more."""
    return False


def run_stages(
    problem: Problem,
    stages: Sequence[Stage],
    meter: Meter,
    log: SearchLog,
    enough: Callable[[Sequence[Found]], bool] = never,
) -> SearchLog:
    """Run stages in order and add to the log, until the meter says stop.

    A family that fails with an exception is noted and costs the others nothing.

    Args:
        enough: asked after each stage whether what was found leaves nothing to wish for.
    """
    for stage in stages:
        if enough(log.found):
            return log
        if meter.is_over():
            log.cut = True
            break
        fewer = stage.share * meter.left_nodes() < stage.nodes
        part = meter.part(stage.share, nodes=stage.nodes)
        try:
            log.found.extend(_run(problem, stage, part))
        except Exception as error:
            log.failures[stage.name] = f"{type(error).__name__}: {error}"
            continue
        log.done.append(stage.name)
        log.cut = log.cut or (fewer and part.is_over())
    log.cut = log.cut or meter.was_late or meter.is_over()
    return log


def _run(problem: Problem, stage: Stage, meter: Meter) -> list[Found]:
    """What one family finds."""
    proposals = []
    for proposal in itertools.islice(stage.family(problem, meter), MAX_PROPOSALS):
        meter.spend(CHECK_NODES)
        proposals.append((proposal, _pairs_right(problem, proposal.program)))
    whole = any(right == len(problem.inputs) for _, right in proposals)
    left_out = None
    if whole and stage.leave_out and len(problem.inputs) > 1:
        left_out = _predicts_left_out(problem, stage, meter)
    found = []
    for proposal, right in proposals:
        if right == 0:
            continue
        answers = tuple(_answer(proposal.program, grid) for grid in problem.tests)
        if any(answer is not None for answer in answers):
            share = proposal.left_out if proposal.left_out is not None else left_out
            found.append(Found(stage.name, proposal.program, proposal.bits, right, share, answers))
    return found


def _pairs_right(problem: Problem, program: Program) -> int:
    """How many demonstrations a program reproduces."""
    return sum(
        _equal(program.run(source), target)
        for source, target in zip(problem.inputs, problem.outputs, strict=True)
    )


def _equal(got: np.ndarray | None, wanted: np.ndarray) -> bool:
    """Whether a result is the wanted grid."""
    return got is not None and got.shape == wanted.shape and bool((got == wanted).all())


def _answer(program: Program, grid: np.ndarray) -> Grid | None:
    """A program's output for one test input; None where it is no legal grid."""
    cells = program.run(grid)
    return None if cells is None or cells.max() > 9 else from_array(cells)


def _predicts_left_out(problem: Problem, stage: Stage, meter: Meter) -> float | None:
    """Share of demonstrations that the family predicts from the others; None if time is short:
    a family that was stopped has not failed."""
    right = 0
    for index, wanted in enumerate(problem.outputs):
        reduced = problem.without(index)
        # As much as the whole problem may have cost: without a limit one pair could eat all.
        part = meter.part(1 / (len(problem.inputs) - index))
        proposals = itertools.islice(stage.family(reduced, part), LEFT_OUT_TRIES)
        if any(_predicts(proposal, reduced, wanted) for proposal in proposals):
            right += 1
        elif part.is_over():
            return None
    return right / len(problem.inputs)


def _predicts(proposal: Proposal, reduced: Problem, wanted: np.ndarray) -> bool:
    """Whether a program gives the left-out output."""
    return _equal(proposal.program.run(reduced.tests[0]), wanted)


def pooled(found: Sequence[Found], confidence: Mapping[int, float], test: int) -> dict[Grid, float]:
    """Answer -> confidence for one test input, over all programs that give it.

    Families count once each, by their best program, and independently: an answer is wrong only if
    all of its families are.

    Args:
        confidence: of each program, by its index in `found`.
    """
    by_family: dict[Grid, dict[str, float]] = {}
    for index, item in enumerate(found):
        answer = item.answers[test]
        if answer is not None:
            best = by_family.setdefault(answer, {})
            best[item.family] = max(best.get(item.family, 0.0), confidence[index])
    return {
        answer: 1.0 - float(np.prod([1.0 - p for p in best.values()]))
        for answer, best in by_family.items()
    }
