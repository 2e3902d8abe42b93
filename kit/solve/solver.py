"""What a worker process opens: the item's leg decides what works on it.

What it does: routes items to the search, to the writing of programs, or to the model, which is
loaded when the first item asks for it, so that a worker that only searches never imports torch.
What it does not: the work itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kit.budget.clock import Clock, SystemClock
from kit.solve.searching import search_item, warm_up
from kit.solve.toolbox import Toolbox, ToolboxSettings, open_toolbox, read_settings
from kit.solve.work import Publish, WorkItem, WorkResult

if TYPE_CHECKING:
    from kit.solve.writing import WritingDesk

logger = logging.getLogger(__name__)


class ModelError(RuntimeError):
    """The model did not open, now or at an earlier item of this worker; the message says why."""


class TaskSolver:
    """Implements `kit.solve.work.Solver`."""

    def __init__(self, settings: ToolboxSettings, threads: int, scratch: Path) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._threads = threads
        self._scratch = scratch
        self._toolbox: Toolbox | None = None
        self._broken: Exception | None = None
        self._desk: WritingDesk | None = None

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        """Work on one item by its leg.

        Raises:
            ModelError: the item needs the model, and that does not open.
        """
        if item.plan.leg == "search":
            return search_item(item, clock, publish)
        if item.plan.leg == "write":
            from kit.solve.writing import write_item

            return write_item(item, self._open_desk, clock)
        if item.batch:
            from kit.solve.together import solve_together

            return solve_together(item, self.open_model(), clock, publish)
        from kit.solve.phases import solve_item

        return solve_item(item, self.open_model(), clock, publish)

    def open_model(self) -> Toolbox:
        """The toolbox, loaded at the first call; imports torch.

        Raises:
            ModelError: it does not open; it is not tried again.
        """
        if self._broken is not None:
            raise ModelError(str(self._broken)) from self._broken
        if self._toolbox is None:
            try:
                self._toolbox = open_toolbox(self._settings, self._threads, self._scratch)
            except Exception as error:
                self._broken = error
                raise
        return self._toolbox

    def _open_desk(self) -> WritingDesk:
        """Whoever writes programs, opened at the first call."""
        from kit.solve.writing import open_desk

        if self._desk is None:
            device = self._settings.solve.device
            self._desk = open_desk(self._settings.programs, self._threads, device)
        return self._desk

    def close(self) -> None:
        """Free the model, and whoever writes programs."""
        if self._desk is not None:
            self._desk.close()
            self._desk = None
        if self._toolbox is not None:
            self._toolbox.close()
            self._toolbox = None


def open_solver(settings: Mapping[str, object], threads: int, scratch: Path) -> TaskSolver:
    """The factory named by `solver_spec`.

    Without a search the model is opened at once, so that one which does not open is known before
    any work is handed out. With a search, its kernels are compiled or loaded first.
    """
    read = read_settings(settings)
    solver = TaskSolver(read, threads, scratch)
    if read.solve.legs == "ttt":
        solver.open_model()
    else:
        seconds = warm_up(SystemClock())
        logger.info("the search was ready after %.2f s", seconds)
    return solver
