"""One task of a report: what it was, what was proposed and chosen, whether that is right.

What it does: orders the proposals as the run did, gathers what speaks for each, compares with the
solution where it is known. Grids go into one table for the whole report, each once.
What it does not: know HTML.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kit.arc.candidate import Candidate, Prediction
from kit.arc.grid import Grid, shape
from kit.arc.task import Task
from kit.augment.transform import IDENTITY_COLOURS
from kit.rank.choose import RankConfig, join
from kit.rank.pool import CandidatePool
from kit.rank.programs import evidence_of, is_program
from kit.rank.tally import distinct
from kit.validate.show import verdict

Status = Literal["solved", "part", "close", "failed", "answered", "untried"]
"""solved: every test input; part: some; close: not solved, but near (see `is_near`); failed: none
of these; answered: the solution is not known; untried: no plan ended and no answer is right."""

LEGS = {"sample": "model", "search": "search", "llm_program": "written"}
"""What proposed a grid, by the source of a candidate; "guess" where nobody did."""

_NEAR_SHARE = 0.1
_MOST_VIEWS = 16
_MOST_PROGRAMS = 4
_MOST_PROGRAM_CHARS = 4000


@dataclass(slots=True)
class GridTable:
    """Every grid of a report once, as text: rows of digits with a bar between them."""

    places: dict[Grid, int] = field(default_factory=dict)

    def add(self, grid: Grid) -> int:
        """The place of a grid."""
        return self.places.setdefault(grid, len(self.places))

    def texts(self) -> list[str]:
        """All grids in the order of their places."""
        return ["|".join("".join(map(str, row)) for row in grid) for grid in self.places]


@dataclass(frozen=True, slots=True)
class TestAnswer:
    """What became of one test input.

    Attributes:
        attempts: two grids, or none.
        legs: what proposed the attempt that counts: the right one, else the first.
        right: number of the right attempt, 0 for none, None where the solution is not known.
        in_pool: the right grid was proposed, chosen or not.
        near: not right, but near.
    """

    attempts: tuple[Grid, ...]
    legs: tuple[str, ...]
    right: int | None
    in_pool: bool = False
    near: bool = False


def answer_of(attempts: Sequence[Grid], pool: CandidatePool, truth: Grid | None) -> TestAnswer:
    """What became of a test input whose candidates are `pool`."""
    right = None if truth is None else 1 + attempts.index(truth) if truth in attempts else 0
    counts = attempts[max(0, (right or 1) - 1)] if attempts else None
    legs = {LEGS[c.source] for c in pool.candidates if c.grid == counts}
    in_pool = truth is not None and any(c.grid == truth for c in pool.candidates)
    near = right == 0 and (in_pool or any(is_near(a, truth) for a in attempts if truth))
    found = tuple(sorted(legs)) or (("guess",) if attempts else ())
    return TestAnswer(tuple(attempts), found, right, in_pool, near)


def is_near(attempt: Grid, truth: Grid | None) -> bool:
    """Whether an attempt has the right size and at most a tenth of its cells wrong."""
    if truth is None or shape(attempt) != shape(truth):
        return False
    rows = zip(attempt, truth, strict=True)
    wrong = sum(a != b for row, other in rows for a, b in zip(row, other, strict=True))
    return wrong <= _NEAR_SHARE * len(truth) * len(truth[0])


def status_of(answers: Sequence[TestAnswer], tried: bool) -> Status:
    """What became of a task.

    Args:
        tried: a plan for it has ended.
    """
    known = [answer for answer in answers if answer.right is not None]
    solved = sum(bool(answer.right) for answer in known)
    if known and solved == len(answers):
        return "solved"
    if solved:
        return "part"
    if not tried:
        return "untried"
    if not known:
        return "answered" if any(answer.attempts for answer in answers) else "failed"
    return "close" if any(answer.near for answer in known) else "failed"


def task_cells(task: Task | None) -> int:
    """Cells of a task's largest grid; 0 where the task is not known."""
    if task is None:
        return 0
    grids = [*task.test, *(grid for pair in task.train for grid in (pair.input, pair.output))]
    return max(len(grid) * len(grid[0]) for grid in grids)


