"""Which task is worked on next, and with how much: pure decisions from a state and the time.

With `unit="time"`: first every task once, the cheapest first. A task is allowed an equal share of
the time that is left, but never less than a plan that is worth doing; where that does not suffice
for all, the expensive tasks keep their fallback and the others are really trained. Once there are
measurements, no plan is made whose p90 cost exceeds the time left. What is left in the end goes
to further rounds, with a fresh seed each, for the tasks whose answer is least certain. Tasks that
are held back (a program probably solves them) come after the others.

With `unit="work"`: full plans for all tasks and rounds; the clock is never asked.

What it does not: run anything, or plan the search for programs (`kit.budget.searching`).
`Scheduler` holds the state for a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kit.arc.seeds import derive_seed
from kit.arc.task import Task
from kit.budget.cost import Rates, measure_task, unmeasured_rates
from kit.budget.plan import Plan
from kit.budget.settings import BudgetConfig
from kit.budget.state import SchedulerState, TaskProgress

SETTLED_MARGIN = 0.99
"""A task whose answers lead by this much is not worked on again."""

_SCALES = tuple(2 ** (-i / 3) for i in range(16))
"""Sizes of a plan between full (1) and 1/32, in steps of a fifth."""

_DEADLINE_FACTOR = 2.0
_MIN_DEADLINE_S = 10.0
"""An item may take this multiple of its p90 cost, and always this long: a bound for the cost
model's errors."""

_MIN_TRY_S = 10.0
"""With this much time left something is tried even where the prior says that nothing fits."""

_PRIOR_DOUBT = 8.0
"""A machine may be this much slower than the prior; first plans stay small unless time abounds."""

_FIRST_DEADLINE_S = 40.0
"""As long as nothing has been measured: loading torch and the model is part of it."""


def next_plans(state: SchedulerState, now_s: float, free_workers: int) -> list[Plan]:
    """What the free workers do next; fewer plans than workers when nothing more fits.

    With unit "work" neither `now_s` nor anything measured has an influence.
    """
    plans: list[Plan] = []
    while len(plans) < free_workers:
        plan = _next_plan(state, now_s)
        if plan is None:
            break
        plans.append(plan)
        state = state.started(plan, now_s)
    return plans


def _next_plan(state: SchedulerState, now_s: float) -> Plan | None:
    if state.config.unit == "work":
        return _next_fixed(state)
    return (
        _next_first(state, now_s, held=False)
        or _next_first(state, now_s, held=True)
        or _next_again(state, now_s)
    )


def deadline_s(state: SchedulerState, plan: Plan, now_s: float) -> float:
    """The instant after which a plan that starts now is cut; inf with unit "work"."""
    if state.config.unit == "work":
        return math.inf
    allowed_s = max(_MIN_DEADLINE_S, _DEADLINE_FACTOR * state.p90_s(plan))
    if not state.rates.seen:
        allowed_s = max(allowed_s, _FIRST_DEADLINE_S)
    return now_s + min(allowed_s, state.left_s(now_s))


def _next_fixed(state: SchedulerState) -> Plan | None:
    """The full plan of the lowest round, cheapest task first, by sizes alone."""
    unmeasured = replace(state, rates=Rates(state.rates.prior))
    waiting = [
        (progress.rounds, unmeasured.p50_s(_plan(state, task_id)), task_id)
        for task_id, progress in state.tasks.items()
        if progress.busy_until_s is None and progress.rounds < state.config.num_rounds()
    ]
    return _plan(state, min(waiting, key=lambda w: w[:2])[2]) if waiting else None


def _next_first(state: SchedulerState, now_s: float, held: bool) -> Plan | None:
    """A plan for the cheapest task that had none, within its share of the time left.

    Args:
        held: of the tasks that are held back; the others.
    """
    waiting = [
        task_id
        for task_id, progress in state.tasks.items()
        if progress.rounds == 0 and progress.held == held
    ]
    if not waiting:
        return None
    task_id = min(waiting, key=lambda name: state.p90_s(_smallest(state, name)))
    smallest, left_s = _smallest(state, task_id), state.left_s(now_s)
    share_s = _worker_seconds(state, now_s) / len(waiting)
    if not state.rates.seen:
        share_s /= _PRIOR_DOUBT
    plan = _largest_fitting(state, [*_scaled_plans(state, task_id), smallest], share_s, left_s)
    # A prior is no reason to do nothing at all; the deadline bounds what a try can cost.
    if plan is None and left_s >= _MIN_TRY_S and _knows_nothing(state):
        return smallest
    return plan


def _knows_nothing(state: SchedulerState) -> bool:
    busy = any(progress.busy_until_s is not None for progress in state.tasks.values())
    return not busy and not state.rates.seen


def _next_again(state: SchedulerState, now_s: float) -> Plan | None:
    """A further round for the least certain task, as large as the time left allows."""
    open_tasks = [
        ((progress.held, progress.rounds, progress.margin), task_id)
        for task_id, progress in state.tasks.items()
        if 0 < progress.rounds < state.config.num_rounds()
        and progress.busy_until_s is None
        and progress.margin < SETTLED_MARGIN
        and not progress.lost
    ]
    for _, task_id in sorted(open_tasks, key=lambda t: t[0]):
        plans = list(_scaled_plans(state, task_id))
        plan = _largest_fitting(state, plans, math.inf, state.left_s(now_s))
        if plan is not None:
            return plan
    return None


