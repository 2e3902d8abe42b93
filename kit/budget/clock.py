"""Time, injectable: everything that waits or stops asks a Clock, never the system directly."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """A monotonic source of seconds; survives jumps of the wall clock."""

    def now_s(self) -> float:
        """Seconds since an arbitrary fixed instant."""
        ...


class SystemClock:
    """The machine's monotonic clock (shared by all processes of one boot on Linux and macOS)."""

    def now_s(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant after which iterators stop and the best so far is taken.

    Attributes:
        at_s: the instant on `clock`; `math.inf` for never (plans counted in units of work).
    """

    at_s: float
    clock: Clock

    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at_s - self.clock.now_s())

    def passed(self) -> bool:
        """Whether the instant has come."""
        return self.clock.now_s() >= self.at_s
