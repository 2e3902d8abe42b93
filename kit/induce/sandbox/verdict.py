"""What the lines a program said and the way it ended amount to.

Everything is taken for possibly forged: a line counts when it bears the mark of this run, and a
grid when it is one.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from typing import Any

from kit.arc.grid import Grid, GridError, check_grid
from kit.induce.sandbox.limits import EXIT_MEMORY, MIB, Limits
from kit.induce.sandbox.outcome import Outcome, Status

_LONG = 0.5
"""The kernel limits processor time by counting ticks, which differs from the seconds it reports,
on a busy machine by much."""


@dataclass(frozen=True, slots=True)
class Account:
    """The child's account of one program, see `nursery`.

    Attributes:
        how: "hung up", "out of time" or "said too much".
        exit: exit code; the negative number of the signal that killed it.
    """

    said: str
    how: str
    exit: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Answer:
    """One line: a grid, or what went wrong instead."""

    grid: Grid | None
    fault: str = ""
    memory: bool = False
    loaded: bool = True


def judge(account: Account, mark: str, count: int, limits: Limits) -> Outcome:
    """The outcome of a program with `count` inputs that wrote `mark` before its answers."""
    lines = (text.partition(" ") for text in account.said.split("\n"))
    answers = [_read(line) for first, _, line in lines if first == mark]
    if len(answers) > max(count, 1):
        return Outcome("crashed", (None,) * count, "the program answered more than it was asked")
    outputs = tuple(answer.grid for answer in answers if answer.loaded)[:count]
    outputs += (None,) * (count - len(outputs))
    faults = [answer for answer in answers if answer.grid is None]
    if len(answers) < count and all(answer.loaded for answer in answers):
        ended, message = _early_end(account, limits)
        return Outcome(ended, outputs, message)
    if faults:
        status: Status = "memory" if any(fault.memory for fault in faults) else "error"
        return Outcome(status, outputs, faults[0].fault)
    return Outcome("ok", outputs, "")


def _read(line: str) -> _Answer:
    """One line of JSON, whatever it holds."""
    try:
        message: Any = json.loads(line)
        if "output" in message:
            return _Answer(check_grid(message["output"], "the output of transform"))
        loaded = "failed" not in message
        fault = str(message["error" if loaded else "failed"]) or "the program failed"
        return _Answer(None, fault, message["memory"] is True, loaded)
    except GridError as error:
        return _Answer(None, str(error))
    except (ValueError, TypeError, KeyError, RecursionError):
        return _Answer(None, "the program wrote an answer of its own that cannot be read")


def _early_end(account: Account, limits: Limits) -> tuple[Status, str]:
    """Why a program has not answered for every input."""
    if account.how == "out of time":
        return "timeout", f"the program took more than {limits.wall_s:g} s"
    if account.how == "said too much":
        return "error", f"the program answered more than {limits.output_bytes} bytes"
    if account.exit == EXIT_MEMORY:
        return "memory", f"the program used more than {limits.memory_bytes // MIB} MiB of memory"
    killed = account.exit == -signal.SIGKILL and account.cpu_s >= _LONG * limits.cpu_s
    if killed or account.exit == -signal.SIGXCPU:
        return "timeout", f"the program used more than {limits.cpu_s:g} s of processor time"
    if account.exit == -signal.SIGSEGV:
        return "crashed", "the interpreter crashed (recursion too deep, or memory misused)"
    if account.exit < 0:
        return "crashed", f"the program's process was killed by signal {-account.exit}"
    return "crashed", f"the program ended its process (exit code {account.exit})"
