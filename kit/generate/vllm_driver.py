"""Requests that run side by side in one engine until they are done or the deadline comes.

Knows neither grammars nor vLLM. Several calls may be open at once (a caller that reads two
iterators in turn): what a step brings goes to whichever call asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from kit.budget.clock import Deadline
from kit.generate.vllm_engine import Ask, Engine, Piece


class Job(Protocol):
    """Something that needs one request of the engine, or several one after another.

    Attributes:
        done: nothing more is needed.
    """

    done: bool

    def ask(self) -> Ask:
        """The next request; not called when `done`."""
        ...

    def take(self, piece: Piece) -> bool:
        """Use what a step brought; True if the request is of no more use (though the job may
        need another one)."""
        ...


_Job = TypeVar("_Job", bound=Job)


class Driver:
    """Runs jobs on one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: dict[str, Job] = {}
        self._count = 0

    def run(self, jobs: Sequence[_Job], deadline: Deadline) -> Iterator[_Job]:
        """Jobs as they get done; returns at the deadline, the others aborted where they are."""
        waiting = [job for job in jobs if not job.done]
        yield from (job for job in jobs if job.done)
        if not waiting or deadline.passed():
            return
        try:
            for job in waiting:
                self._submit(job)
            while waiting and not deadline.passed():
                self._step()
                yield from (job for job in waiting if job.done)
                waiting = [job for job in waiting if not job.done]
        finally:
            self._abort(waiting)

    def _submit(self, job: Job) -> None:
        self._count += 1
        name = str(self._count)
        self._engine.submit(name, job.ask())
        self._running[name] = job

    def _step(self) -> None:
        for piece in self._engine.step():
            job = self._running.get(piece.name)
            if job is None:
                continue
            spent = job.take(piece)
            if spent or piece.ended or job.done:
                del self._running[piece.name]
                if not piece.ended:
                    self._engine.abort([piece.name])
                if not job.done:
                    self._submit(job)

    def _abort(self, jobs: Sequence[Job]) -> None:
        mine = {id(job) for job in jobs}
        names = [name for name, job in self._running.items() if id(job) in mine]
        if names:
            self._engine.abort(names)
        for name in names:
            del self._running[name]
