"""What scheduling decisions depend on: the progress of every task, and rates measured so far.

Values that are never changed, only replaced; what to do next is decided in `kit.budget.scheduler`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kit.budget.cost import Rates, TaskSize, plan_units
from kit.budget.plan import Plan
from kit.budget.settings import BudgetConfig

HAND_IN_S = 3.0
"""Items end this long before the run does, so that also what is left of a killed one still
counts."""


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """What has happened to one task.

    Attributes:
        size: of the task.
        rounds: started so far.
        busy_until_s: when the plan in work is expected to end; None when none is.
        margin: 0..1, of its least certain test input; 0 while there is no answer.
        lost: its last round brought nothing, so that another would not either.
        held: a program probably solves it; other tasks come first.
    """

    size: TaskSize
    rounds: int = 0
    busy_until_s: float | None = None
    margin: float = 0.0
    lost: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class SchedulerState:
    """Everything a decision depends on, besides the time.

    Attributes:
        tasks: by id, in the order in which ties are broken.
        stop_s: instant at which the run ends.
        workers: that work at the same time.
        batch_views: training views per optimiser step.
        samples_per_view: completions per view.
    """

    config: BudgetConfig
    tasks: Mapping[str, TaskProgress]
    rates: Rates
    seed: int
    stop_s: float = math.inf
    workers: int = 1
    batch_views: int = 4
    samples_per_view: int = 1

    def with_task(self, task_id: str, **changes: object) -> SchedulerState:
        """This state with fields of one task's progress replaced."""
        progress = replace(self.tasks[task_id], **changes)  # type: ignore[arg-type]
        return replace(self, tasks={**self.tasks, task_id: progress})

    def units(self, plan: Plan) -> dict[str, float]:
        """Work of a plan by stage."""
        return plan_units(self.tasks[plan.task_id].size, plan, self.batch_views)

    def p50_s(self, plan: Plan) -> float:
        """Predicted seconds of a plan."""
        return self.rates.p50_s(self.units(plan))

    def p90_s(self, plan: Plan) -> float:
        """Seconds that a plan exceeds one time in ten."""
        return self.rates.p90_s(self.units(plan))

    def left_s(self, now_s: float) -> float:
        """Seconds in which an item must be done."""
        return max(0.0, self.stop_s - HAND_IN_S - now_s)

    def started(self, plan: Plan, now_s: float) -> SchedulerState:
        """After `plan` has been handed out."""
        until_s = now_s + self.p50_s(plan)
        return self.with_task(plan.task_id, rounds=plan.round + 1, busy_until_s=until_s)

    def finished(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> SchedulerState:
        """After the result of `plan` has come, also one of an earlier run.

        Args:
            stage_s, counts: of the result.
            cut: a deadline shortened it.
            lost: it failed and brought no candidate.
        """
        rounds = max(self.tasks[plan.task_id].rounds, plan.round + 1)
        state = self.with_task(plan.task_id, rounds=rounds, busy_until_s=None, lost=lost)
        for stage, units in state.units(plan).items():
            done = _share_done(stage, plan, counts, cut)
            if stage in stage_s and done > 0:
                rates = state.rates.observe(stage, units * done, stage_s[stage])
                state = replace(state, rates=rates)
        return state


def _share_done(stage: str, plan: Plan, counts: Mapping[str, int], cut: bool) -> float:
    """How much of a stage's planned work was done; 0 where that is not known."""
    if stage == "train":
        return counts.get("steps", 0) / plan.num_steps
    return 0.0 if cut or not counts.get("completions") else 1.0
