"""What a plan will cost in seconds: tokens counted from the cells, times rates that are measured.

Token counts follow the encoding with one token per cell; other encodings differ by a factor that
the rates absorb. The only state is the list of rates seen so far, and it is never changed in place.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from kit.arc.grid import Grid
from kit.arc.task import Task
from kit.budget.plan import Plan

DECODE_WEIGHT = 4.0
"""An answer token, made one at a time, over a prompt token read in bulk; batches of 16 views."""

NUM_SCORED = 4
"""Distinct candidates expected per test input."""

OVERHEAD_S = 0.3
"""Drawing views, writing and reading an adapter, sending the result."""

TRAIN_S_PER_BYTE = 1e-10
"""Seconds per training token and byte of weights on one thread, before anything is measured: the
bundled model of 5 MB took 6e-4 s per token on a core that it had to share, and less than half of
that on an idle one. Optimistic on purpose: the first task shows the truth, too high a guess would
keep it from starting."""

_KEPT = 64
"""Rates remembered per stage; older ones are forgotten."""

_FORWARD_SHARE = 1 / 3
"""A forward pass over a training step (forward, and about twice that backward)."""

_UNSEEN_FACTOR = 2.0
"""p90 over p50 while nothing has been measured."""


@dataclass(frozen=True, slots=True)
class TaskSize:
    """Tokens of a task.

    Attributes:
        train_view_tokens: all demonstrations, as in any leave-one-out view.
        prompt_tokens: per test input, demonstrations included.
        answer_tokens: per test input, guessed as the largest demonstrated output.
    """

    task_id: str
    train_view_tokens: int
    prompt_tokens: tuple[int, ...]
    answer_tokens: tuple[int, ...]


def measure_task(task: Task, max_tokens: int = 8192) -> TaskSize:
    """The size of a task.

    Args:
        max_tokens: demonstrations beyond it are dropped by the encoding, so they cost nothing.
    """
    pairs = sum(_grid_tokens(p.input) + _grid_tokens(p.output) + 3 for p in task.train)
    answer = max((_grid_tokens(p.output) + 1 for p in task.train), default=1)
    return TaskSize(
        task.task_id,
        min(pairs, max_tokens),
        tuple(min(pairs + _grid_tokens(grid) + 2, max_tokens) for grid in task.test),
        (answer,) * len(task.test),
    )


def _grid_tokens(grid: Grid) -> int:
    return len(grid) * (len(grid[0]) + 1)


def plan_units(size: TaskSize, plan: Plan, batch_views: int) -> dict[str, float]:
    """Work of each stage of a plan in weighted tokens; stages without work are left out.

    Args:
        batch_views: training views per optimiser step.
    """
    prompts, answers = sum(size.prompt_tokens), sum(size.answer_tokens)
    completions = plan.num_test_views * plan.samples_per_view
    units = {
        "train": float(plan.num_steps * batch_views * size.train_view_tokens),
        "sample": completions * (prompts + DECODE_WEIGHT * answers),
        "score": float(plan.num_score_views * (prompts + NUM_SCORED * answers)),
    }
    return {stage: amount for stage, amount in units.items() if amount > 0}


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds per unit of every stage on one worker of this machine.

    Attributes:
        prior: rates to assume before the first measurement.
        seen: measured rates per stage, newest last.
    """

    prior: Mapping[str, float]
    seen: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def observe(self, stage: str, units: float, seconds: float) -> Rates:
        """These rates with one more measurement."""
        rates = (*self.seen.get(stage, ()), seconds / units)[-_KEPT:]
        return Rates(self.prior, {**self.seen, stage: rates})

    def p50_s(self, units: Mapping[str, float]) -> float:
        """Seconds that half of all such plans stay below."""
        return OVERHEAD_S + sum(amount * self._middle(stage) for stage, amount in units.items())

    def p90_s(self, units: Mapping[str, float]) -> float:
        """Seconds that nine of ten such plans stay below."""
        return OVERHEAD_S + sum(amount * self._high(stage) for stage, amount in units.items())

    def _middle(self, stage: str) -> float:
        rates = self.seen.get(stage)
        return _quantiles(rates)[0] if rates else self.prior[stage]

    def _high(self, stage: str) -> float:
        rates = self.seen.get(stage)
        return _quantiles(rates)[1] if rates else self.prior[stage] * _UNSEEN_FACTOR


@lru_cache(maxsize=64)
def _quantiles(rates: tuple[float, ...]) -> tuple[float, float]:
    """Median and 90% quantile; the latter, with few rates, at least the median with a margin."""
    middle = statistics.median(rates)
    high = sorted(rates)[min(len(rates) - 1, int(0.9 * len(rates)))]
    return middle, max(high, middle * (1 + 1 / len(rates)))


def unmeasured_rates(model_bytes: int, threads: int) -> Rates:
    """Rates for a machine on which nothing has been measured.

    Args:
        model_bytes: size of the weights.
        threads: of one worker.
    """
    train = TRAIN_S_PER_BYTE * max(model_bytes, 2**20) / threads
    forward = train * _FORWARD_SHARE
    return Rates({"train": train, "sample": forward, "score": forward})
