"""Workers that may die or hang: restarted, their items tried once more, overruns cut short.

Where a worker runs is its launcher's business (`kit.workers.process`: a child process of this one;
`kit.workers.ray_launcher`: an actor on a machine of a cluster). This process never imports what
workers import, so nothing that happens in them (a segfault, the kernel's out-of-memory killer, a
hang) can take it along.

What a worker had published of an item is kept when it is lost. A lost item is tried once more
and then given up; one that overran its deadline is not tried again, and a batch is given back for
its sender to split. A worker is lost when it ends,
when it shows no sign of life for a while, or when its solver does not ask the clock for a long
while; so a hang is found with or without a deadline.

Not covered: on Linux the pool must be opened and polled by one thread that lives as long as the
pool (child processes die with the thread that started them).
"""

from __future__ import annotations

import math
import queue
import time
from collections import deque

from kit.budget.clock import Clock
from kit.solve.wire import to_plain
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.executor import Patience, Staffing, WorkersLost, describe, no_workers
from kit.workers.job import Job
from kit.workers.process import Child, Events, Launcher, Message, bury_children
from kit.workers.service import item_message
from kit.workers.worker import Worker

_MAX_BAD_STARTS = 2
"""A worker whose process dies this often in a row before it is ready is given up."""

_FIRST_SIGN_S = 60.0
"""A worker may take so long to its first sign of life: its interpreter has to start, on a busy
machine or from a slow disk."""

_LOOK_S = 1.0
"""Most seconds of silence that one look adds: while this process itself was stopped, or busy with
something else, nobody was listening."""


