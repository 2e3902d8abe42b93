"""One child process per worker, restarted when it dies and killed when it overruns.

This process never imports what the children import, so nothing that happens in them (a segfault,
the kernel's out-of-memory killer, a hang) can take it along. Children write to
`workers/worker-<n>.log` in the run's folder and cannot outlive this process.

What a child had published of an item is kept when it is lost. A lost item is tried once more;
one that overran its deadline is not.

Not covered: an item without a deadline that hangs is waited for. On Linux the pool must be opened
and polled by one thread that lives as long as the pool (children die with the thread that
started them).
"""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.budget.clock import Clock
from kit.solve.wire import from_plain, to_plain
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.executor import Staffing, WorkersLost, scratch_folder
from kit.workers.process import (
    Child,
    Events,
    bury_children,
    describe_exit,
    start_child,
    tell_child,
)

_MAX_BAD_STARTS = 2
"""A worker whose process dies this often in a row before it is ready is given up."""

_MAX_TRIES = 2


@dataclass(slots=True)
class _Job:
    """An item on its way: how often it was tried, and the best that is known of it."""

    item: WorkItem
    tries: int = 0
    partial: WorkResult | None = None


@dataclass(slots=True)
class _Worker:
    """A place for one child process and what that is doing.

    Attributes:
        child: None until there is something to do after the last one ended.
        searches: it takes searches only.
        ready: it has opened its solver.
        given_up: no process is started in this place any more.
    """

    index: int
    searches: bool = False
    child: Child | None = None
    ready: bool = False
    bad_starts: int = 0
    given_up: bool = False
    job: _Job | None = None


