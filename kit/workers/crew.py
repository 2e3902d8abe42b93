"""Processes of one kind, opened when there is work for them and closed to make room for others."""

from __future__ import annotations

from collections.abc import Callable

from kit.budget.clock import Clock
from kit.solve.work import WorkItem, WorkResult
from kit.workers.executor import Executor

START_S = 300.0
"""An engine may take so long to open before its first item counts as late."""

Open = Callable[[], Executor]
"""Starts a crew's processes."""


class Crew:
    """An executor that is opened when there is work for it and closed when it should make room.

    Attributes:
        took_s: seconds from opening to the first work, the last time that was seen.
    """

    def __init__(self, opens: Open, clock: Clock) -> None:
        self._opens, self._clock = opens, clock
        self._executor: Executor | None = None
        self._begun, self._opened_s = False, 0.0
        self.took_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether its processes have been started."""
        return self._executor is not None

    def idle(self) -> int:
        """Free workers; opens the crew."""
        if self._executor is None:
            self._opened_s = self._clock.now_s()
            self._executor, self._begun = self._opens(), False
        return self._executor.idle()

    def submit(self, item: WorkItem) -> None:
        """Give an item to a free worker."""
        assert self._executor is not None
        self._executor.submit(item)

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """See `Executor.poll`; nothing from a crew that is closed."""
        if self._executor is None:
            return []
        results = self._executor.poll(timeout_s)
        # What nobody has worked on says nothing of engines: their workers may still be starting.
        worked_s = max(map(_worked_s, results), default=0.0)
        if worked_s > 0 and not self._begun:
            self.took_s = max(0.0, self._clock.now_s() - self._opened_s - worked_s)
            self._begun = True
        return results

    def start_s(self, again: bool = False) -> float:
        """Seconds that an item may wait for the engine to open.

        Args:
            again: the item's worker was lost, so that it may wait for another one to open.
        """
        if not self._begun:
            return START_S
        return self.took_s if again else 0.0

    def close(self) -> None:
        """End its processes."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None


def _worked_s(result: WorkResult) -> float:
    """Seconds that went into a result, or into all results of a batch."""
    return sum(sum(part.stage_s.values()) for part in (result, *result.batch))
