"""Stand-ins for a run: a clock, an executor, a solver, and the whole program around that solver.

`fake_run.main(settings, argv)` is the real entry point with the fake solver of `settings` (JSON)
in its real worker processes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.seeds import python_rng
from kit.arc.task import Pair, Task
from kit.budget.clock import Clock
from kit.solve.work import Publish, SolverSpec, WorkItem, WorkResult
from kit.workers.executor import WorkersLost


@dataclass
class SteppedClock:
    """A clock that moves when told to."""

    time_s: float = 0.0

    def now_s(self) -> float:
        return self.time_s


def make_tasks(count: int, num_tests: int = 1) -> tuple[Task, ...]:
    """Small distinct tasks."""
    return tuple(
        Task(
            f"t{number:03}",
            (Pair(((number % 10, 1),), ((1, number % 10),)),) * 2,
            tuple(((number % 10, index),) for index in range(num_tests)),
        )
        for number in range(count)
    )


def fake_result(item: WorkItem) -> WorkResult:
    """Candidates that depend on the plan's seed only."""
    if item.plan.leg == "search":
        return fake_search(item)
    candidates = []
    for index in range(len(item.task.test)):
        for view in range(4):
            rng = python_rng(item.plan.seed, index, view)
            grid = ((rng.randrange(3), rng.randrange(3)),)
            candidates.append(
                Candidate(item.task.task_id, index, grid, "sample", "identity", -1.0 - view, 3)
            )
    return WorkResult(
        item.task.task_id,
        item.plan,
        candidates=tuple(candidates),
        stage_s={"train": 1.0, "sample": 0.5},
        counts={"steps": item.plan.num_steps, "completions": len(candidates)},
        peak_rss_bytes=2**20,
    )


def fake_search(item: WorkItem) -> WorkResult:
    """A program for every test input of even tasks; more rounds find it again, and another."""
    task, plan = item.task, item.plan
    number = int("".join(filter(str.isdigit, task.task_id)))
    candidates = [
        Candidate(
            task.task_id,
            index,
            ((7, level),),
            "search",
            "program",
            program=f"output = level({level})",
            round=plan.round,
            evidence=ProgramEvidence("fake", 8.0 + level, 2, 2, None, 0.9 - level / 10),
        )
        for index in range(len(task.test))
        for level in range(plan.round + 1)
        if number % 2 == 0
    ]
    seconds = min(plan.search_s, 0.05)
    counts = {"nodes": plan.search_nodes}
    return WorkResult(task.task_id, plan, tuple(candidates), (), {"search": seconds}, counts)


@dataclass
class FakeExecutor:
    """Works when polled; `seconds` pass on the clock for each item.

    Attributes:
        newest_first: hand results back in the opposite order.
        answer: what makes a result from an item.
        lost_after: raise WorkersLost after this many results.
        told: its problems.
    """

    clock: SteppedClock
    seconds: float = 1.0
    workers: int = 1
    newest_first: bool = False
    answer: Callable[[WorkItem], WorkResult] = fake_result
    lost_after: int | None = None
    told: list[str] = field(default_factory=list)
    items: list[WorkItem] = field(default_factory=list)
    seen: list[WorkItem] = field(default_factory=list)
    closed: bool = False

    def submit(self, item: WorkItem) -> None:
        self.items.append(item)
        self.seen.append(item)

    def idle(self) -> int:
        return max(0, self.workers - len(self.items))

    def idle_search(self) -> int:
        return 0

    def poll(self, timeout_s: float) -> list[WorkResult]:
        if self.lost_after is not None and len(self.seen) - len(self.items) >= self.lost_after:
            raise WorkersLost("no room")
        self.clock.time_s += self.seconds
        return [self.answer(self.items.pop(-1 if self.newest_first else 0))]

    def problems(self) -> list[str]:
        return self.told

    def close(self) -> None:
        self.closed = True


class SleepySolver:
    """Takes its time over `fake_result`, in the ways that settings name."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        self._settings = settings

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        if item.plan.leg == "search":
            time.sleep(min(item.plan.search_s, float(str(self._settings.get("search_s", 0.0)))))
            return fake_search(item)
        time.sleep(float(str(self._settings.get("sleep_s", 0.0))))
        if item.task.task_id == self._settings.get("fail"):
            raise MemoryError("as asked for")
        return fake_result(item)

    def close(self) -> None:
        """Nothing is held."""


def open_sleepy(settings: Mapping[str, object], threads: int, scratch: Path) -> SleepySolver:
    """The factory of SleepySolver; setting "broken" makes it fail."""
    if settings.get("broken"):
        raise ValueError("weights are damaged")
    return SleepySolver(settings)


def main(settings: str, argv: list[str], started_s: float | None = None) -> int:
    """The entry point with the fake solver."""
    import kit.entry
    import kit.staff

    spec = SolverSpec("fake_run:open_sleepy", json.loads(settings))
    kit.staff.worker_spec = lambda config: spec
    kit.entry.check_model = lambda path: None
    # Most tests are about one item a task; those that want both legs say so.
    # What a fake costs is not to be remembered.
    return kit.entry.main(["solve.legs=ttt", "budget.remember_costs=false", *argv], started_s)