class PoolExecutor:
    """See the module docstring."""

    def __init__(
        self,
        spec: SolverSpec,
        staffing: Staffing,
        launcher: Launcher,
        clock: Clock,
        patience: Patience,
        events: Events | None = None,
    ) -> None:
        """Start all workers.

        Args:
            events: where they are waited for, on `clock`; None for a queue and real time.
        """
        self._opening = {
            "factory": spec.factory,
            "settings": to_plain(spec.settings),
            "threads": staffing.threads,
        }
        self._launcher = launcher
        self._clock = clock
        self._patience = patience
        self._backlog: deque[Job] = deque()
        self._results: list[WorkResult] = []
        self._events: Events = queue.Queue() if events is None else events
        self._instant = time.monotonic if events is None else clock.now_s
        self._looked_s = clock.now_s()
        self._lost = "the executor is closed"
        self._problems: list[str] = []
        self._workers = [
            Worker(index, searches=index >= staffing.count)
            for index in range(staffing.count + staffing.search)
        ]
        for worker in self._workers:
            self._start(worker)

    def submit(self, item: WorkItem) -> None:
        """Give an item to a free worker, or keep it until there is one."""
        self._backlog.append(Job(item))
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
        until_s = self._instant() + timeout_s
        while True:
            self._drain(0.0)
            self._end_overdue()
            self._end_hung()
            self._hand_out()
            self._end_orphans()
            left_s = until_s - self._instant()
            if self._results or left_s <= 0 or self._all_given_up():
                break
            next_s = max(0.0, self._next_end_s() - self._clock.now_s())
            self._drain(min(left_s, next_s, _LOOK_S))
        results, self._results = self._results, []
        if not results and self._all_given_up():
            raise WorkersLost(self._lost)
        return results

    def problems(self) -> list[str]:
        """See `Executor.problems`."""
        return self._problems

    def close(self) -> None:
        """Kill the children and drop their items."""
        bury_children([worker.child for worker in self._workers if worker.child is not None])
        for worker in self._workers:
            worker.child, worker.job, worker.given_up = None, None, True
        self._backlog.clear()
        self._launcher.close()

    def _all_given_up(self) -> bool:
        return all(worker.given_up for worker in self._workers)

    # Children

    def _start(self, worker: Worker) -> None:
        worker.heard = worker.ready = False
        worker.silent_s = worker.stalled_s = 0.0
        try:
            worker.child = self._launcher.start(worker.index, self._opening, self._events)
        except OSError as error:  # no memory or no room for another process
            worker.child = None
            self._count_bad_start(worker, f"a worker cannot be started: {describe(error)}")

    def _stop(self, worker: Worker) -> None:
        if worker.child is not None:
            bury_children([worker.child])
            worker.child = None

    def _drain(self, timeout_s: float) -> None:
        """Handle every event that has come; wait up to `timeout_s` for the first."""
        try:
            event = self._events.get(timeout=timeout_s) if timeout_s else self._events.get_nowait()
            while True:
                self._handle(*event)
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _handle(self, child: Child, message: Message) -> None:
        worker = next((w for w in self._workers if w.child is child), None)
        if worker is None:  # what a child said before it was killed
            return
        kind, worker.silent_s, worker.heard = message["kind"], 0.0, True
        if kind == "beat":
            worker.stalled_s = message["stalled_s"]
        elif kind == "ready":
            worker.ready, worker.bad_starts = True, 0
        elif kind == "broken":
            self._stop(worker)
            self._give_up(worker, message["message"])
        elif kind == "partial" and worker.job is not None:
            worker.job.partial = worker.job.read(message["result"])
        elif kind == "result" and worker.job is not None:
            self._results.append(worker.job.read(message["result"]))
            worker.job = None
            if message["leaves"]:
                self._stop(worker)
        elif kind == "gone":
            self._stop(worker)
            self._lose(worker, child.how_it_ended(), child.ran_out())

    def _lose(self, worker: Worker, how: str, ran_out: bool = False) -> None:
        """Go on without a worker that is gone; its item is tried once more, as it is: whoever
        killed it may have been a user."""
        job, worker.job = worker.job, None
        if not worker.ready:
            self._count_bad_start(worker, f"the worker {how} while it was starting")
        if job is None:
            return
        if job.may_try_again and self._clock.now_s() < job.item.deadline_s:
            self._backlog.appendleft(job)
        else:
            self._results.append(job.given_up(how, ran_out))

    def _count_bad_start(self, worker: Worker, why: str) -> None:
        worker.bad_starts += 1
        if worker.bad_starts >= _MAX_BAD_STARTS:
            self._give_up(worker, why)

    def _give_up(self, worker: Worker, why: str) -> None:
        worker.given_up = True
        self._lost = f"{why} (details in {self._launcher.log_of(worker.index)})"
        kind = [other for other in self._workers if other.searches == worker.searches]
        if all(other.given_up for other in kind) and not self._all_given_up():
            name = "searchers" if worker.searches else "workers for the model"
            self._problems.append(no_workers(name, self._lost))

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
                worker.stalled_s = 0.0
                job.tries += 1
                worker.child.tell(item_message(job.item, self._clock.now_s()))

    def _is_for(self, worker: Worker, job: Job) -> bool:
        """Whether a worker takes an item: one kept for searches no others, and the others no
        search as long as there are such workers."""
        kept = any(other.searches and not other.given_up for other in self._workers)
        return (job.item.plan.leg == "search") == worker.searches if kept else not worker.searches

    def _end_overdue(self) -> None:
        """End items whose grace is over, and those that no worker could begin in time."""
        now_s = self._clock.now_s()
        for worker in self._workers:
            job = worker.job
            if job is not None and now_s >= job.item.deadline_s + self._patience.grace_s:
                worker.job = None
                self._stop(worker)
                late = f"killed {self._patience.grace_s:g} s after its deadline"
                self._results.append(job.remains(late, cut=True))
        for job in [job for job in self._backlog if now_s >= job.item.deadline_s]:
            self._backlog.remove(job)
            self._results.append(job.remains("no worker was ready in time", cut=True))

    def _end_orphans(self) -> None:
        """Give back items that no worker is left for, while others go on."""
        working = [worker for worker in self._workers if not worker.given_up]
        for job in list(self._backlog) if working else ():
            if not any(self._is_for(worker, job) for worker in working):
                self._backlog.remove(job)
                self._results.append(job.remains(self._problems[-1], cut=False))

    def _end_hung(self) -> None:
        """End workers that show no sign of life, or whose solver does not ask the clock."""
        now_s = self._clock.now_s()
        gone_s, self._looked_s = min(_LOOK_S, now_s - self._looked_s), now_s
        for worker in self._workers:
            if worker.child is None or not worker.child.begun:
                continue
            worker.silent_s += gone_s
            how, allowed_s = None, self._patience.silent_s
            if allowed_s and not worker.heard:
                allowed_s = max(allowed_s, _FIRST_SIGN_S)
            if 0 < allowed_s < worker.silent_s:
                how = f"gave no sign of life for {allowed_s:g} s"
            elif worker.job is not None and 0 < self._patience.stalled_s < worker.stalled_s:
                how = f"hung for {worker.stalled_s:.0f} s"
            if how is not None:
                self._stop(worker)
                self._lose(worker, how)

    def _next_end_s(self) -> float:
        """When `_end_overdue` has something to do, unless an event comes first."""
        ends_s = [w.job.item.deadline_s + self._patience.grace_s for w in self._workers if w.job]
        ends_s += [job.item.deadline_s for job in self._backlog]
        return min(ends_s, default=math.inf)
