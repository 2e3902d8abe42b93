"""The search leg of one item: programs for a task, as candidates with their evidence.

What it does: gives the search its meter, sets contradictory demonstrations aside, keeps what can be
an answer. What it does not: search (`kit.induce.synthesizer`), or import torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from kit.arc.candidate import Candidate
from kit.arc.grid import Grid, GridError, check_grid
from kit.arc.task import Pair, Task
from kit.budget.clock import Clock
from kit.solve.draft import Draft
from kit.solve.work import Publish, WorkItem, WorkResult, discard

PUBLISH_EVERY_S = 1.0
"""What is found reaches the parent this often at most; the first looks are shorter."""

WARM_NODES = 4000
WARM_MOST_S = 30.0
"""Bounds of the search that makes a worker compile (or load) its kernels before its first task."""


def search_item(item: WorkItem, clock: Clock, publish: Publish = discard) -> WorkResult:
    """Search for programs until the plan is used up, its deadline has come, or nothing is left.

    The slice that the plan allows is the plan, so that a search which uses it whole is not cut.

    Args:
        publish: given what is found, every now and then, in case this process does not survive.
    """
    from kit.induce.meter import Meter
    from kit.induce.synthesizer import search_task

    draft, plan = Draft(item, clock), item.plan
    slice_end_s = clock.now_s() + (plan.search_s or math.inf)
    with draft.stage("search"):
        task, aside = without_contradictions(item.task)
        nodes = plan.search_nodes or math.inf
        meter = Meter(clock, min(slice_end_s, item.deadline_s), nodes)
        partial = _PartialResults(item, clock, publish, aside)
        found = search_task(task, meter, plan.round, partial.report)
        draft.candidates.extend(usable_candidates(found.candidates, item.task, aside))
        draft.counts.update(found.counts)
        draft.counts["nodes"] = found.nodes
        draft.counts["contradictions"] = aside
        draft.counts["candidates"] = len(draft.candidates)
        draft.counts["search_over"] = int(not found.cut)
        draft.cut = found.cut and item.deadline_s < slice_end_s
    return draft.result()


class _PartialResults:
    """Publishes what a long search has found so far, not more often than it is worth."""

    def __init__(self, item: WorkItem, clock: Clock, publish: Publish, aside: int) -> None:
        self._item, self._clock, self._publish, self._aside = item, clock, publish, aside
        self._said_s = clock.now_s()

    def report(self, make: Callable[[], tuple[Candidate, ...]]) -> None:
        """Take note that a stage has ended."""
        if self._clock.now_s() - self._said_s < PUBLISH_EVERY_S:
            return
        usable = usable_candidates(make(), self._item.task, self._aside)
        self._publish(WorkResult(self._item.task.task_id, self._item.plan, tuple(usable)))
        self._said_s = self._clock.now_s()


def without_contradictions(task: Task) -> tuple[Task, int]:
    """The task with one demonstration of every input, and how many were set aside.

    No program can give one input two outputs. The first of contradictory pairs is kept; what then
    is found covers only a part of the demonstrations, and says so.
    """
    kept: dict[Grid, Pair] = {}
    aside = 0
    for pair in task.train:
        if kept.setdefault(pair.input, pair).output != pair.output:
            aside += 1
    if not aside:
        return task, 0
    train = tuple(pair for pair in task.train if kept[pair.input].output == pair.output)
    return replace(task, train=train), aside


def usable_candidates(
    candidates: Sequence[Candidate], task: Task, aside: int = 0
) -> list[Candidate]:
    """Candidates that can be answers to the task, their evidence counted over all its pairs.

    Args:
        aside: pairs that the programs were not tried on.
    Raises:
        ValueError: an answer to another task or to no test input of this one.
    """
    usable = []
    for candidate in candidates:
        if candidate.task_id != task.task_id or not 0 <= candidate.test_index < len(task.test):
            raise ValueError(f"a program answered test[{candidate.test_index}] of another task")
        evidence = candidate.evidence
        if aside and evidence is not None:
            evidence = replace(evidence, num_pairs=evidence.num_pairs + aside)
        try:
            grid = check_grid(candidate.grid, f"task {task.task_id}: a program's output")
        except GridError:
            continue
        usable.append(replace(candidate, grid=grid, evidence=evidence))
    return usable


def warm_up(clock: Clock) -> float:
    """Compile or load what the search needs, by searching a small task; seconds that it took."""
    from kit.induce.meter import Meter
    from kit.induce.synthesizer import search_task

    began_s = clock.now_s()
    for task in _WARM_TASKS:
        search_task(task, Meter(clock, began_s + WARM_MOST_S, WARM_NODES))
    return clock.now_s() - began_s


def _warm_task(name: str, rows: Sequence[tuple[str, str]], test: str) -> Task:
    """A task from grids that are written as rows of digits."""
    pairs = tuple(Pair(_grid(given), _grid(wanted)) for given, wanted in rows)
    return Task(name, pairs, (_grid(test),))


def _grid(text: str) -> Grid:
    return tuple(tuple(map(int, row)) for row in text.split("/"))


# One task that keeps its size and one that does not, so that both kinds of search are entered.
_WARM_TASKS = (
    _warm_task(
        "warm-up-1",
        [("010/111/000", "030/111/000"), ("000/022/020", "000/022/320")],
        "100/110/000",
    ),
    _warm_task(
        "warm-up-2",
        [("0110/0100/0002", "11/10"), ("3000/3330/0002", "300/333")],
        "0040/0440/2000",
    ),
)
