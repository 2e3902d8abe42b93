"""How much more one method solves than another on the same tasks under the same seeds.

What it does: a paired difference with an interval. What it does not: know what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kit.arc.seeds import numpy_rng

RESAMPLES = 10_000

Amounts = Mapping[tuple[str, int], float]
"""(task id, seed) -> what was solved there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Ours minus theirs, summed over tasks, in the mean over seeds.

    Attributes:
        low, high: 95% interval.
        better, worse, equal: numbers of (task, seed) pairs.
        tasks: that both worked on.
    """

    difference: float
    low: float
    high: float
    better: int
    worse: int
    equal: int
    tasks: int

    def text(self) -> str:
        """Difference and interval: "+2.0 (0.0 to 4.0)"."""
        return f"{self.difference:+.1f} ({self.low:+.1f} to {self.high:+.1f})"


def paired_difference(ours: Amounts, theirs: Amounts, seed: int) -> Difference:
    """The difference over the (task, seed) pairs that both have; all zero where there are none.

    Tasks are what is drawn again: seeds of one task are no independent tasks.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, percentile interval.

    Args:
        seed: of the draws.
    """
    steps = {key: ours[key] - theirs[key] for key in sorted(ours) if key in theirs}
    by_task: dict[str, list[float]] = {}
    for (task_id, _), step in steps.items():
        by_task.setdefault(task_id, []).append(step)
    if not by_task:
        return Difference(0.0, 0.0, 0.0, 0, 0, 0, 0)
    means = np.array([np.mean(held) for held in by_task.values()])
    rng = numpy_rng(seed, "bootstrap")
    drawn = means[rng.integers(len(means), size=(RESAMPLES, len(means)))].sum(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    values = np.array(list(steps.values()))
    return Difference(
        float(means.sum()),
        float(low),
        float(high),
        int((values > 0).sum()),
        int((values < 0).sum()),
        int((values == 0).sum()),
        len(means),
    )
