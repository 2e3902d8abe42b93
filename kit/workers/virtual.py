"""Workers in virtual time: the real pool and its messages, without processes and without waiting.

What it does: a launcher whose children carry an item out at once, on a clock of their own that runs
ahead, and whose messages come at the instants at which they were said; a queue that sets the run's
clock forward instead of waiting. A pool built on both restarts, kills and hands out as ever. What
it does not: rehearse silence, or workers of a cluster.
"""

from __future__ import annotations

import heapq
import itertools
import queue
from collections.abc import Callable
from pathlib import Path

from kit.budget.virtual_clock import VirtualClock
from kit.solve.work import Solver, SolverSpec, WorkResult
from kit.workers.executor import Patience, Staffing, guarded
from kit.workers.pool import PoolExecutor
from kit.workers.process import Child, Message
from kit.workers.service import read_item, spoils_process, told

OpenSolver = Callable[[VirtualClock, Path], Solver]
"""(the worker's own clock, its scratch folder) -> Solver."""


class VirtualEvents(queue.Queue[tuple[Child, Message]]):
    """Messages by the instant at which they are due; waiting for one sets the clock forward."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        self._due: list[tuple[float, int, Child, Message]] = []
        self._numbers = itertools.count()

    def post(self, at_s: float, child: Child, message: Message) -> None:
        """Leave a message that is due at an instant."""
        heapq.heappush(self._due, (at_s, next(self._numbers), child, message))

    def get(self, block: bool = True, timeout: float | None = None) -> tuple[Child, Message]:
        """The next message; raises queue.Empty when none is due within `timeout` seconds."""
        until_s = self._clock.now_s() + (timeout or 0.0 if block else 0.0)
        if not self._due or self._due[0][0] > until_s:
            self._clock.set_forward(until_s)
            raise queue.Empty
        at_s, _, child, message = heapq.heappop(self._due)
        self._clock.set_forward(at_s)
        return child, message

    def get_nowait(self) -> tuple[Child, Message]:
        """The next message that is due now."""
        return self.get(block=False)


class VirtualChild:
    """Implements `Child`: an item is carried out when it is told, its messages are due later."""

    begun = True

    def __init__(
        self, events: VirtualEvents, clock: VirtualClock, opens: OpenSolver, open_s: float,
        scratch: Path,
    ) -> None:  # fmt: skip
        """Say that it is ready after `open_s` seconds."""
        self._events, self._run_clock = events, clock
        self._clock = VirtualClock(clock.now_s() + open_s)
        self._solver = opens(self._clock, scratch)
        events.post(self._clock.now_s(), self, {"kind": "ready"})

    def tell(self, message: Message) -> None:
        """See `Child`."""
        self._clock.set_forward(self._run_clock.now_s())
        item = read_item(message, self._clock.now_s())
        result = guarded(item, lambda: self._solver.solve(item, self._clock, self._publish))
        leaves = {"leaves": spoils_process(result)}
        self._say(told("result", result) | leaves)
        if leaves["leaves"]:
            self._say({"kind": "gone"})

    def kill(self) -> None:
        """Nothing runs."""

    def bury(self) -> None:
        """Nothing is left."""

    def how_it_ended(self) -> str:
        """See `Child`."""
        return "ended"

    def ran_out(self) -> bool:
        """What runs out of memory here says so."""
        return False

    def _publish(self, partial: WorkResult) -> None:
        self._say(told("partial", partial))

    def _say(self, message: Message) -> None:
        self._events.post(self._clock.now_s(), self, message)


class VirtualLauncher:
    """Implements `Launcher`."""

    def __init__(
        self, clock: VirtualClock, opens: OpenSolver, open_s: float, scratch: Path
    ) -> None:
        """Start nothing yet.

        Args:
            open_s: seconds until a worker's engine has started.
        """
        self._clock, self._opens, self._open_s = clock, opens, open_s
        self._scratch = scratch

    def start(self, index: int, opening: Message, events: object) -> VirtualChild:
        """See `Launcher`; `events` are a VirtualEvents."""
        assert isinstance(events, VirtualEvents)
        return VirtualChild(events, self._clock, self._opens, self._open_s, self._scratch)

    def log_of(self, index: int) -> str:
        """There are none."""
        return "no log: the worker was rehearsed"

    def close(self) -> None:
        """Nothing is held."""


def open_virtual_pool(
    clock: VirtualClock, staffing: Staffing, opens: OpenSolver, open_s: float, scratch: Path
) -> PoolExecutor:
    """The real pool over virtual workers."""
    launcher = VirtualLauncher(clock, opens, open_s, scratch)
    patience = Patience(silent_s=0.0, stalled_s=0.0)
    spec = SolverSpec("rehearsed", {})
    return PoolExecutor(spec, staffing, launcher, clock, patience, VirtualEvents(clock))
