"""Everything that could be done next, as numbers: what it would add and what it would cost.

A row per task, a column per length of a search or level of a plan of the model. What it does not:
choose (`kit.budget.choice`). Arrays are never written to once they are part of a board.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kit.budget.cost import OVERHEAD_S, Curve, plan_units
from kit.budget.plan import Plan
from kit.budget.policy import Level
from kit.budget.state import RunState, TaskState
from kit.budget.value import Work, search_chances, solved_chance, work_chance

LEAST_GROWTH = 1.5
"""A search begins anew, so that one which is not longer than the last by this only repeats it."""

MOST_GROWTH = 8.0
"""A search is longer than the last by this at most: what the shorter one finds may save the rest,
and costs an eighth of it."""

AGAIN_SHARE = 0.5
"""A third adapter seed brings this much of what a second one does, and so on. Judgement: the table
knows two seeds."""

SETTLED_MARGIN = 0.99
"""Where the model's views agree this far it is not asked again."""

_STAGES = ("train", "check", "sample", "score")

_SCALE_DOUBT = 1.0
_SEARCH_DOUBT = 5.0
"""Solved tasks that it takes to doubt the table's values for the model and for the search."""


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """What could be done next.

    Attributes:
        names: task ids, by row.
        places: rows, by task id.
        tokens: (N,) sizes of the tasks.
        unseen: (N,) whether a task waits for its first search.
        unasked: (N,) whether it waits for the model's first plan.
        search_gain: (N, K) expected newly solved tasks, K lengths of searches; 0 where there is
            no choice.
        model_gain: (N, L) the same for plans of the model, L levels.
        units: stage -> (N, L) work of those plans.
        unsolved: (N,) probability that a task is not solved yet.
    """

    names: tuple[str, ...]
    places: Mapping[str, int]
    tokens: np.ndarray
    unseen: np.ndarray
    unasked: np.ndarray
    search_gain: np.ndarray
    model_gain: np.ndarray
    units: Mapping[str, np.ndarray]
    unsolved: np.ndarray

    def with_tasks(self, state: RunState, task_ids: Iterable[str]) -> Board:
        """This board after these tasks have changed."""
        changed = {name: getattr(self, name).copy() for name in _Row._fields}
        for task_id in task_ids:
            row = _row(state, state.tasks[task_id])
            for array, value in zip(changed.values(), row, strict=True):
                array[self.places[task_id]] = value
        return replace(self, **changed)


class _Row(NamedTuple):
    """What a board holds of a task, see there."""

    search_gain: np.ndarray
    model_gain: np.ndarray
    unsolved: float
    unseen: bool
    unasked: bool


def open_board(state: RunState) -> Board:
    """The board of a state."""
    tasks = list(state.tasks.values())
    rows = [_row(state, task) for task in tasks]
    units = [_units(state, task) for task in tasks]
    count, levels = len(rows), len(state.levels)
    return Board(
        names=tuple(state.tasks),
        places={task_id: place for place, task_id in enumerate(state.tasks)},
        tokens=np.array([task.size.tokens for task in tasks]),
        unseen=np.array([row.unseen for row in rows], dtype=bool),
        unasked=np.array([row.unasked for row in rows], dtype=bool),
        search_gain=np.array([row.search_gain for row in rows]).reshape(count, len(state.slices_s)),
        model_gain=np.array([row.model_gain for row in rows]).reshape(count, levels),
        units={
            stage: np.array([[held.get(stage, 0.0) for held in row] for row in units]).reshape(
                count, levels
            )
            for stage in _STAGES
        },
        unsolved=np.array([row.unsolved for row in rows]),
    )


def _row(state: RunState, task: TaskState) -> _Row:
    """What a task could still gain."""
    size = task.size
    unsolved = 1.0 - solved_chance(state.table, task.outlook, size)
    slices_s = np.array(state.slices_s)
    search, model = np.zeros(len(slices_s)), np.zeros(len(state.levels))
    searches = state.has_search and may_search(task)
    if searches:
        last_s = task.search.last_s
        longer = _longer(slices_s, last_s)
        chances = search_chances(state.table, task.outlook, size, last_s, slices_s[longer])
        search[longer] = unsolved * chances
    asks = state.has_model and may_ask(state, task)
    if asks:
        trains = any(level.num_steps for level in state.levels)
        for place, level in enumerate(state.levels):
            if task.model.rounds and trains and not level.num_steps:
                continue
            work = Work(0.0, task.search.last_s, level, again=task.model.rounds > 0)
            chance = work_chance(state.table, task.outlook, size, work)
            model[place] = unsolved * chance * AGAIN_SHARE ** max(0, task.model.rounds - 1)
    unseen, unasked = searches and task.search.rounds == 0, asks and task.model.rounds == 0
    return _Row(search, model, unsolved, unseen, unasked)


