"""Completions to candidates: the one place where a prediction is decoded and mapped back.

What it does: turns answer tokens into a grid, refuses what is none, and undoes the transform of
the view that asked, so that everything behind this module lives in the task's original frame.
What it does not: count votes or drop duplicates; every accepted completion is one vote.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kit.arc.candidate import Candidate
from kit.augment.views import View
from kit.encode.encoding import DecodeError, Encoding
from kit.generate.sampler import Completion


@dataclass(frozen=True, slots=True)
class GenerateConfig:
    """How answers are drawn.

    Attributes:
        temperature: 0 for greedy, the paper's choice.
        samples_per_view: completions per view; they only differ at temperature > 0.
    """

    temperature: float = 0.0
    samples_per_view: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ValueError(
                f"generate.temperature must be 0 (greedy) or more, got {self.temperature}"
            )
        if self.samples_per_view < 1:
            raise ValueError(
                f"generate.samples_per_view must be 1 or more, got {self.samples_per_view}"
            )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A completion that is no answer.

    Attributes:
        reason: one of the few words of `DecodeError`, or "not_finite" for a broken probability.
        detail: what was wrong with this one.
    """

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class RejectCounts:
    """How many completions were refused, by reason.

    Attributes:
        by_reason: (reason, count) sorted by reason; every count is at least 1.
    """

    by_reason: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        """All refused completions."""
        return sum(count for _, count in self.by_reason)

    def __getitem__(self, reason: str) -> int:
        """Refused for `reason`; 0 for a reason that never came up."""
        return dict(self.by_reason).get(reason, 0)

    def as_dict(self, prefix: str = "") -> dict[str, int]:
        """Counts by reason, each name behind `prefix`, for a report."""
        return {prefix + reason: count for reason, count in self.by_reason}


def to_candidate(
    completion: Completion, encoding: Encoding, view: View, round: int
) -> Candidate | Rejected:
    """The candidate that a completion proposes, in the task's original frame.

    Args:
        view: the test view whose prompt was completed.
        round: scheduling round that asked.
    Raises:
        ValueError: `view` is a training view: it asks about no test input.
    """
    if view.test_index is None:
        raise ValueError(f"task {view.task_id}: a training view has no test input to answer")
    if not completion.finished:
        return Rejected("truncated", f"cut after {len(completion.tokens)} tokens")
    if not math.isfinite(completion.logprob_nats):
        return Rejected("not_finite", f"log-probability {completion.logprob_nats}")
    try:
        grid = encoding.decode(completion.tokens)
    except DecodeError as error:
        return Rejected(error.reason, str(error))
    return Candidate(
        task_id=view.task_id,
        test_index=view.test_index,
        grid=view.transform.inverse().apply(grid),
        source="sample",
        group=view.transform.name,
        # Rounding in a sum of log-probabilities near 0 can end just above it.
        logprob_nats=min(0.0, float(completion.logprob_nats)),
        num_tokens=len(completion.tokens),
        round=round,
    )


def decode_completions(
    completions: Iterable[Completion],
    views: Mapping[tuple[int, ...], View],
    encoding: Encoding,
    round: int,
) -> tuple[tuple[Candidate, ...], RejectCounts]:
    """Candidates of all completions in their order, and why the others were refused.

    Args:
        completions: as a sampler yields them; read to the end.
        views: the test view behind each `Completion.key`.
    """
    candidates: list[Candidate] = []
    rejects: Counter[str] = Counter()
    for completion in completions:
        result = to_candidate(completion, encoding, views[completion.key], round)
        if isinstance(result, Rejected):
            rejects[result.reason] += 1
        else:
            candidates.append(result)
    return tuple(candidates), RejectCounts(tuple(sorted(rejects.items())))