def _worker_seconds(state: SchedulerState, now_s: float) -> float:
    """Seconds of work that all workers together have left, less what they are busy with."""
    busy_s = sum(
        max(0.0, progress.busy_until_s - now_s)
        for progress in state.tasks.values()
        if progress.busy_until_s is not None
    )
    return max(0.0, state.workers * state.left_s(now_s) - busy_s)


def _largest_fitting(
    state: SchedulerState, plans: Sequence[Plan], share_s: float, left_s: float
) -> Plan | None:
    """The first plan within the share, else the smallest trained one that fits the time left.

    Args:
        plans: of one task, largest first.
    """
    fitting = [plan for plan in plans if state.p90_s(plan) <= left_s]
    for plan in fitting:
        if state.p50_s(plan) <= share_s and plan.num_steps >= _least_steps(state.config):
            return plan
    trained = [plan for plan in fitting if plan.num_steps >= _least_steps(state.config)]
    return next(reversed(trained or fitting), None)


def _plan(state: SchedulerState, task_id: str, scale: float = 1.0) -> Plan:
    """The plan of a task's next round at a scale of 0..1, not below the smallest useful one."""
    config, round_ = state.config, state.tasks[task_id].rounds
    steps = max(_least_steps(config), round(scale * config.num_steps))
    least_views = min(config.min_test_views, config.num_test_views)
    views = max(least_views, round(scale * config.num_test_views))
    return Plan(
        task_id=task_id,
        round=round_,
        num_train_views=_train_views(state, steps) if scale < 1 else config.num_train_views,
        num_steps=steps,
        num_test_views=views,
        samples_per_view=state.samples_per_view,
        num_score_views=max(
            min(config.min_test_views, config.num_score_views),
            math.ceil(scale * config.num_score_views),
        ),
        seed=derive_seed(state.seed, task_id, "plan", round_),
    )


def _least_steps(config: BudgetConfig) -> int:
    return min(config.min_steps, config.num_steps)


def _train_views(state: SchedulerState, steps: int) -> int:
    return min(state.config.num_train_views, max(1, steps) * state.batch_views)


def _scaled_plans(state: SchedulerState, task_id: str) -> Iterator[Plan]:
    """Distinct plans of a task from full to the smallest useful one."""
    plans = (_plan(state, task_id, scale) for scale in (*_SCALES, 0.0))
    yield from dict.fromkeys(plans)


def _smallest(state: SchedulerState, task_id: str) -> Plan:
    """Asking the base model from a few views; better than nothing when there is no time."""
    return replace(_plan(state, task_id, 0.0), num_steps=0, num_train_views=0, num_score_views=0)


class Scheduler:
    """The state of a run, kept up to date by the one who runs it."""

    def __init__(self, state: SchedulerState) -> None:
        self._state = state

    @property
    def state(self) -> SchedulerState:
        """What the next decision will be taken from."""
        return self._state

    def next_plans(self, now_s: float, free_workers: int) -> list[Plan]:
        """See `next_plans`; the plans count as started."""
        plans = next_plans(self._state, now_s, free_workers)
        for plan in plans:
            self._state = self._state.started(plan, now_s)
        return plans

    def deadline_s(self, plan: Plan, now_s: float) -> float:
        """See `deadline_s`."""
        return deadline_s(self._state, plan, now_s)

    def finish(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> None:
        """See `SchedulerState.finished`."""
        self._state = self._state.finished(plan, stage_s, counts, cut, lost)

    def set_margin(self, task_id: str, margin: float) -> None:
        """How certain a task's answers are now (of its least certain test input)."""
        self._state = self._state.with_task(task_id, margin=margin)

    def hold_back(self, task_id: str, held: bool) -> None:
        """Whether other tasks come before this one."""
        self._state = self._state.with_task(task_id, held=held)


def open_scheduler(
    config: BudgetConfig,
    tasks: Sequence[Task],
    seed: int,
    stop_s: float,
    workers: int = 1,
    threads: int = 1,
    model_bytes: int = 0,
    batch_views: int = 4,
    samples_per_view: int = 1,
) -> Scheduler:
    """A scheduler that has seen nothing yet.

    Args:
        stop_s: instant at which the run ends, see `BudgetConfig.stop_after_s`.
        workers, threads: what `choose_staffing` chose.
        model_bytes: size of the weights.
        batch_views: `FinetuneConfig.batch_views`.
        samples_per_view: `GenerateConfig.samples_per_view`.
    """
    progress = {task.task_id: TaskProgress(measure_task(task)) for task in tasks}
    rates = unmeasured_rates(model_bytes, threads)
    state = SchedulerState(
        config, progress, rates, seed, stop_s, workers, batch_views, samples_per_view
    )
    return Scheduler(state)
