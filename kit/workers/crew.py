"""Processes of one kind, opened when there is work for them and closed to make room for others."""

from __future__ import annotations

from collections.abc import Callable

from kit.budget.clock import Clock
from kit.budget.plan import Plan
from kit.solve.work import WorkItem, WorkResult
from kit.workers.executor import Executor, WorkersLost, no_workers, unworked

START_S = 300.0
"""An engine may take so long to open before its first item counts as late."""

_MAX_LOSSES = 2
"""A crew that is lost so often before it has done anything is not opened again; not at the first
time, because the processes that made room for it may give a GPU's memory back late."""

Open = Callable[[], Executor]
"""Starts a crew's processes."""


class Crew:
    """An executor that is opened when there is work for it and closed when it should make room.

    What is in work when its workers are lost waits for another opening, or comes back as failures.

    Attributes:
        took_s: seconds from opening to the first work, the last time that was seen.
        lost: why it can do nothing any more; None as long as it can.
        problems: see `Executor.problems`.
    """

    def __init__(self, name: str, opens: Open, clock: Clock) -> None:
        """Start nothing yet.

        Args:
            name: of its workers, in the plural, for messages.
        """
        self._name, self._opens, self._clock = name, opens, clock
        self._executor: Executor | None = None
        self._begun, self._opened_s = False, 0.0
        self._losses = 0
        self._items: dict[Plan, WorkItem] = {}
        self.took_s = 0.0
        self.lost: str | None = None
        self.problems: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether its processes have been started."""
        return self._executor is not None

    def idle(self) -> int:
        """Free workers; opens the crew, unless it is lost."""
        if self.lost is not None:
            return 0
        return (self._executor or self._open()).idle()

    def submit(self, item: WorkItem) -> None:
        """Give an item to a free worker."""
        assert self._executor is not None
        self._items[item.plan] = item
        self._executor.submit(item)

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """See `Executor.poll`; nothing from a crew that is closed, and never a raise."""
        if self._executor is None:
            return []
        try:
            results = self._executor.poll(timeout_s)
        except WorkersLost as lost:
            return self._lose(str(lost))
        for result in results:
            self._items.pop(result.plan, None)
        # What nobody has worked on says nothing of engines: their workers may still be starting.
        worked_s = max(map(_worked_s, results), default=0.0)
        if worked_s > 0 and not self._begun:
            self.took_s = max(0.0, self._clock.now_s() - self._opened_s - worked_s)
            self._begun, self._losses = True, 0
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
        """End its processes and drop what is in work."""
        self._items.clear()
        if self._executor is not None:
            self._executor.close()
            self._executor = None

    def _open(self) -> Executor:
        self._opened_s = self._clock.now_s()
        self._executor, self._begun = self._opens(), False
        return self._executor

    def _lose(self, why: str) -> list[WorkResult]:
        """Open it once more, or give it up and hand back what was in work."""
        items = tuple(self._items.values())
        self.close()
        self._losses += 1
        if self._losses < _MAX_LOSSES:
            self.problems.append(f"the {self._name} were started once more: {why}")
            self._open()
            for item in items:
                self.submit(item)
            return []
        self.lost = no_workers(self._name, why)
        self.problems.append(self.lost)
        return [unworked(item, self.lost) for item in items]


def _worked_s(result: WorkResult) -> float:
    """Seconds that went into a result, or into all results of a batch."""
    return sum(sum(part.stage_s.values()) for part in (result, *result.batch))
