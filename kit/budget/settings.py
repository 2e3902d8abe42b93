"""The options of the budget: how much a run may spend, and what one task gets of plenty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_MOST_TIME_S = 366 * 24 * 3600
"""More than anybody waits, and less than the timers of any system can count."""


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """How much a run may spend, and the plan of one task when there is plenty.

    Attributes:
        time_s: wall time of the whole process.
        unit: "time" decides by the clock; "work" runs full plans however long they take, so that
            the same seed gives the same answers.
        reserve_s: kept for the end of the run; 0 for 5% of the time, 15 s at most.
        num_steps, num_train_views, num_test_views, num_score_views: the full plan, see `Plan`.
        min_steps, min_test_views: the smallest plan that is worth doing.
        rounds: passes over a task; 0 for one with unit "work", and for as many as pay, up to 12,
            with unit "time".
        training_share: of the time that passes, training and sampling get at least this much where
            they share their workers with the search, so that their value is measured; beyond it
            they get what they are worth.
        search_floor_s: seconds of every task's first search; less where time is short. Unit
            "time" only.
        remember_costs: what work has cost on this machine is kept in the user's cache folder for
            the next run with the same model. Unit "time" only.
        search_nodes: of a task's first search with unit "work"; a later one has four times more.
        writing_s: most seconds that a language model may write programs for one task.
    """

    time_s: float = 600.0
    unit: Literal["time", "work"] = "time"
    reserve_s: float = 0.0
    num_steps: int = 64
    num_train_views: int = 256
    num_test_views: int = 16
    num_score_views: int = 8
    min_steps: int = 16
    min_test_views: int = 4
    rounds: int = 0
    training_share: float = 0.05
    search_floor_s: float = 0.3
    remember_costs: bool = True
    search_nodes: int = 20_000
    writing_s: float = 120.0

    def __post_init__(self) -> None:
        if not 0 < self.time_s <= _MOST_TIME_S:
            raise ValueError(
                f"budget.time_s must be above zero and at most a year ({_MOST_TIME_S} s), "
                f"got {self.time_s:g}"
            )
        if self.unit not in ("time", "work"):
            raise ValueError(f"budget.unit must be time or work, got {self.unit!r}")
        if not 0 <= self.reserve_s < self.time_s:
            raise ValueError(
                f"budget.reserve_s must be 0 to less than the {self.time_s:g} s there are, "
                f"got {self.reserve_s}"
            )
        if not 0 <= self.training_share <= 1:
            raise ValueError(f"budget.training_share must be 0 to 1, got {self.training_share}")
        for name in ("search_floor_s", "writing_s"):
            if not (seconds := getattr(self, name)) > 0:
                raise ValueError(f"budget.{name} must be above zero, got {seconds}")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"budget.{name} must be {least} or more, got {value}")

    def stop_after_s(self) -> float:
        """Seconds after the start of the process at which no work is waited for any more."""
        return self.time_s - (self.reserve_s or min(0.05 * self.time_s, 15.0))

    def num_rounds(self) -> int:
        """Most passes over one task."""
        return self.rounds or (1 if self.unit == "work" else _MOST_ROUNDS)


_MOST_ROUNDS = 12
"""Adapter seeds of one task, at most: with time left there is always something to do on 12 hours of
fast cards, but a run of a few tasks comes to its end."""

_LEAST = {
    "num_steps": 0,
    "num_train_views": 0,
    "num_test_views": 1,
    "num_score_views": 0,
    "min_steps": 0,
    "min_test_views": 1,
    "rounds": 0,
    "search_nodes": 1,
}