class PoolExecutor:
    """See the module docstring."""

    def __init__(
        self, spec: SolverSpec, staffing: Staffing, run_folder: Path, clock: Clock, grace_s: float
    ) -> None:
        self._spec = spec
        self._threads = staffing.threads
        self._folder = run_folder
        self._clock = clock
        self._grace_s = grace_s
        self._backlog: deque[_Job] = deque()
        self._results: list[WorkResult] = []
        self._events: Events = queue.Queue()
        self._lost = "the executor is closed"
        self._workers = [
            _Worker(index, searches=index >= staffing.count)
            for index in range(staffing.count + staffing.search)
        ]
        for worker in self._workers:
            self._start(worker)

    def submit(self, item: WorkItem) -> None:
        """Give an item to a free worker, or keep it until there is one."""
        self._backlog.append(_Job(item))
        self._hand_out()

    def idle(self) -> int:
        """Workers without an item, those that are still starting included."""
        return self._free(searches=False)

    def idle_search(self) -> int:
        """The same of the workers that take searches only."""
        return self._free(searches=True)

    def _free(self, searches: bool) -> int:
        kind = [worker for worker in self._workers if worker.searches == searches]
        free = sum(worker.job is None and not worker.given_up for worker in kind)
        kept = sum(any(self._is_for(worker, job) for worker in kind) for job in self._backlog)
        return max(0, free - kept)

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """Results that have come; waits up to `timeout_s` for the first one.

        Raises:
            WorkersLost: every worker has been given up; says why the last one was.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            self._drain(0.0)
            self._end_overdue()
            self._hand_out()
            left_s = until_s - time.monotonic()
            if self._results or left_s <= 0 or self._all_given_up():
                break
            self._drain(min(left_s, max(0.0, self._next_end_s() - self._clock.now_s())))
        results, self._results = self._results, []
        if not results and self._all_given_up():
            raise WorkersLost(self._lost)
        return results

    def close(self) -> None:
        """Kill the children and drop their items."""
        bury_children([worker.child for worker in self._workers if worker.child is not None])
        for worker in self._workers:
            worker.child, worker.job, worker.given_up = None, None, True
        self._backlog.clear()

    def _all_given_up(self) -> bool:
        return all(worker.given_up for worker in self._workers)

    # Children

    def _start(self, worker: _Worker) -> None:
        opening = {
            "factory": self._spec.factory,
            "settings": to_plain(self._spec.settings),
            "threads": self._threads,
            "scratch": str(scratch_folder(self._folder, worker.index)),
        }
        log_path = self._log_path(worker)
        worker.child = start_child(opening, self._threads, log_path, self._events)
        worker.ready = False

    def _stop(self, worker: _Worker) -> None:
        if worker.child is not None:
            bury_children([worker.child])
            worker.child = None

    def _log_path(self, worker: _Worker) -> Path:
        return self._folder / "workers" / f"worker-{worker.index}.log"

    def _drain(self, timeout_s: float) -> None:
        """Handle every event that has come; wait up to `timeout_s` for the first."""
        try:
            event = self._events.get(timeout=timeout_s) if timeout_s else self._events.get_nowait()
            while True:
                self._handle(*event)
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _handle(self, child: Child, message: dict[str, Any]) -> None:
        worker = next((w for w in self._workers if w.child is child), None)
        if worker is None:  # what a child said before it was killed
            return
        kind = message["kind"]
        if kind == "ready":
            worker.ready, worker.bad_starts = True, 0
        elif kind == "broken":
            self._stop(worker)
            self._give_up(worker, message["message"])
        elif kind == "partial" and worker.job is not None:
            worker.job.partial = from_plain(WorkResult, message["result"])
        elif kind == "result":
            worker.job = None
            self._results.append(from_plain(WorkResult, message["result"]))
        elif kind == "gone":
            self._child_died(worker, child)

    def _child_died(self, worker: _Worker, child: Child) -> None:
        self._stop(worker)
        how = describe_exit(child)
        job, worker.job = worker.job, None
        if not worker.ready:
            worker.bad_starts += 1
            if worker.bad_starts >= _MAX_BAD_STARTS:
                self._give_up(worker, f"the worker {how} while it was starting")
        if job is None:
            return
        if job.tries < _MAX_TRIES and self._clock.now_s() < job.item.deadline_s:
            self._backlog.appendleft(job)
        else:
            self._results.append(_remains(job, f"its worker {how}", cut=False))

    def _give_up(self, worker: _Worker, why: str) -> None:
        worker.given_up = True
        self._lost = f"{why} (details in {self._log_path(worker)})"

    # Items

    def _hand_out(self) -> None:
        """Give kept items to workers, starting processes where there are none."""
        for worker in self._workers:
            if worker.given_up or worker.job is not None:
                continue
            job = next((job for job in self._backlog if self._is_for(worker, job)), None)
            if job is None:
                continue
            if worker.child is None:
                self._start(worker)
            elif worker.ready:
                self._backlog.remove(job)
                worker.job = job
                job.tries += 1
                tell_child(worker.child, to_plain(job.item))

    def _is_for(self, worker: _Worker, job: _Job) -> bool:
        """Whether a worker takes an item: one kept for searches no others, and the others no
        search as long as there are such workers."""
        kept = any(other.searches and not other.given_up for other in self._workers)
        return (job.item.plan.leg == "search") == worker.searches if kept else not worker.searches

    def _end_overdue(self) -> None:
        """End items whose grace is over, and those that no worker could begin in time."""
        now_s = self._clock.now_s()
        for worker in self._workers:
            job = worker.job
            if job is not None and now_s >= job.item.deadline_s + self._grace_s:
                worker.job = None
                self._stop(worker)
                late = f"killed {self._grace_s:g} s after its deadline"
                self._results.append(_remains(job, late, cut=True))
        for job in [job for job in self._backlog if now_s >= job.item.deadline_s]:
            self._backlog.remove(job)
            self._results.append(_remains(job, "no worker was ready in time", cut=True))

    def _next_end_s(self) -> float:
        """When `_end_overdue` has something to do, unless an event comes first."""
        ends_s = [w.job.item.deadline_s + self._grace_s for w in self._workers if w.job]
        ends_s += [job.item.deadline_s for job in self._backlog]
        return min(ends_s, default=math.inf)


def _remains(job: _Job, failure: str, cut: bool) -> WorkResult:
    """The result of an item whose worker is gone: what it had published, and what happened."""
    known = job.partial or WorkResult(job.item.task.task_id, job.item.plan)
    return replace(known, failure=failure, cut=cut)
