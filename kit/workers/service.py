"""What a worker does wherever it runs: opens its solver, works on items, shows that it is alive.

A worker is told one opening (factory and settings of a `SolverSpec`, threads, scratch folder), then
one item after another, and says messages (plain JSON values):

    {"kind": "ready"}                          the solver is open
    {"kind": "broken", "message": ...}         it does not open; the worker ends
    {"kind": "partial", "result": ...}         what is known of an item so far
    {"kind": "result", "result": ...,          an item is done
     "leaves": ...}                            ... and the worker takes no other
    {"kind": "beat", "stalled_s": ...}         a sign of life, once a second

A beat comes from a thread of its own, so that none comes from a process that is frozen. It says
for how long the solver has not asked its clock: all loops of the kit ask it, because deadlines
are kept inside them, so that one which does not ask any more hangs.
What it does not: start or end processes, or decide what silence means (`kit.workers.pool` does).
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.budget.clock import Clock, SystemClock
from kit.solve.wire import from_plain, to_plain
from kit.solve.work import Solver, WorkItem, WorkResult
from kit.workers.executor import describe, guarded
from kit.workers.target import load_factory

BEAT_S = 1.0
"""Between two signs of life."""

_NO_MEMORY = (
    "MemoryError",
    "can't allocate memory",
    "Cannot allocate memory",
    "out of memory",
)
"""In failures: of Python and numpy, of torch's CPU allocator, of the system, of a GPU."""

_BROKEN_GPU = (
    "CUDA error",
    "AcceleratorError",
    "CUBLAS_STATUS",
    "CUDNN_STATUS",
    "device-side assert",
    "illegal memory access",
)
"""In failures after which CUDA refuses every further call of the process."""

Message = dict[str, Any]
Listen = Callable[[], Any]
"""The next message from the parent; waits for it."""
Say = Callable[[Message], None]
"""Sends a message to the parent; called from two threads, never at the same time."""

logger = logging.getLogger(__name__)


class Pulse:
    """A clock that notes when it was last asked, and a thread that tells."""

    def __init__(self, say: Say, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._say = say
        self._mutex = threading.Lock()
        self._asked_s = math.inf

    def now_s(self) -> float:
        """The instant; being asked for it counts as progress."""
        self._asked_s = self._clock.now_s()
        return self._asked_s

    def rest(self) -> None:
        """No item is in work from here on."""
        self._asked_s = math.inf

    def say(self, message: Message) -> None:
        """Send a message; one thread at a time."""
        with self._mutex:
            self._say(message)

    def start(self) -> None:
        """Beat from now on, until the process ends."""
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def _beat(self) -> None:
        waiting = threading.Event()
        while True:
            stalled_s = max(0.0, self._clock.now_s() - self._asked_s)
            self.say({"kind": "beat", "stalled_s": round(stalled_s, 3)})
            waiting.wait(BEAT_S)


def item_message(item: WorkItem, now_s: float) -> Message:
    """An item as a worker is told it: with the seconds that are left, because another machine's
    clock counts from another instant."""
    return {"item": to_plain(replace(item, deadline_s=0.0)), "left_s": item.deadline_s - now_s}


def read_item(message: Message, now_s: float) -> WorkItem:
    """The item of a message, on this process's clock."""
    item = from_plain(WorkItem, message["item"])
    return replace(item, deadline_s=now_s + message["left_s"])


def serve(opening: Message, listen: Listen, say: Say) -> None:
    """Work until the parent is gone, which `listen` has to notice; returns when the solver does
    not open, and behind an item that spoiled the process (`spoils_process`)."""
    pulse = Pulse(say)
    pulse.start()
    solver = _open_solver(opening, pulse)
    if solver is None:
        return
    pulse.say({"kind": "ready"})
    while True:
        message = listen()
        item = read_item(message, pulse.now_s())
        result = guarded(
            item,
            lambda item=item: solver.solve(  # type: ignore[misc]
                item, pulse, lambda partial: pulse.say(told("partial", partial))
            ),
        )
        pulse.rest()
        leaves = spoils_process(result)
        pulse.say(told("result", result) | {"leaves": leaves})
        if leaves:
            return


def spoils_process(result: WorkResult) -> bool:
    """Whether an item, or one of a batch, failed in a way that the process does not get over, so
    that the next item needs a fresh one.

    Such are want of memory, the machine's or a GPU's, which fragments or leaks may hold for good
    (engines step down first: only what did not help is a failure), and a broken CUDA context, in
    which all later items would fail within milliseconds.
    """
    failures = [result.failure, *(part.failure for part in result.batch)]
    signs = (*_NO_MEMORY, *_BROKEN_GPU)
    return any(sign in failure for failure in failures if failure for sign in signs)


def told(kind: str, result: WorkResult) -> Message:
    """A result as a worker says it."""
    return {"kind": kind, "result": to_plain(result)}


def _open_solver(opening: Message, pulse: Pulse) -> Solver | None:
    """The solver the parent asked for; tells the parent when it does not open."""
    try:
        factory = load_factory(opening["factory"])
        return factory(opening["settings"], opening["threads"], Path(opening["scratch"]))
    except Exception as error:
        logger.exception("the solver does not open")
        pulse.say({"kind": "broken", "message": describe(error)})
        return None
