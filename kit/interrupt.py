"""How a run is stopped from outside: SIGINT, SIGTERM, and its own time running out.

What it does: turns all three into one exception in the main thread, never in the middle of
writing. What it does not: clean up; the code that the exception passes through does that.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

Cause = Literal["time", "SIGINT", "SIGTERM"]

EXIT_CODES: dict[Cause, int] = {"time": 0, "SIGINT": 130, "SIGTERM": 143}

# Seconds before the end of the budget at which a process that still hangs is ended by force.
FORCED_EXIT_S = 0.3

# Seconds that a loop has to notice by itself that its time is up.
ALARM_DELAY_S = 0.3


# An older process was something else before (a shell's `exec`): nobody imports for so long.
_LONGEST_START_S = 5.0


def process_began_s() -> float:
    """The instant on `time.monotonic` at which this process was started; now where the system does
    not tell (only Linux does).

    Starting the interpreter takes a tenth of a second, on a busy machine a whole one, that belong
    to the budget too.
    """
    now_s = time.monotonic()
    try:
        text = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        # The name in parentheses may hold anything; this is field 22, counted from 1.
        ticks = int(text.rpartition(")")[2].split()[19])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return now_s
    return now_s - age_s if 0 <= age_s <= _LONGEST_START_S else now_s


class Stopped(BaseException):
    """The run is to end now. Not an Exception, so that no handler for failed work takes it."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause)
        self.cause: Cause = cause


class StopGuard:
    """Raises `Stopped` once, at the first signal or when the time is up.

    A second signal, at least a second later (`timeout` sends its signal twice), ends the process
    at once: the submission file is valid at every instant.
    """

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self._first_signal_s = 0.0
        self._shields = 0
        self._raised = False
        self._last_resort: threading.Timer | None = None

    def install(self) -> None:
        """Handle SIGINT and SIGTERM from here on (main thread only)."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def stop_at(self, soft_s: float, hard_s: float) -> None:
        """Raise `Stopped("time")` at one instant of `time.monotonic`; end by force at another.

        The second is for a process that cannot be interrupted (stuck in a system call).
        """
        now_s = time.monotonic()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._on_signal)
            signal.setitimer(signal.ITIMER_REAL, max(0.001, soft_s - now_s))
        self._last_resort = threading.Timer(
            max(0.0, hard_s - now_s), _exit_by_force, (EXIT_CODES["time"], "out of time")
        )
        self._last_resort.daemon = True
        self._last_resort.start()

    def cancel(self) -> None:
        """Take both instants of `stop_at` back; a second call, or one without them, does nothing.

        For a caller whose process goes on after the run.
        """
        if self._last_resort is None:
            return
        self._last_resort.cancel()
        self._last_resort = None
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """A stretch that is not interrupted; what came meanwhile is raised at its end."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self._raise_pending()

    def disarm(self) -> None:
        """Raise nothing any more: the run is ending anyway."""
        self._raised = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Remember the first cause; leave at once at the second signal from outside."""
        if number == getattr(signal, "SIGALRM", None):
            self.cause = self.cause or "time"
        elif self.cause in (None, "time"):
            self.cause = "SIGINT" if number == signal.SIGINT else "SIGTERM"
            self._first_signal_s = time.monotonic()
        elif time.monotonic() - self._first_signal_s > 1.0:
            _exit_by_force(EXIT_CODES[self.cause], "stopped twice")
        self._raise_pending()

    def _raise_pending(self) -> None:
        """Raise what has come, once, unless shielded."""
        if self.cause is not None and not self._raised and not self._shields:
            self._raised = True
            raise Stopped(self.cause)


def _exit_by_force(code: int, why: str) -> None:
    """End this process at once; its workers end with it and nothing is written any more."""
    print(f"\n{why}: ended by force; submission.json holds the best so far", file=sys.stderr)
    os._exit(code)
