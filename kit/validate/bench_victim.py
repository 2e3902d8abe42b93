"""A run in a process group of its own, how to kill parts of it, and how to look at what is left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.files import TaskSet
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.records import last_predictions, last_results
from kit.validate.answers import load_submission
from kit.validate.check import check_submission

VICTIMS = ("group", "worker", "parent")

_POLL_S = 0.01
_END_S = 1800.0
_ORPHANS_S = 15.0


@dataclass(frozen=True, slots=True)
class Victim:
    """A running program; its process id is that of its group."""

    process: subprocess.Popen[bytes]
    log: Path
    began_s: float

    def running_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.began_s

    def finish(self) -> tuple[int, float]:
        """Wait for its end: exit code, seconds in all.

        Raises:
            TimeoutError: it does not end; it is killed.
        """
        try:
            code = self.process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired as error:
            kill(self, "group")
            raise TimeoutError(f"the run did not end within {_END_S:.0f} s") from error
        return code, self.running_s()

    def last_words(self) -> str:
        """The last line it printed."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"


def start(
    command: Sequence[str],
    out: Path,
    log: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Victim:
    """The command with --resume in folder `out`.

    Args:
        log: for what it prints; None for the folder's name with ".log".
        variables: of its environment, besides those of this process.
    """
    out.mkdir(parents=True, exist_ok=True)
    log = log or out.with_suffix(".log")
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*command, "--out", str(out), "--resume"],
            cwd=out.parent,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            env={**os.environ, **(variables or {})},
        )
    return Victim(process, log, time.monotonic())


def wait_until(victim: Victim, age_s: float) -> bool:
    """Wait until the run is `age_s` seconds old; False if it ended before."""
    while victim.running_s() < age_s:
        if victim.process.poll() is not None:
            return False
        time.sleep(_POLL_S)
    return victim.process.poll() is None


def kill(victim: Victim, kind: str) -> str:
    """kill -9; what was really killed: without a worker yet it is the parent."""
    pid = victim.process.pid
    workers = children_of(pid) if kind == "worker" else []
    if workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(workers[-1], signal.SIGKILL)
        return "worker"
    if kind == "group":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    else:
        victim.process.kill()
    victim.process.wait()
    _wait_for_orphans(pid)
    return "group" if kind == "group" else "parent"


def children_of(pid: int) -> list[int]:
    """Processes whose parent is `pid`; none where the system has no /proc."""
    return sorted(found for found, parent, _ in _processes() if parent == pid)


def _processes() -> Iterator[tuple[int, int, int]]:
    """(process, its parent, its group) of all that live; zombies do not."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name in parentheses may hold anything; state, parent and group follow it.
            after = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if after[0] != "Z":
                yield int(path.parent.name), int(after[1]), int(after[2])


def _wait_for_orphans(group: int) -> None:
    """Workers notice that their parent is gone; those that do not are killed.

    Raises:
        TimeoutError: some had to be killed.
    """
    end_s = time.monotonic() + _ORPHANS_S
    while time.monotonic() < end_s:
        if all(own_group != group for _, _, own_group in _processes()):
            return
        time.sleep(_POLL_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    raise TimeoutError(f"workers outlived their parent by {_ORPHANS_S:.0f} s")


@dataclass(frozen=True, slots=True)
class Look:
    """What is left after a kill.

    Attributes:
        verdict: "valid", "not yet" (no file), or the first thing that is wrong with it.
        final: tasks that are done in the journal, with their final answers in the file.
        lost: tasks that were final before and are not any more.
    """

    verdict: str
    final: frozenset[str]
    lost: frozenset[str]


def answers_in(out: Path) -> dict[str, object]:
    """Task id -> attempts in a run's submission."""
    return dict(load_submission(out / SUBMISSION_NAME))


def look_at(out: Path, tasks: TaskSet, final: Mapping[str, object], safe: set[str]) -> Look:
    """Check a run's files.

    Args:
        final: the answers of an undisturbed run.
        safe: tasks that were final at an earlier look.
    """
    path = out / SUBMISSION_NAME
    if not path.exists():
        return Look("not yet", frozenset(), frozenset(safe))
    problems = check_submission(path, tasks)
    if problems:
        return Look(problems[0], frozenset(), frozenset(safe))
    held = answers_in(out)
    equal = {task_id for task_id, attempts in final.items() if held.get(task_id) == attempts}
    return Look("valid", frozenset(equal & _done(out)), frozenset(safe - equal))


def _done(out: Path) -> set[str]:
    """Tasks with a whole result and a prediction in the journal."""
    records = replay(out / JOURNAL_NAME).records
    predicted = {prediction.task_id for prediction in last_predictions(records)}
    whole = {r.task_id for r in last_results(records) if not r.cut and r.failure is None}
    return whole & predicted
