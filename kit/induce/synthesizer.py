"""The program leg of one task: search, then candidates with their evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.grid import Grid
from kit.arc.task import Task
from kit.induce.confidence import confidences, settled
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.search import Found, SearchLog, pooled, run_stages
from kit.induce.stages import stages

MAX_ANSWERS = 6
"""Distinct answers for one test input that are handed on."""

ENOUGH = 0.95
"""Where an answer to every test input is trusted this far, the dearer families are not asked."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes:
        candidates: with source "search", best first for every test input.
        nodes: spent.
        cut: whether the meter stopped it before it was done.
        counts: facts for the report: "found_<family>" programs that reproduce all pairs,
            "failed_<family>" for a family that ended with an error.
    """

    candidates: tuple[Candidate, ...] = ()
    nodes: int = 0
    cut: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


def search_task(
    task: Task,
    meter: Meter,
    round_index: int = 0,
    report: Callable[[Callable[[], tuple[Candidate, ...]]], None] | None = None,
) -> SearchResult:
    """Search for programs until the meter stops or nothing is left to try.

    Args:
        round_index: written into the candidates. Every round begins anew: what a longer one finds
            holds what a shorter one found.
        report: called after each stage that has found something, with what makes the candidates
            so far.
    """
    num_pairs = len(task.train)

    def is_enough(found: Sequence[Found]) -> bool:
        if report is not None and found:
            report(lambda: _all_candidates(task, found, round_index))
        trust = confidences(found, num_pairs)
        answers = (settled(pooled(found, trust, test)) for test in range(len(task.test)))
        return all(max(held.values(), default=0.0) >= ENOUGH for held in answers)

    log = run_stages(Problem.of(task), stages(), meter, SearchLog(), is_enough)
    candidates = _all_candidates(task, log.found, round_index)
    counts = Counter(f"found_{item.family}" for item in log.found if item.pairs == num_pairs)
    counts.update(f"failed_{name}" for name in log.failures)
    return SearchResult(candidates, int(meter.spent), log.cut, dict(counts))


def _all_candidates(task: Task, found: Sequence[Found], round_index: int) -> tuple[Candidate, ...]:
    """The best answers for every test input."""
    trust = confidences(found, len(task.train))
    return tuple(
        candidate
        for test in range(len(task.test))
        for candidate in _candidates(task, found, trust, test, round_index)
    )


def _candidates(
    task: Task, found: Sequence[Found], trust: Mapping[int, float], test: int, round_index: int
) -> list[Candidate]:
    """The best answers for one test input, each with the best program of every family.

    The confidence in the evidence is the answer's: families that agree strengthen each other.
    """
    answers = settled(pooled(found, trust, test))
    ranked = sorted(answers, key=lambda grid: (-answers[grid], grid))[:MAX_ANSWERS]
    return [
        Candidate(
            task_id=task.task_id,
            test_index=test,
            grid=grid,
            source="search",
            group="program",
            program=item.program.text(),
            round=round_index,
            evidence=ProgramEvidence(
                item.family, item.bits, item.pairs, len(task.train), item.left_out, answers[grid]
            ),
        )
        for grid in ranked
        for item in _best_of_families(found, trust, test, grid)
    ]


def _best_of_families(
    found: Sequence[Found], trust: Mapping[int, float], test: int, grid: Grid
) -> list[Found]:
    """The most trusted program of every family that gives an answer, most trusted first."""
    giving = [i for i, item in enumerate(found) if item.answers[test] == grid]
    best: dict[str, int] = {}
    for index in sorted(giving, key=lambda i: -trust[i]):
        best.setdefault(found[index].family, index)
    return [found[index] for index in best.values()]