def may_search(task: TaskState) -> bool:
    """Whether a search of a task could bring anything."""
    progress = task.search
    return not (progress.over or task.outlook.convinced) and not progress.busy


def may_ask(state: RunState, task: TaskState) -> bool:
    """Whether another plan of the model could bring anything."""
    progress = task.model
    if progress.busy or progress.lost:
        return False
    settled = progress.rounds > 0 and task.outlook.margin >= SETTLED_MARGIN
    return progress.rounds < state.config.num_rounds() and not settled


def _longer(slices_s: np.ndarray, last_s: float) -> slice:
    """Places of the lengths that a next search may have."""
    if last_s <= 0:
        return slice(0, len(slices_s))
    first = int(np.searchsorted(slices_s, LEAST_GROWTH * last_s - 1e-9))
    end = int(np.searchsorted(slices_s, MOST_GROWTH * last_s + 1e-9))
    return slice(first, end)


def _units(state: RunState, task: TaskState) -> list[dict[str, float]]:
    """Work of the model's plans for a task, by level."""
    return [
        plan_units(task.size, level_plan(state, task, level), state.batch_views)
        for level in state.levels
    ]


def level_plan(state: RunState, task: TaskState, level: Level) -> Plan:
    """The plan of a level for a task, without its seed and reason."""
    config = state.config
    views = min(config.num_train_views, level.num_steps * state.batch_views)
    if level.num_steps == config.num_steps:
        views = config.num_train_views
    return Plan(
        task_id=task.size.task_id,
        round=task.model.rounds,
        num_train_views=views if level.num_steps else 0,
        num_steps=level.num_steps,
        num_test_views=level.num_test_views,
        samples_per_view=state.samples_per_view,
        num_score_views=level.num_score_views,
        max_view_tokens=_most_tokens(state, task),
    )


def _most_tokens(state: RunState, task: TaskState) -> int:
    """Where a task's views are to be cut for want of memory; 0 where they need not."""
    return int(state.fits_tokens) if task.size.longest_tokens > state.fits_tokens else 0


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """The board's choices of one leg at one moment.

    Attributes:
        gain: (N, K), scaled by what the leg has brought so far; 0 where it cannot end in time.
        cost_s: (N, K) predicted seconds.
    """

    gain: np.ndarray
    cost_s: np.ndarray


def search_offers(state: RunState, board: Board, left_s: float) -> Offers:
    """Searches that can end in time."""
    curve, slices_s = state.rates.curve("search"), np.array(state.slices_s)
    cost_s = np.minimum(curve.seconds(slices_s), slices_s)
    gain = np.where(left_s >= slices_s, board.search_gain, 0.0)
    scaled = gain * state.search.scale(_SEARCH_DOUBT)
    return Offers(scaled, np.broadcast_to(cost_s, gain.shape))


def model_offers(state: RunState, board: Board, left_s: float) -> Offers:
    """Plans of the model whose p90 cost does not exceed the time left; without training only where
    none with it fits. Where the model has workers of its own, no task is asked again before all
    that fit have been asked once: how the table weighs sizes was learned from small models."""
    cost_s = np.full(board.model_gain.shape, OVERHEAD_S)
    high_s = cost_s.copy()
    for stage in _STAGES:
        curve: Curve = state.rates.curve(stage)
        seconds = curve.seconds(board.units[stage])
        cost_s += seconds
        high_s += seconds * curve.spread
    fits = high_s <= left_s
    trained = np.array([level.num_steps > 0 for level in state.levels])
    # Votes of the base model would only be in the way of those of an adapter.
    fits &= trained | ~fits[:, trained].any(axis=1, keepdims=True)
    first = board.unasked & fits.any(axis=1)
    if state.searchers and first.any():
        fits &= first[:, None]
    gain = np.where(fits, board.model_gain, 0.0)
    return Offers(gain * state.model.scale(_SCALE_DOUBT), cost_s)
