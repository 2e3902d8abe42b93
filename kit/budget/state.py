"""What scheduling decisions depend on: every task's progress, and what was measured so far.

Values that are never changed, only replaced; what to do next is decided in `kit.budget.choice`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kit.budget.cost import Rates, TaskSize, plan_units
from kit.budget.outlook import Outlook
from kit.budget.plan import Leg, Plan
from kit.budget.policy import Level
from kit.budget.settings import BudgetConfig
from kit.budget.value import Table
from kit.budget.value_table import TABLE

HAND_IN_S = 3.0
"""Work of the model ends this long before the run does, so that also what is left of a killed item
still counts."""

SEARCH_HAND_IN_S = 1.0
"""The same of a search, which stops by its meter, so that little is needed."""

SLICES_S = tuple(0.1 * 1.5**place for place in range(24))
"""Lengths that a search may have after the first, 0.1 s to 19 minutes."""

_LEAST_FITTING_TOKENS = 256
"""Views are not cut below this, however little memory there is."""


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """What training and sampling have done for one task.

    Attributes:
        rounds: started so far.
        busy: a plan is in work.
        lost: the last round brought nothing, so that another would not either.
    """

    rounds: int = 0
    busy: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """What the search has done for one task.

    Attributes:
        rounds: started so far.
        last_s: the longest search so far.
        busy: one is in work.
        over: nothing is left to try, or the last search was lost.
    """

    rounds: int = 0
    last_s: float = 0.0
    busy: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class TaskState:
    """One task: its size, what is known of its answers, what was done."""

    size: TaskSize
    outlook: Outlook = field(default_factory=Outlook)
    model: ModelProgress = field(default_factory=ModelProgress)
    search: SearchProgress = field(default_factory=SearchProgress)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a leg was expected to bring since the run began, and what it seems to have brought.

    Attributes:
        hoped: sum of the expected gains of its finished plans.
        came: sum of what they added to the probability that their tasks are solved.
        used_s: worker-seconds that its finished plans have taken.
    """

    hoped: float = 0.0
    came: float = 0.0
    used_s: float = 0.0

    def scale(self, doubt: float) -> float:
        """By how much expected gains are to be multiplied: the table was fitted with one model on
        tasks of one kind, and others may do better or worse.

        Args:
            doubt: solved tasks that it takes to be swayed.
        """
        return min(20.0, max(0.05, (doubt + self.came) / (doubt + self.hoped)))


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything a decision depends on, besides the time.

    Attributes:
        tasks: by id, in the order in which ties are broken.
        table: what work is worth.
        levels: sizes that the model's plans may have, smallest first.
        began_s, stop_s: instants at which the run begins and ends.
        workers: that work at the same time and take everything, or everything but searches where
            there are `searchers`, workers that take searches only.
        has_model, has_search: the legs that take part.
        batch_views: training views per optimiser step.
        samples_per_view: completions per view.
        fits_tokens: longest sequence that fits a worker's memory, as far as is known.
        running: (task id, leg) of plans in work -> (when they began, when they will probably end).
        ended: searches that have ended.
        model, search: the ledgers of the legs.
    """

    config: BudgetConfig
    tasks: Mapping[str, TaskState]
    rates: Rates
    seed: int
    levels: tuple[Level, ...]
    slices_s: tuple[float, ...] = SLICES_S
    only_slices: bool = False
    table: Table = TABLE
    began_s: float = 0.0
    stop_s: float = math.inf
    workers: int = 1
    searchers: int = 0
    has_model: bool = True
    has_search: bool = True
    batch_views: int = 4
    samples_per_view: int = 1
    fits_tokens: float = math.inf
    running: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    ended: int = 0
    model: Ledger = field(default_factory=Ledger)
    search: Ledger = field(default_factory=Ledger)

    def with_task(self, task_id: str, task: TaskState) -> RunState:
        """This state with one task replaced."""
        return replace(self, tasks={**self.tasks, task_id: task})

    def units(self, plan: Plan) -> dict[str, float]:
        """Work of a plan by stage."""
        return plan_units(self.tasks[plan.task_id].size, plan, self.batch_views)

    def p50_s(self, plan: Plan) -> float:
        """Predicted seconds of a plan; a search keeps to its own."""
        seconds = self.rates.p50_s(self.units(plan))
        return min(seconds, plan.search_s) if plan.leg == "search" else seconds

    def p90_s(self, plan: Plan) -> float:
        """Seconds that a plan exceeds one time in ten."""
        return self.rates.p90_s(self.units(plan))

    def left_s(self, now_s: float) -> float:
        """Seconds in which an item of the model must be done."""
        return max(0.0, self.stop_s - HAND_IN_S - now_s)

    def search_left_s(self, now_s: float) -> float:
        """Seconds in which a search must be done."""
        return max(0.0, self.stop_s - SEARCH_HAND_IN_S - now_s)

    def started(self, plan: Plan, now_s: float) -> RunState:
        """After `plan` has been handed out."""
        task = self.tasks[plan.task_id]
        times = now_s, now_s + self.p50_s(plan)
        running = {**self.running, (plan.task_id, plan.leg): times}
        if plan.leg == "search":
            last_s = max(plan.search_s, task.search.last_s)
            task = replace(task, search=SearchProgress(plan.round + 1, last_s, busy=True))
        else:
            model = ModelProgress(plan.round + 1, busy=True, lost=task.model.lost)
            task = replace(task, model=model)
        tasks = {**self.tasks, plan.task_id: task}
        return replace(self, tasks=tasks, running=running)

    def finished(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> RunState:
        """After the result of `plan` has come, also one of an earlier start of the run.

        Args:
            stage_s, counts: of the result.
            cut: a deadline shortened it.
            lost: it failed and brought no candidate.
        """
        if plan.leg == "search":
            return self._searched(plan, stage_s, lost or bool(counts.get("search_over")))
        task = self.tasks[plan.task_id]
        no_memory = bool(counts.get("out_of_memory"))
        rounds = max(task.model.rounds, plan.round + 1)
        # What was lost for want of memory is tried again with less of it, as long as there is less.
        shrinks = no_memory and self._tried_tokens(plan) > _LEAST_FITTING_TOKENS
        model = ModelProgress(rounds, lost=lost and not shrinks)
        state = self.with_task(plan.task_id, replace(task, model=model))._ended(plan)
        if task.model.busy:
            # What an earlier start has used is no part of this one's time.
            state = replace(state, model=_used(self.model, sum(stage_s.values())))
        if no_memory:
            state = replace(state, fits_tokens=self._step_down(plan))
        return state._measured(plan, stage_s, counts, cut)

    def _searched(self, plan: Plan, stage_s: Mapping[str, float], over: bool) -> RunState:
        """After a search has ended."""
        task, seconds = self.tasks[plan.task_id], stage_s.get("search", 0.0)
        progress = SearchProgress(
            max(task.search.rounds, plan.round + 1),
            max(task.search.last_s, plan.search_s),
            over=over,
        )
        state = self.with_task(plan.task_id, replace(task, search=progress))._ended(plan)
        ledger = _used(self.search, seconds if task.search.busy else 0.0)
        # One that was over early says nothing of those that are not.
        rates = self.rates if over else self.rates.observe("search", plan.search_s, seconds)
        return replace(state, search=ledger, ended=self.ended + 1, rates=rates)

    def spent_s(self, leg: Leg) -> float:
        """Worker-seconds that a leg has taken, plans in work included as predicted."""
        ledger = self.search if leg == "search" else self.model
        busy = (until - began for (_, own), (began, until) in self.running.items() if own == leg)
        return ledger.used_s + sum(busy)

    def _ended(self, plan: Plan) -> RunState:
        """Without a plan among those in work."""
        running = {key: at for key, at in self.running.items() if key != (plan.task_id, plan.leg)}
        return replace(self, running=running)

    def _measured(
        self, plan: Plan, stage_s: Mapping[str, float], counts: Mapping[str, int], cut: bool
    ) -> RunState:
        """With what the stages of a plan of the model took."""
        rates = self.rates
        for stage, units in self.units(plan).items():
            done = _share_done(stage, plan, counts, cut)
            if stage in stage_s and done > 0:
                rates = rates.observe(stage, units * done, stage_s[stage])
        return replace(self, rates=rates)

    def _step_down(self, plan: Plan) -> float:
        """Tokens that may fit where those of a plan did not."""
        return max(_LEAST_FITTING_TOKENS, min(self.fits_tokens, self._tried_tokens(plan) / 2))

    def _tried_tokens(self, plan: Plan) -> int:
        """The longest sequence of a plan."""
        longest = self.tasks[plan.task_id].size.longest_tokens
        return min(longest, plan.max_view_tokens or longest)


def _used(ledger: Ledger, seconds: float) -> Ledger:
    return replace(ledger, used_s=ledger.used_s + seconds)


def _share_done(stage: str, plan: Plan, counts: Mapping[str, int], cut: bool) -> float:
    """How much of a stage's planned work was done; 0 where that is not known."""
    if stage == "train":
        return counts.get("steps", 0) / plan.num_steps
    return 0.0 if cut or not counts.get("completions") else 1.0
