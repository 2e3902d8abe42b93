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
from kit.generate.vllm_plan import Legality, Scoring


@dataclass(frozen=True, slots=True)
class GenerateConfig:
    """How answers are drawn.

    Attributes:
        temperature: 0 for greedy, the paper's choice.
        samples_per_view: completions per view; they only differ at temperature > 0.
        min_probability: above 0, every view gives all answers at least so probable instead of
            one (threshold search, `kit.generate.threshold`; only with solve.sampler=torch).
        vllm_adapters: with solve.sampler=vllm, distinct adapters in one batch.
        vllm_memory: share of the GPU that vLLM may fill, everything included.
        vllm_cache_bytes: for its keys and values; 0 lets vLLM measure what that share leaves, which
            fails on a GPU whose memory another process changes meanwhile.
        vllm_legality: how answers are kept legal; see `kit.generate.vllm_plan`.
        vllm_guessed_tokens: n-gram speculation (needs vllm_legality=reject and temperature 0), 0
            for none.
        vllm_scoring: who scores candidates; see `kit.generate.vllm_sampler`.
    """

    temperature: float = 0.0
    samples_per_view: int = 1
    min_probability: float = 0.0
    vllm_adapters: int = 8
    vllm_memory: float = 0.9
    vllm_cache_bytes: int = 0
    vllm_legality: Legality = "choose"
    vllm_guessed_tokens: int = 0
    vllm_scoring: Scoring = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise ValueError(
                f"generate.temperature must be 0 (greedy) or more, got {self.temperature}"
            )
        if not 0 <= self.min_probability < 1:
            raise ValueError(
                "generate.min_probability must be 0 (one answer per view) or more and below 1, "
                f"got {self.min_probability}"
            )
        if self.min_probability and self.temperature:
            raise ValueError(
                "generate.min_probability searches without chance: generate.temperature must be "
                f"0 with it, got {self.temperature}"
            )
        if self.samples_per_view < 1:
            raise ValueError(
                f"generate.samples_per_view must be 1 or more, got {self.samples_per_view}"
            )
        if self.vllm_adapters < 1 or self.vllm_guessed_tokens < 0:
            raise ValueError(
                "generate.vllm_adapters must be 1 or more and vllm_guessed_tokens 0 or more, got "
                f"{self.vllm_adapters} and {self.vllm_guessed_tokens}"
            )
        if self.vllm_guessed_tokens and (self.temperature or self.vllm_legality != "reject"):
            raise ValueError(
                "generate.vllm_guessed_tokens needs temperature 0 and vllm_legality=reject, got "
                f"{self.temperature} and {self.vllm_legality}"
            )
        if self.vllm_cache_bytes < 0:
            raise ValueError(
                "generate.vllm_cache_bytes must be 0 (vLLM measures) or more, got "
                f"{self.vllm_cache_bytes}"
            )
        if not 0 < self.vllm_memory <= 1:
            raise ValueError(
                f"generate.vllm_memory is a share of the GPU above 0, at most 1, got "
                f"{self.vllm_memory}"
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
        completion: its key begins with the number of the view.
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
        view=completion.key[0],
        colours=view.transform.colours,
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
