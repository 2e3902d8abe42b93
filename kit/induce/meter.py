"""How much a search may still do: work in nodes, time, memory.

A node is the evaluation of one primitive on all examples of a task, or other work of about 50
microseconds. With nodes alone (no deadline) a search does the same on every machine.
"""

from __future__ import annotations

import math

from kit.budget.clock import Clock

LOOK_EVERY = 16
"""Nodes between two looks at the clock."""


class Meter:
    """Counts nodes and says when to stop; parts of it can be given away.

    Attributes:
        spent: nodes counted so far, here and in all parts.
        was_late: whether the clock has ended this meter or one of its parts, so that more time
            would have meant more work.
    """

    def __init__(self, clock: Clock, deadline_s: float = math.inf, nodes: float = math.inf) -> None:
        """Start counting.

        Args:
            deadline_s: instant on `clock` at which work must stop.
            nodes: that may be spent in all.
        """
        self._clock = clock
        self._deadline_s = deadline_s
        self._left = nodes
        self._next_look = 0.0
        self._over = False
        self._parent: Meter | None = None
        self.spent = 0.0
        self.was_late = False

    def spend(self, nodes: float = 1.0) -> bool:
        """Count work that is about to be done; False when it must not be done any more."""
        if self._over:
            return False
        meter: Meter | None = self
        while meter is not None:
            meter.spent += nodes
            meter._left -= nodes
            meter = meter._parent
        if self._left < 0:
            self._over = True
        elif self.spent >= self._next_look:
            self._next_look = self.spent + LOOK_EVERY
            self._look()
        return not self._over

    def is_over(self) -> bool:
        """Whether work must stop; looks at the clock, counts nothing."""
        if self._left < 0:
            self._over = True
        if not self._over:
            self._look()
        return self._over

    def _look(self) -> None:
        """Stop when the deadline has come, and let everybody above know why."""
        if self._clock.now_s() < self._deadline_s:
            return
        self._over = True
        meter: Meter | None = self
        while meter is not None:
            meter.was_late = True
            meter = meter._parent

    def left_s(self) -> float:
        """Seconds until the deadline; `math.inf` without one, 0 when work must stop."""
        return 0.0 if self.is_over() else self._deadline_s - self._clock.now_s()

    def left_nodes(self) -> float:
        """Nodes that may still be spent."""
        return max(0.0, self._left)

    def part(self, share: float = 1.0, seconds: float = math.inf, nodes: float = math.inf) -> Meter:
        """A meter for one step: at most `share` of what is left, and at most these limits.

        What the part spends counts here too.
        """
        now_s = self._clock.now_s()
        until_s = min(now_s + share * max(0.0, self._deadline_s - now_s), now_s + seconds)
        part = Meter(self._clock, until_s, min(share * max(0.0, self._left), nodes))
        part._parent = self
        return part
