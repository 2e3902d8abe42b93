"""Solvers that misbehave on request, opened by real worker processes through their name."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kit.arc.candidate import Candidate
from kit.budget.clock import Clock
from kit.solve.work import Publish, WorkItem, WorkResult, discard

ANSWER = ((1, 2), (3, 4))


class ObedientSolver:
    """Does to each item what `settings["do"][task_id]` says; answers it where nothing is said."""

    def __init__(self, settings: Mapping[str, object], threads: int, scratch: Path) -> None:
        self._do = dict(settings.get("do", {}))  # type: ignore[call-overload]
        self._threads = threads
        self._scratch = scratch

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        """One candidate, or a disaster; of a batch one after the other."""
        self._clock = clock
        if item.batch:
            return self._solve_batch(item, clock, publish)
        task_id = item.task.task_id
        answer = Candidate(task_id, 0, ANSWER, "sample", "identity", -1.5, 7)
        result = WorkResult(
            task_id,
            item.plan,
            candidates=(answer,),
            stage_s={"sample": 0.25},
            counts={"threads": self._threads, "pid": os.getpid()},
        )
        action, _, argument = self._do.get(task_id, "answer").partition(" ")
        if action == "publish":
            publish(result)
            action, _, argument = argument.partition(" ")
        getattr(self, action)(argument)
        return result

    def _solve_batch(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        known = WorkResult(item.task.task_id, item.plan)
        for part in item.batch:
            done = self.solve(part, clock, discard)
            known = replace(known, batch=(*known.batch, done))
            publish(known)
        return known

    def answer(self, argument: str) -> None:
        """Nothing bad."""

    def shout(self, argument: str) -> None:
        """Print, from Python and from C."""
        print("to standard output")
        os.write(1, b"from a C library\n")

    def die(self, argument: str) -> None:
        """What the kernel's out-of-memory killer does."""
        os.kill(os.getpid(), signal.SIGKILL)

    def die_later(self, argument: str) -> None:
        """Die after so many seconds."""
        time.sleep(float(argument))
        self.die("")

    def die_once(self, argument: str) -> None:
        """Die unless the file named by the argument says it has happened."""
        if not Path(argument).exists():
            Path(argument).touch()
            self.die("")

    def freeze(self, argument: str) -> None:
        """Stop this process as a debugger does, unless the file named here is there."""
        if not Path(argument).exists():
            Path(argument).touch()
            os.kill(os.getpid(), signal.SIGSTOP)

    def stall_once(self, argument: str) -> None:
        """Hang without asking the clock, unless the file named by the argument is there."""
        if not Path(argument).exists():
            Path(argument).touch()
            time.sleep(60)

    def look_at_clock(self, argument: str) -> None:
        """Take long, as a loop that keeps its deadline does."""
        until_s = time.monotonic() + float(argument)
        while self._clock.now_s() < until_s:
            time.sleep(0.05)

    def sleep(self, argument: str) -> None:
        """Take long, deaf to the deadline."""
        time.sleep(float(argument))

    def hold_lock(self, argument: str) -> None:
        """Hang inside a library that keeps the interpreter lock."""
        ctypes.PyDLL(None).sleep(int(argument))

    def run_out(self, argument: str) -> None:
        """What numpy does when there is no memory."""
        raise MemoryError("cannot allocate 12 GiB")

    def break_gpu(self, argument: str) -> None:
        """What torch does once the process has harmed its CUDA context."""
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def fail(self, argument: str) -> None:
        """A mistake in the solver, with a message of two lines."""
        raise ValueError("no such thing\nmore about it")

    def close(self) -> None:
        """Nothing is held."""


def open_obedient(settings: Mapping[str, object], threads: int, scratch: Path) -> ObedientSolver:
    """The factory that tests name."""
    return ObedientSolver(settings, threads, scratch)


def open_missing_model(settings: Mapping[str, object], threads: int, scratch: Path) -> None:
    """A factory whose model is not there."""
    raise FileNotFoundError("model folder /nowhere: no such folder")


def open_and_die(settings: Mapping[str, object], threads: int, scratch: Path) -> None:
    """A model too large for the machine."""
    os.kill(os.getpid(), signal.SIGKILL)
