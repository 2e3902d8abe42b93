"""Clocks for rehearsals: they are set forward instead of waited for."""

from __future__ import annotations

import time


class VirtualClock:
    """A clock that is set forward."""

    def __init__(self, time_s: float = 0.0) -> None:
        self._time_s = time_s

    def now_s(self) -> float:
        """The time that it was set to."""
        return self._time_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._time_s += seconds

    def set_forward(self, time_s: float) -> None:
        """Go to an instant, never back."""
        self._time_s = max(self._time_s, time_s)


class PacedClock(VirtualClock):
    """A virtual clock that passes at most `speedup` times as fast as real time."""

    def __init__(self, time_s: float, speedup: float) -> None:
        super().__init__(time_s)
        self._speedup = speedup

    def advance(self, seconds: float) -> None:
        """Let time pass, and wait while it does."""
        self.set_forward(self.now_s() + seconds)

    def set_forward(self, time_s: float) -> None:
        """Go to an instant, and wait for it."""
        time.sleep(max(0.0, time_s - self.now_s()) / self._speedup)
        super().set_forward(time_s)