def test_entry(
    answer: TestAnswer,
    prediction: Prediction | None,
    pool: CandidatePool,
    truth: Grid | None,
    config: RankConfig,
    table: GridTable,
    most: int,
) -> dict[str, Any]:
    """One test input as JSON values: solution, decision, and the best `most` proposals.

    Raises:
        Exception: whatever the rule that chooses raises on this pool.
    """
    order = distinct([*answer.attempts, *join(pool, config).grids, *pool.grids()])
    shown = list(order[:most])
    if truth in order[most:]:
        shown.append(truth)
    places = {grid: place for place, grid in enumerate(order, 1)}
    return {
        "truth": None if truth is None else table.add(truth),
        "right": answer.right,
        "margin": None if prediction is None else _finite(prediction.margin),
        "reason": "" if prediction is None else prediction.reason,
        "votes": sum(not is_program(c) for c in pool.candidates),
        "more": len(order) - len(shown),
        "candidates": [
            {
                "grid": table.add(grid),
                "place": places[grid],
                "attempts": [n for n, other in enumerate(answer.attempts, 1) if other == grid],
                "said": verdict(grid, truth),
                **_support(grid, pool),
            }
            for grid in shown
        ],
    }


def _support(grid: Grid, pool: CandidatePool) -> dict[str, Any]:
    """What speaks for a grid; absent where nothing does."""
    held = [c for c in pool.candidates if c.grid == grid]
    samples = [c for c in held if not is_program(c)]
    scores = [s for s in pool.scores if s.grid == grid and s.logprobs_nats]
    found: dict[str, Any] = {"legs": sorted({LEGS[c.source] for c in held})}
    if samples:
        groups = Counter(c.group for c in samples)
        found["votes"] = len(samples)
        found["groups"] = sorted(groups.items(), key=lambda item: (-item[1], item[0]))
        views = _views(samples)
        found["views"], found["num_views"] = views[:_MOST_VIEWS], len(views)
        nats = [c.logprob_nats for c in samples if c.logprob_nats is not None]
        found["own"] = [_finite(value) for value in sorted(nats, key=_impossible_last)]
        found["tokens"] = max(c.num_tokens for c in samples)
        found["rounds"] = sorted({c.round for c in samples})
    if scores:
        found["scored"] = [[s.round, [_finite(v) for v in s.logprobs_nats]] for s in scores]
    programs = _programs(held)
    if programs:
        found["programs"] = [_program(c) for c in programs[:_MOST_PROGRAMS]]
        found["num_programs"] = len(programs)
    return found


def _views(samples: Sequence[Candidate]) -> list[list[Any]]:
    """[round, view, symmetry, colours, votes] of every view that voted, in their order.

    Colours are ten digits, the c-th being what colour c becomes; "" where they stay as they are.
    Journals may lack what a view was: such votes are told by their symmetry alone.
    """
    votes = Counter(
        (c.round, c.view, c.group, _colour_map(c.colours))
        for c in samples
        if c.view is not None and c.colours is not None
    )
    return [[*view, count] for view, count in sorted(votes.items())]


def _colour_map(colours: tuple[int, ...]) -> str:
    return "" if colours == IDENTITY_COLOURS else "".join(map(str, colours))


def _programs(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The programs among candidates, each once with its newest evidence, best first."""
    newest: dict[str | None, Candidate] = {}
    for candidate in candidates:
        if is_program(candidate):
            newest[candidate.program] = candidate

    def weight(candidate: Candidate) -> tuple[bool, float, float, str]:
        held = evidence_of(candidate)
        return not held.covers, -held.confidence, held.bits, str(candidate.program)

    return sorted(newest.values(), key=weight)


def _program(candidate: Candidate) -> dict[str, Any]:
    evidence, text = evidence_of(candidate), candidate.program or ""
    return {
        "text": text[:_MOST_PROGRAM_CHARS],
        "cut": max(0, len(text) - _MOST_PROGRAM_CHARS),
        "by": LEGS[candidate.source],
        "round": candidate.round,
        "family": evidence.family,
        "bits": _finite(evidence.bits),
        "pairs": evidence.pairs,
        "of": evidence.num_pairs,
        "left_out": evidence.left_out,
        "confidence": _finite(evidence.confidence),
    }


def task_grids(task: Task, table: GridTable) -> Mapping[str, Any]:
    """Demonstrations and test inputs as places in the table."""
    return {
        "train": [[table.add(pair.input), table.add(pair.output)] for pair in task.train],
        "inputs": [table.add(grid) for grid in task.test],
    }


def _finite(value: float) -> float | str:
    """A number with few digits; text where JSON has no number for it."""
    return float(f"{value:.6g}") if math.isfinite(value) else str(value)


def _impossible_last(nats: float) -> tuple[bool, float]:
    return math.isnan(nats), -nats
