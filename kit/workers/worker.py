"""A place for one process of a pool, and what that is doing.

What it does not: start, end or watch it (`kit.workers.pool` does).
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.workers.job import Job
from kit.workers.process import Child


@dataclass(slots=True)
class Worker:
    """See the module docstring.

    Attributes:
        child: None until there is something to do after the last one ended.
        searches: it takes searches only.
        heard: it has given a sign of life.
        ready: it has opened its solver.
        silent_s: seconds without a sign of life.
        stalled_s: for which the solver had not asked the clock at the last sign.
        given_up: no process is started in this place any more.
    """

    index: int
    searches: bool = False
    child: Child | None = None
    heard: bool = False
    ready: bool = False
    silent_s: float = 0.0
    stalled_s: float = 0.0
    bad_starts: int = 0
    given_up: bool = False
    job: Job | None = None
