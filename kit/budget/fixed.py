"""Plans as values, and the order of work with `unit="work"`: full plans whatever the clock says.

What it does: every task's full plans, searches first, round by round, the smallest first, so that
the same seed gives the same work on any machine. What it does not: weigh anything
(`kit.budget.choice`).
"""

from __future__ import annotations

from dataclasses import replace

from kit.arc.seeds import derive_seed
from kit.budget.board import level_plan
from kit.budget.plan import Plan
from kit.budget.policy import Level
from kit.budget.state import RunState, TaskState

_NODE_GROWTH = 4
"""Each search of a task has this many times the nodes of the one before."""


def search_plan(state: RunState, task: TaskState, slice_s: float, reason: str) -> Plan:
    """A task's next search, of this many seconds."""
    task_id, round_ = task.size.task_id, task.search.rounds
    return Plan(
        task_id=task_id,
        round=round_,
        seed=derive_seed(state.seed, task_id, "search", round_),
        leg="search",
        search_s=round(slice_s, 3),
        reason=reason,
    )


def model_plan(state: RunState, task: TaskState, level: Level, reason: str) -> Plan:
    """A task's next plan of the model, of this size."""
    plan = level_plan(state, task, level)
    seed = derive_seed(state.seed, plan.task_id, "plan", plan.round)
    return replace(plan, seed=seed, reason=reason)


def fixed_search(state: RunState) -> Plan | None:
    """The search of the lowest round, smallest task first; what is done must not depend on what
    was found by others meanwhile."""
    waiting = [
        task
        for task in state.tasks.values()
        if not task.search.over
        and not task.search.busy
        and task.search.rounds < state.config.num_rounds()
    ]
    if not waiting:
        return None
    task = min(waiting, key=lambda held: (held.search.rounds, held.size.tokens))
    nodes = state.config.search_nodes * _NODE_GROWTH**task.search.rounds
    return replace(search_plan(state, task, 0.0, "units of work"), search_nodes=nodes)


def fixed_plan(state: RunState) -> Plan | None:
    """The full plan of the lowest round, cheapest task first, by sizes alone."""
    waiting = [
        task
        for task in state.tasks.values()
        if not task.model.busy and task.model.rounds < state.config.num_rounds()
    ]
    if not waiting:
        return None
    task = min(waiting, key=lambda held: (held.model.rounds, held.size.tokens))
    return replace(model_plan(state, task, state.levels[-1], "units of work"), max_view_tokens=0)
