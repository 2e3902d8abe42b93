"""Candidate programs in, proposals out: what reproduces every pair and answers every test.

What it does: run, compare, tell programs apart by their answers, surcharge odd answers. What it
does not: leave pairs out (the search does), or order what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program
from kit.induce.proposal import Proposal

ODD_ANSWER_BITS = 6.0
"""Surcharge for an answer that equals its input or has a colour from nowhere."""


def fits(program: Program, problem: Problem) -> bool:
    """Whether a program gives every wanted output; stops at the first that differs."""
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        got = program.run(given)
        if got is None or not np.array_equal(got, wanted):
            return False
    return True


def answers_of(program: Program, problem: Problem) -> tuple[np.ndarray, ...] | None:
    """A program's outputs for all test inputs; None when one is undefined."""
    answers = []
    for grid in problem.tests:
        answer = program.run(grid)
        if answer is None:
            return None
        answers.append(answer)
    return tuple(answers)


def sift(
    candidates: Iterable[Proposal],
    problem: Problem,
    meter: Meter,
    most: int = 10,
    nodes: float = 3.0,
) -> Iterator[Proposal]:
    """Those candidates that are right on all pairs and defined on all tests, in the given order.

    Args:
        most: proposals wanted; of several with the same answers only the first is passed on.
        nodes: one candidate costs.
    """
    seen: set[tuple[bytes, ...]] = set()
    for candidate in candidates:
        if len(seen) >= most or not meter.spend(nodes):
            return
        if not fits(candidate.program, problem):
            continue
        answers = answers_of(candidate.program, problem)
        if answers is None:
            continue
        key = tuple(b"%d:" % a.shape[0] + a.tobytes() for a in answers)
        if key in seen:
            continue
        seen.add(key)
        yield Proposal(candidate.program, candidate.bits + _surcharge(answers, problem))


def _surcharge(answers: tuple[np.ndarray, ...], problem: Problem) -> float:
    """Bits for answers that right programs seldom give."""
    bits = 0.0
    moved = any(not np.array_equal(i, o) for i, o in zip(*_pairs(problem), strict=True))
    for grid, answer in zip(problem.tests, answers, strict=True):
        legal = problem.output_colours | set(np.unique(grid).tolist())
        strange = not set(np.unique(answer).tolist()) <= legal
        if strange or (moved and np.array_equal(grid, answer)):
            bits += ODD_ANSWER_BITS
    return bits


def _pairs(problem: Problem) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Inputs and outputs of the demonstrations."""
    return problem.inputs, problem.outputs


def best_first(*streams: Iterable[Proposal]) -> list[Proposal]:
    """All candidates of some streams, cheapest first; for streams that cost little to list."""
    return sorted(chain(*streams), key=lambda proposal: proposal.bits)
