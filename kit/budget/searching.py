"""When each task is searched for programs, and for how long: pure decisions from a state.

With `unit="time"`: a short slice for every task first, the smallest task first; then longer ones
for the tasks without a convincing program, the most promising first. A later round begins the
search anew, so that it is worth its time only when it is at least twice as long as the one before;
where the time does not suffice for all, the most promising tasks get it. With `unit="work"`: a
fixed number of nodes, whatever the clock says.

What it does not: run anything, or share workers out between legs (`kit.budget.legs`).
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

HAND_IN_S = 1.0
"""A search ends this long before the run does; it stops by its meter, so that little is needed."""

LEAST_SLICE_S = 0.05
"""A search shorter than this finds nothing."""

_GROWTH = 2.0
"""A later slice is at least this multiple of the one before."""

_LEAST_GROWTH = 1.5
"""At the end of the run, too: a shorter one would only repeat what was done."""

_EVEN_SHARE = 0.93
"""Of an equal part of the time left, this much is given out: the rest is journal and pipes."""

_NODE_GROWTH = 4
"""The same with unit "work", in nodes."""

_DEADLINE_FACTOR = 4.0
_MIN_DEADLINE_S = 10.0
_FIRST_DEADLINE_S = 90.0
"""An item may take this multiple of its slice, always this long, and this long while none has
ended (workers start, code is compiled): the meter stops a search, the deadline a search that
hangs."""

NODE_S = 5e-5
"""Seconds of one node, by definition (`kit.induce.meter`)."""


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """What the search has done for one task.

    Attributes:
        size: tokens of the task; small ones are searched first.
        rounds: started so far.
        last_s: the longest slice so far.
        busy: a slice is in work.
        over: nothing is left to try, or the last slice was lost.
        convinced: there is a program that is probably right.
        promise: 0..1, how near the best program is to covering all pairs.
    """

    size: int
    rounds: int = 0
    last_s: float = 0.0
    busy: bool = False
    over: bool = False
    convinced: bool = False
    promise: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchState:
    """Everything a decision depends on, besides the time.

    Attributes:
        tasks: by id, in the order in which ties are broken.
        stop_s: instant at which the run ends.
        workers: that may search at the same time.
        share_s: worker-seconds that the search may take before the other legs had their part.
        used_s: worker-seconds it has taken, slices in work included.
        ended: slices that have ended.
    """

    config: BudgetConfig
    tasks: Mapping[str, SearchProgress]
    seed: int
    stop_s: float
    workers: int
    share_s: float = math.inf
    used_s: float = 0.0
    ended: int = 0

    def with_task(self, task_id: str, **changes: object) -> SearchState:
        """This state with fields of one task's progress replaced."""
        progress = replace(self.tasks[task_id], **changes)  # type: ignore[arg-type]
        return replace(self, tasks={**self.tasks, task_id: progress})

    def left_s(self, now_s: float) -> float:
        """Seconds in which a search must be done."""
        return max(0.0, self.stop_s - HAND_IN_S - now_s)

    def started(self, plan: Plan) -> SearchState:
        """After `plan` has been handed out."""
        last_s = max(plan.search_s, self.tasks[plan.task_id].last_s)
        state = self.with_task(plan.task_id, rounds=plan.round + 1, busy=True, last_s=last_s)
        return replace(state, used_s=self.used_s + plan.search_s)

    def finished(self, plan: Plan, seconds: float, over: bool) -> SearchState:
        """After the result of `plan` has come, also one of an earlier start of the run.

        Args:
            seconds: that it took.
            over: there is no use in searching this task again.
        """
        before = self.tasks[plan.task_id]
        state = self.with_task(
            plan.task_id,
            rounds=max(before.rounds, plan.round + 1),
            last_s=max(before.last_s, plan.search_s),
            busy=False,
            over=over,
        )
        # What an earlier start has used is no part of this one's time.
        spent_s = seconds - plan.search_s if before.busy else 0.0
        return replace(state, used_s=self.used_s + spent_s, ended=self.ended + 1)


def next_search(state: SearchState, now_s: float, within_share: bool = False) -> Plan | None:
    """The next slice, None where none is worth its time.

    Args:
        within_share: only what `share_s` still allows.
    """
    waiting = _waiting(state)
    if state.config.unit == "work":
        return _plan(state, waiting[0], 0.0) if waiting else None
    left_s = state.left_s(now_s)
    pool_s = state.workers * left_s
    if within_share:
        pool_s = min(pool_s, state.share_s - state.used_s)
    for place, task_id in enumerate(waiting):
        worth_s = max(LEAST_SLICE_S, _LEAST_GROWTH * state.tasks[task_id].last_s)
        if worth_s > min(left_s, 2 * pool_s):
            continue
        slice_s = min(_slice_s(state, waiting[place:], pool_s), left_s)
        # The last slice may take what is left of the share and a little more.
        if worth_s <= slice_s <= 2 * pool_s:
            return _plan(state, task_id, slice_s)
    return None


def _waiting(state: SearchState) -> list[str]:
    """Tasks that may be searched (again), in the order in which they are."""
    work = state.config.unit == "work"
    rounds = state.config.num_rounds() if work else math.inf
    places = {
        task_id: (p.rounds, -p.promise, p.size)
        for task_id, p in state.tasks.items()
        # With unit "work" what is done must not depend on what was found by others meanwhile.
        if not (p.busy or p.over) and p.rounds < rounds and (work or not p.convinced)
    }
    return sorted(places, key=places.__getitem__)


def _slice_s(state: SearchState, waiting: Sequence[str], pool_s: float) -> float:
    """Seconds for the first of `waiting`: an equal part of what there is for all that are in its
    place, but never so little that it repeats the slice before."""
    first = state.tasks[waiting[0]]
    equals = [name for name in waiting if state.tasks[name].rounds == first.rounds]
    ladder = state.config.search_slices_s
    most_s = ladder[min(first.rounds, len(ladder) - 1)]
    least_s = max(LEAST_SLICE_S, _GROWTH * first.last_s)
    return max(least_s, min(most_s, _EVEN_SHARE * pool_s / len(equals)))


def _plan(state: SearchState, task_id: str, slice_s: float) -> Plan:
    round_ = state.tasks[task_id].rounds
    work = state.config.unit == "work"
    return Plan(
        task_id=task_id,
        round=round_,
        search_nodes=state.config.search_nodes * _NODE_GROWTH**round_ if work else 0,
        seed=derive_seed(state.seed, task_id, "search", round_),
        leg="search",
        search_s=round(slice_s, 3),
    )


def search_deadline_s(state: SearchState, plan: Plan, now_s: float) -> float:
    """The instant after which a slice that starts now is given up; inf with unit "work"."""
    if state.config.unit == "work":
        return math.inf
    allowed_s = max(_MIN_DEADLINE_S, _DEADLINE_FACTOR * plan.search_s)
    if state.ended < state.workers:
        allowed_s = max(allowed_s, _FIRST_DEADLINE_S)
    return now_s + min(allowed_s, state.left_s(now_s))


def open_search(
    config: BudgetConfig,
    tasks: Sequence[Task],
    seed: int,
    stop_s: float,
    workers: int,
    share_s: float = math.inf,
) -> SearchState:
    """The state before anything was searched; see `SearchState`."""
    progress = {}
    for task in tasks:
        size = measure_task(task)
        progress[task.task_id] = SearchProgress(size.train_view_tokens + sum(size.prompt_tokens))
    return SearchState(config, progress, seed, stop_s, workers, share_s)
