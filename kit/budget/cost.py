"""What a plan will cost in seconds: tokens counted from the cells, times rates that are measured.

Token counts follow the encoding with one token per cell; other encodings differ by a factor that
the rates absorb. A stage's seconds are taken to grow as a power of its work, near 1, that is fitted
to what was measured; how far single measurements lie from that gives the quantiles. The only state
is the list of measurements so far, and it is never changed in place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import numpy as np

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

KEPT = 64
"""Measurements remembered per stage; older ones are forgotten."""

_FORWARD_SHARE = 1 / 3
"""A forward pass over a training step (forward, and about twice that backward)."""

_UNSEEN_FACTOR = 2.0
"""p90 over p50 while nothing has been measured."""

_SLOPE_WEIGHT = 4.0
"""How firmly seconds are believed to grow in proportion to work: as much as measurements whose
work differs by a factor e from the mean would say, this many of them."""

_SLOPES = (0.6, 1.6)
"""Attention makes long views dearer than in proportion, fixed costs short ones; no more than so."""

CHECKED = 3
"""Demonstrations that a trained adapter is asked for, see `kit.solve.observing`."""


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

    @property
    def tokens(self) -> int:
        """Of the demonstrations and all prompts: what a task is ordered by."""
        return self.train_view_tokens + sum(self.prompt_tokens)

    @property
    def longest_tokens(self) -> int:
        """Of the longest sequence that a model reads, answer included."""
        asked = (p + a for p, a in zip(self.prompt_tokens, self.answer_tokens, strict=True))
        return max(self.train_view_tokens, *asked, 1)


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
    """Work of each stage of a plan: weighted tokens, of a search seconds; stages without work are
    left out.

    Training that ends after some epochs (`kit.finetune.trainer`) may do less than is counted here.

    Args:
        batch_views: training views per optimiser step.
    """
    if plan.leg != "ttt":
        return {plan.leg: plan.search_s} if plan.search_s > 0 else {}
    most = plan.max_view_tokens or math.inf
    view = min(size.train_view_tokens, most)
    prompts, answers = sum(min(p, most) for p in size.prompt_tokens), sum(size.answer_tokens)
    completions = plan.num_test_views * plan.samples_per_view
    units = {
        "train": float(plan.num_steps * batch_views * view),
        "check": float(min(plan.num_steps, CHECKED) * view),
        "sample": completions * (prompts + DECODE_WEIGHT * answers),
        "score": float(plan.num_score_views * (prompts + NUM_SCORED * answers)),
    }
    return {stage: amount for stage, amount in units.items() if amount > 0}


Amount = TypeVar("Amount", float, np.ndarray)

Measured = tuple[tuple[float, float], ...]
"""(units, seconds) of finished work, newest last."""


@dataclass(frozen=True, slots=True)
class Curve:
    """seconds = rate * (units / centre) ** slope; nine of ten stay below `spread` times that."""

    centre: float
    rate: float
    slope: float
    spread: float

    def seconds(self, units: Amount) -> Amount:
        """Median seconds of this much work."""
        return self.rate * (units / self.centre) ** self.slope


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds per unit of every stage on one worker of this machine.

    Attributes:
        prior: rates to assume before the first measurement.
        seen: measurements per stage.
    """

    prior: Mapping[str, float]
    seen: Mapping[str, Measured] = field(default_factory=dict)

    def observe(self, stage: str, units: float, seconds: float) -> Rates:
        """These rates with one more measurement; what cannot be one changes nothing."""
        if not (0 < units < math.inf and 0 < seconds < math.inf):
            return self
        measured = (*self.seen.get(stage, ()), (float(units), float(seconds)))[-KEPT:]
        return Rates(self.prior, {**self.seen, stage: measured})

    def p50_s(self, units: Mapping[str, float]) -> float:
        """Seconds that half of all such plans stay below."""
        return _overhead_s(units) + sum(self._stage_s(s, u)[0] for s, u in units.items())

    def p90_s(self, units: Mapping[str, float]) -> float:
        """Seconds that nine of ten such plans stay below."""
        return _overhead_s(units) + sum(self._stage_s(s, u)[1] for s, u in units.items())

    def curve(self, stage: str) -> Curve:
        """How a stage's seconds grow with its work."""
        if measured := self.seen.get(stage):
            return _fit_curve(measured)
        return Curve(1.0, self.prior.get(stage, 0.0), 1.0, _UNSEEN_FACTOR)

    def _stage_s(self, stage: str, units: float) -> tuple[float, float]:
        """(p50, p90) seconds of a stage."""
        curve = self.curve(stage)
        middle = curve.seconds(units)
        return middle, middle * curve.spread


def _overhead_s(units: Mapping[str, float]) -> float:
    return 0.0 if "search" in units or "write" in units else OVERHEAD_S


@lru_cache(maxsize=256)
def _fit_curve(measured: Measured) -> Curve:
    """The curve through the measurements: slope by least squares of the logarithms, drawn towards
    1; height by the median, which a few odd ones do not move."""
    x = [math.log(units) for units, _ in measured]
    y = [math.log(seconds) for _, seconds in measured]
    mean = statistics.fmean(x)
    middle = statistics.fmean(y)
    over = sum((a - mean) * (b - middle) for a, b in zip(x, y, strict=True)) + _SLOPE_WEIGHT
    slope = over / (sum((a - mean) ** 2 for a in x) + _SLOPE_WEIGHT)
    slope = min(_SLOPES[1], max(_SLOPES[0], slope))
    rests = sorted(b - slope * (a - mean) for a, b in zip(x, y, strict=True))
    height = statistics.median(rests)
    high = rests[min(len(rests) - 1, int(0.9 * len(rests)))] - height
    # With few measurements the spread is not known to be as small as it looks.
    spread = max(math.exp(high), 1 + 1 / len(rests))
    return Curve(math.exp(mean), math.exp(height), slope, spread)


def unmeasured_rates(model_bytes: int, threads: int, speed: float = 1.0) -> Rates:
    """Rates for a machine on which nothing has been measured.

    Args:
        model_bytes: size of the weights.
        threads: of one worker.
        speed: of this machine, see `kit.budget.calibrate`.
    """
    train = TRAIN_S_PER_BYTE * max(model_bytes, 2**20) / (threads * speed)
    forward = train * _FORWARD_SHARE
    stages = {"train": train, "check": forward, "sample": forward, "score": forward}
    return Rates({**stages, "search": 1.0, "write": 1.0})
