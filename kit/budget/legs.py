"""The state of a run, kept up to date by the one who runs it: the policy that the kit uses.

What it does: asks `kit.budget.choice` and `kit.budget.writing` what comes next, counts results,
keeps the board and the ledgers. What it does not: decide anything by itself but the order of legs:
first searches, then programs that a language model writes, then the adapter that all tasks share,
then whatever adds most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kit.arc.seeds import derive_seed
from kit.budget.board import Board, open_board
from kit.budget.choice import Lane, current_price, deadline_s, next_floor, next_plan
from kit.budget.cost import unmeasured_rates
from kit.budget.outlook import Outlook
from kit.budget.plan import SHARED, Plan
from kit.budget.policy import Level
from kit.budget.setup import LegsSetup, plan_levels
from kit.budget.state import SLICES_S, Ledger, RunState, TaskState
from kit.budget.value import solved_chance
from kit.budget.value_prior import table_of
from kit.budget.writing import WritingState, next_writing, writing_deadline_s

NODE_S = 5e-5
"""Seconds of one node of a search, by definition (`kit.induce.meter`)."""

_PRICE_KEPT = 0.004
"""The price of time is found anew after this share of the time left."""

_SHARED_SHARE = 0.5
"""Of the time that is left when it starts, the adapter of all tasks may take this much."""


def open_legs(setup: LegsSetup, writing: WritingState | None = None) -> LegScheduler:
    """The policy before anything was done.

    Args:
        writing: programs are written by a language model.
    """
    config = setup.config
    if setup.shared:
        # One adapter is trained before the tasks, so that theirs is only the asking.
        config = replace(config, num_steps=0, num_train_views=0, min_steps=0)
    state = RunState(
        config=config,
        tasks={size.task_id: TaskState(size) for size in setup.sizes},
        rates=setup.rates or unmeasured_rates(setup.model_bytes, setup.threads),
        seed=setup.seed,
        levels=setup.levels or plan_levels(config),
        slices_s=setup.slices_s or SLICES_S,
        only_slices=bool(setup.slices_s),
        table=setup.table or table_of(setup.model_bytes),
        began_s=setup.began_s,
        stop_s=setup.stop_s,
        workers=setup.workers,
        searchers=setup.searchers if setup.has_search else 0,
        has_model=setup.has_model,
        has_search=setup.has_search,
        batch_views=setup.batch_views,
        samples_per_view=setup.samples_per_view,
        fits_tokens=setup.fits_tokens,
    )
    shared = None
    if setup.shared and setup.has_model:
        shared = Plan(
            SHARED,
            num_train_views=setup.config.num_train_views,
            num_steps=setup.config.num_steps * len(setup.sizes),
            seed=derive_seed(setup.seed, SHARED),
            reason="one adapter for all tasks, before any of them is asked",
        )
    return LegScheduler(state, writing, shared)


@dataclass(frozen=True, slots=True)
class _Hope:
    """What a plan was expected to add, and how its task stood before."""

    gain: float
    before: float


class LegScheduler:
    """Implements `kit.budget.policy.Policy`."""

    def __init__(
        self, state: RunState, writing: WritingState | None = None, shared: Plan | None = None
    ) -> None:
        self._state = state
        self._board = open_board(state)
        self._writing = writing
        self._shared = shared
        self._shared_runs = False
        self._prices: dict[Lane, tuple[float, float]] = {}
        self._changed: dict[str, None] = {}
        self._hopes: dict[tuple[str, str], _Hope] = {}
        self._ended: dict[str, list[tuple[str, _Hope]]] = {}

    @property
    def state(self) -> RunState:
        """What the next decision will be taken from."""
        return self._state

    @property
    def board(self) -> Board:
        """The same as numbers, brought up to date when it is looked at."""
        if self._changed:
            self._board = self._board.with_tasks(self._state, self._changed)
            self._changed.clear()
        return self._board

    def next_plans(self, now_s: float, free: int, free_search: int = 0) -> list[Plan]:
        """See `Policy.next_plans`."""
        apart = self._state.searchers > 0
        plans: list[Plan] = []
        while len(plans) < free and (plan := self._next(now_s, "model" if apart else "any")):
            plans.append(plan)
        own: list[Plan] = []
        while len(own) < free_search and (plan := self._next(now_s, "search")):
            own.append(plan)
        return plans + own

    def _next(self, now_s: float, lane: Lane) -> Plan | None:
        plan = self._choose(now_s, lane)
        if plan is None or plan.task_id == SHARED:
            return plan
        if plan.leg == "write":
            assert self._writing is not None
            self._writing = self._writing.started(plan)
            return plan
        if plan.leg == "ttt" or plan.round > 0:
            # First searches are made whatever is expected of them.
            self._hopes[plan.task_id, plan.leg] = self._hope(plan)
        self._change(self._state.started(plan, now_s), plan.task_id)
        return plan

    def _choose(self, now_s: float, lane: Lane) -> Plan | None:
        state = self._state
        if lane == "search":
            return self._best_plan(now_s, lane)
        first = lane == "any" and state.has_search
        if first and state.config.unit == "work":
            plan = self._best_plan(now_s, "search")
        else:
            plan = next_floor(state, self.board, now_s) if first else None
        if plan is not None:
            return plan
        if self._writing is not None and (plan := next_writing(self._writing, now_s)):
            return plan
        if self._shared is None:
            return self._best_plan(now_s, lane)
        if not self._shared_runs and now_s < state.stop_s:
            self._shared_runs = True
            return self._shared
        # Until the shared adapter is there, the others may search.
        return self._best_plan(now_s, "search") if first else None

    def _best_plan(self, now_s: float, lane: Lane) -> Plan | None:
        """`next_plan` at a price that is found anew every now and then: it changes slowly."""
        state = self._state
        if state.config.unit == "work":
            return next_plan(state, self.board, now_s, lane)
        found_s, price = self._prices.get(lane, (-math.inf, 0.0))
        if now_s - found_s >= _PRICE_KEPT * state.left_s(now_s):
            price = current_price(state, self.board, now_s, lane)
            self._prices[lane] = now_s, price
        # An old price may be a little too high for anything to pay.
        plan = next_plan(state, self.board, now_s, lane, price)
        return plan or next_plan(state, self.board, now_s, lane)

    def deadline_s(self, plan: Plan, now_s: float) -> float:
        """See `Policy.deadline_s`."""
        if plan.task_id == SHARED:
            if self._state.config.unit == "work":
                return math.inf
            return now_s + _SHARED_SHARE * max(0.0, self._state.stop_s - now_s)
        if plan.leg == "write" and self._writing is not None:
            return writing_deadline_s(self._writing, plan, now_s)
        return deadline_s(self._state, plan, now_s)

    def predicted_s(self, plan: Plan) -> float:
        """See `Policy.predicted_s`."""
        if plan.leg == "ttt" and plan.task_id != SHARED:
            return self._state.p50_s(plan)
        return plan.search_s or plan.search_nodes * NODE_S

    def finish(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> None:
        """See `Policy.finish`."""
        if plan.task_id == SHARED:
            self._shared = None
            return
        if plan.leg == "write":
            if self._writing is not None:
                self._writing = self._writing.started(plan)
            return
        if not (self._state.has_search if plan.leg == "search" else self._state.has_model):
            return
        hope = self._hopes.pop((plan.task_id, plan.leg), None)
        if hope is not None:
            self._ended.setdefault(plan.task_id, []).append((plan.leg, hope))
        fitted = self._state.fits_tokens
        self._change(self._state.finished(plan, stage_s, counts, cut, lost), plan.task_id)
        if self._state.fits_tokens != fitted:
            self._board = open_board(self._state)

    def judge(self, task_id: str, outlook: Outlook) -> None:
        """See `Policy.judge`."""
        task = self._state.tasks[task_id]
        state = self._state.with_task(task_id, replace(task, outlook=outlook))
        now = solved_chance(state.table, outlook, task.size)
        for leg, hope in self._ended.pop(task_id, ()):
            state = _entered(state, leg, hope, now)
        self._change(state, task_id)
        if self._writing is not None:
            self._writing = self._writing.with_task(task_id, convinced=outlook.convinced)

    def _change(self, state: RunState, task_id: str) -> None:
        self._state = state
        self._changed[task_id] = None

    def _hope(self, plan: Plan) -> _Hope:
        """What the table expects of a plan that is about to start."""
        task = self._state.tasks[plan.task_id]
        place = self.board.places[plan.task_id]
        gains = self.board.search_gain if plan.leg == "search" else self.board.model_gain
        column = _column(self._state, plan)
        before = solved_chance(self._state.table, task.outlook, task.size)
        return _Hope(float(gains[place, column]), before)


def _column(state: RunState, plan: Plan) -> int:
    """The board's column of a plan; the nearest shorter one of a first search."""
    if plan.leg == "search":
        return max(0, int(np.searchsorted(state.slices_s, plan.search_s + 1e-3)) - 1)
    level = Level(plan.num_steps, plan.num_test_views, plan.num_score_views)
    return state.levels.index(level)


def _entered(state: RunState, leg: str, hope: _Hope, now: float) -> RunState:
    """With what a finished plan has brought."""
    ledger: Ledger = state.search if leg == "search" else state.model
    came = max(0.0, now - hope.before)
    ledger = replace(ledger, hoped=ledger.hoped + hope.gain, came=ledger.came + came)
    return replace(state, search=ledger) if leg == "search" else replace(state, model=ledger)
