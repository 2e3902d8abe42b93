"""The executor without processes: one item at a time in the caller's own process.

For notebooks, tests and debuggers. It cannot end an item that ignores its deadline, and the
caller's process imports what the solver imports.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from kit.budget.clock import Clock
from kit.solve.work import Solver, SolverSpec, WorkItem, WorkResult, discard
from kit.workers.executor import Staffing, WorkersLost, describe, guarded, scratch_folder
from kit.workers.target import load_factory


class InlineExecutor:
    """See the module docstring; the solver is opened when the first item runs."""

    def __init__(self, spec: SolverSpec, staffing: Staffing, run_folder: Path, clock: Clock):
        self._spec = spec
        self._threads = staffing.threads
        self._run_folder = run_folder
        self._clock = clock
        self._queue: deque[WorkItem] = deque()
        self._solver: Solver | None = None

    def submit(self, item: WorkItem) -> None:
        """Keep an item for the next `poll`."""
        self._queue.append(item)

    def idle(self) -> int:
        """1 while nothing is kept."""
        return 0 if self._queue else 1

    def idle_search(self) -> int:
        """None: the calling process does everything."""
        return 0

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """Work on one kept item and hand over its result; waits only when there is none.

        Raises:
            WorkersLost: the solver cannot be opened.
        """
        if not self._queue:
            time.sleep(timeout_s)
            return []
        solver = self._solver or self._open()
        item = self._queue.popleft()
        return [guarded(item, lambda: solver.solve(item, self._clock, discard))]

    def problems(self) -> list[str]:
        """None: there is one kind of worker."""
        return []

    def _open(self) -> Solver:
        try:
            factory = load_factory(self._spec.factory)
            scratch = scratch_folder(self._run_folder, 0)
            self._solver = factory(self._spec.settings, self._threads, scratch)
        except Exception as error:
            raise WorkersLost(describe(error)) from error
        return self._solver

    def close(self) -> None:
        """Close the solver and drop what is kept."""
        self._queue.clear()
        if self._solver is not None:
            self._solver.close()
            self._solver = None
