"""When a language model writes programs for a task: once, for tasks without a convincing program.

Pure decisions from a state, the smallest tasks first. What it does not: run anything, or decide
how many programs are written; that is `kit.induce.writing`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kit.arc.seeds import derive_seed
from kit.arc.task import Task
from kit.budget.cost import measure_task
from kit.budget.plan import Plan
from kit.budget.settings import BudgetConfig

HAND_IN_S = 3.0
"""Writing ends this long before the run does, so that what was written is still tried out."""

LEAST_S = 5.0
"""Less time than this is not worth a request."""

WRITING_SHARE = 0.5
"""Of the worker-seconds left, at most this much goes to writing."""


@dataclass(frozen=True, slots=True)
class WritingProgress:
    """What has been written for one task.

    Attributes:
        size: tokens of the task.
        started: its one round has begun.
        convinced: there is a program that is probably right.
    """

    size: int
    started: bool = False
    convinced: bool = False


@dataclass(frozen=True, slots=True)
class WritingState:
    """Everything a decision depends on, besides the time.

    Attributes:
        tasks: by id, in the order in which ties are broken.
        stop_s: instant at which the run ends.
        workers: that may write at the same time.
    """

    config: BudgetConfig
    tasks: Mapping[str, WritingProgress]
    seed: int
    stop_s: float
    workers: int

    def with_task(self, task_id: str, **changes: object) -> WritingState:
        """This state with fields of one task's progress replaced."""
        progress = replace(self.tasks[task_id], **changes)  # type: ignore[arg-type]
        return replace(self, tasks={**self.tasks, task_id: progress})

    def left_s(self, now_s: float) -> float:
        """Seconds in which writing must be done."""
        return max(0.0, self.stop_s - HAND_IN_S - now_s)

    def started(self, plan: Plan) -> WritingState:
        """After `plan` has been handed out, or its result has come from an earlier start."""
        return self.with_task(plan.task_id, started=True)


def next_writing(state: WritingState, now_s: float) -> Plan | None:
    """The next task, None when there is none or no time for it."""
    work = state.config.unit == "work"
    waiting = [
        task_id
        for task_id, progress in state.tasks.items()
        if not progress.started and (work or not progress.convinced)
    ]
    if not waiting:
        return None
    task_id = min(waiting, key=lambda name: state.tasks[name].size)
    left_s = state.left_s(now_s)
    share_s = WRITING_SHARE * state.workers * left_s / len(waiting)
    seconds = 0.0 if work else min(max(share_s, LEAST_S), state.config.writing_s, left_s)
    if not work and seconds < min(LEAST_S, state.config.writing_s):
        return None
    return Plan(
        task_id,
        seed=derive_seed(state.seed, task_id, "write", 0),
        leg="write",
        search_s=round(seconds, 3),
        reason="units of work" if work else _reason(len(waiting)),
    )


def _reason(waiting: int) -> str:
    return f"the smallest of {waiting} tasks that wait for programs, with its share of the time"


def writing_deadline_s(state: WritingState, plan: Plan, now_s: float) -> float:
    """The instant after which writing that starts now is cut; inf with unit "work"."""
    return math.inf if state.config.unit == "work" else now_s + plan.search_s


def open_writing(
    config: BudgetConfig,
    tasks: Sequence[Task],
    seed: int,
    stop_s: float,
    workers: int,
) -> WritingState:
    """The state before anything was written; see `WritingState`."""
    progress = {}
    for task in tasks:
        size = measure_task(task)
        progress[task.task_id] = WritingProgress(size.train_view_tokens + sum(size.prompt_tokens))
    return WritingState(config, progress, seed, stop_s, workers)
