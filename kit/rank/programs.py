"""Answers of programs to ONE test input: what speaks for each, best first.

What it does: drops what a later search has found again, gathers the programs that print the same
grid, orders the grids; says when a task is as good as solved. What it does not: look at samples of
a model (`kit.rank.arbitrate` joins both), or search.
No result depends on the order of the candidates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.arc.candidate import Candidate, ProgramEvidence, Source
from kit.arc.grid import Grid

CONVINCING = 0.8
"""Confidence from which on a program that covers all pairs is taken to solve its task."""

CLOSE = 0.05
"""Confidences that differ by no more than this are taken as equal."""

_UNKNOWN = ProgramEvidence("unknown", 0.0, 0, 1)
"""For programs that came without evidence: nothing is known to be covered."""


@dataclass(frozen=True, slots=True)
class ProgramAnswer:
    """A grid that programs print for one test input.

    Attributes:
        covers: one of them reproduces all demonstrations.
        confidence: 0..1, that it is right: the highest of each source (search, language model),
            sources taken as independent.
        families: of the programs that count (those that cover all pairs, if any does), sorted.
        votes: number of those programs.
        bits: of the shortest of them.
        left_out: highest share of left-out demonstrations that one of them predicts; None where
            that was not tried.
        pairs: highest share of demonstrations that one of them reproduces.
    """

    grid: Grid
    covers: bool
    confidence: float
    families: tuple[str, ...]
    votes: int
    bits: float
    left_out: float | None
    pairs: float

    def text(self) -> str:
        """What speaks for it, for the report."""
        named = "+".join(self.families)
        programs = f"{self.votes} program{'s' if self.votes > 1 else ''} ({named})"
        cover = "cover all pairs" if self.covers else f"cover {self.pairs:.0%} of the pairs"
        if self.votes == 1:
            cover = "covers" + cover.removeprefix("cover")
        return f"{programs} {cover}, confidence {self.confidence:.2f}"


def is_program(candidate: Candidate) -> bool:
    """Whether a program printed the candidate, not a model that was asked for the grid."""
    return candidate.source != "sample"


def program_answers(candidates: Iterable[Candidate]) -> tuple[ProgramAnswer, ...]:
    """Distinct grids of the programs among the candidates of one test input.

    Order: grids of programs that cover all pairs first, then confidence, then the number of
    families, then of programs, then fewer bits, then the grid itself; the second comes from
    another family than the first where that costs little confidence.
    """
    by_grid: dict[Grid, list[Candidate]] = {}
    for candidate in _newest(c for c in candidates if is_program(c)):
        by_grid.setdefault(candidate.grid, []).append(candidate)
    answers = sorted((_answer(g, held) for g, held in by_grid.items()), key=_best_first)
    return tuple(_second_from_elsewhere(answers))


def _second_from_elsewhere(answers: list[ProgramAnswer]) -> list[ProgramAnswer]:
    """The answers with the second exchanged for one that is nearly as probable and comes from a
    family that did not give the first: families err together with themselves."""
    first, *others = answers or [None]
    if first is None or not others or set(others[0].families) - set(first.families):
        return answers
    for place, other in enumerate(others):
        close = other.covers == others[0].covers and (
            others[0].confidence - other.confidence <= CLOSE
        )
        if close and set(other.families) - set(first.families):
            return [first, other, *others[:place], *others[place + 1 :]]
    return answers


def evidence_of(candidate: Candidate) -> ProgramEvidence:
    """The evidence of a program, which may have come without any."""
    return candidate.evidence or _UNKNOWN


def _newest(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each program once, with the evidence of the latest round that found it: that search has
    seen most."""
    newest: dict[tuple[Source, str | None, Grid], Candidate] = {}
    for candidate in candidates:
        key = candidate.source, candidate.program, candidate.grid
        if key not in newest or _freshness(candidate) > _freshness(newest[key]):
            newest[key] = candidate
    return list(newest.values())


def _freshness(candidate: Candidate) -> tuple[int, float, float, float, float, str]:
    evidence = evidence_of(candidate)
    left_out = -1.0 if evidence.left_out is None else evidence.left_out
    share = evidence.pairs / max(1, evidence.num_pairs)
    weight = share, evidence.confidence, left_out, -evidence.bits, evidence.family
    return candidate.round, *weight


def _answer(grid: Grid, candidates: Sequence[Candidate]) -> ProgramAnswer:
    """What speaks for one grid."""
    held = [(c.source, evidence_of(c)) for c in candidates]
    covers = any(evidence.covers for _, evidence in held)
    held = [(source, evidence) for source, evidence in held if evidence.covers == covers]
    best: dict[Source, float] = {}
    for source, evidence in held:
        best[source] = max(best.get(source, 0.0), min(1.0, max(0.0, evidence.confidence)))
    shares = [e.left_out for _, e in held if e.left_out is not None]
    return ProgramAnswer(
        grid=grid,
        covers=covers,
        confidence=1.0 - math.prod(1.0 - best[source] for source in sorted(best)),
        families=tuple(sorted({evidence.family for _, evidence in held})),
        votes=len(held),
        bits=min(evidence.bits for _, evidence in held),
        left_out=max(shares, default=None),
        pairs=max(evidence.pairs / max(1, evidence.num_pairs) for _, evidence in held),
    )


def _best_first(answer: ProgramAnswer) -> tuple[bool, float, int, int, float, Grid]:
    covered = 0.0 if answer.covers else answer.pairs
    return (
        not answer.covers,
        -answer.confidence - covered,
        -len(answer.families),
        -answer.votes,
        answer.bits,
        answer.grid,
    )


def is_convincing(answers: Sequence[ProgramAnswer]) -> bool:
    """Whether the programs probably solve this test input: the best answer covers all pairs and
    either is confident, or its search predicts left-out pairs and no other answer covers as much.
    """
    if not answers or not answers[0].covers:
        return False
    first, *others = answers
    unrivalled = first.left_out == 1.0 and not any(other.covers for other in others)
    return first.confidence >= CONVINCING or unrivalled


def outlook(candidates: Sequence[Candidate], num_tests: int) -> tuple[bool, float]:
    """(Whether programs probably solve the whole task, share of the pairs that the best program
    covers) for the candidates of one task."""
    answers = [
        program_answers(c for c in candidates if c.test_index == index)
        for index in range(num_tests)
    ]
    pairs = [answer.pairs for held in answers for answer in held]
    return all(map(is_convincing, answers)), max(pairs, default=0.0)
