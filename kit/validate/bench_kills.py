"""`python -m kit bench kills`: kill -9 at random moments, and see what is left.

A run of a few small tasks with `budget.unit=work` is killed again and again: its whole process
group, its parent alone, or one of its workers. After every kill the submission must be valid and
hold every answer that was final before. Then --resume must end with the answers of a run that
nobody disturbed, and the next run begins.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kit.arc.datasets import load_dataset
from kit.arc.files import TaskSet, load_tasks
from kit.arc.seeds import python_rng
from kit.arc.task import task_content
from kit.validate.bench_report import BenchSettings, Machine, Report, Table
from kit.validate.bench_tasks import SOURCE, smallest_first
from kit.validate.bench_victim import (
    VICTIMS,
    Look,
    Victim,
    answers_in,
    kill,
    look_at,
    start,
    wait_until,
)

PROGRAM = Path(__file__).resolve().parents[2] / "submission.py"
FIRST_FILE_S = 2.0
"""A run may be this old before its submission has to be there."""

MOST_S = 3600
"""Wall time that a run is given: more than any needs."""

LATEST_SHARE = 0.9
"""Kills come at most this far into the time of an undisturbed run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--times", type=int, default=10, help="kills (default: 10)")
    add("--tasks", type=int, default=6, help="smallest training tasks to work on (default: 6)")
    add("--workers", type=int, default=2, help="worker processes of a run (default: 2)")
    add("--keep", type=Path, help="folder for the runs, kept (default: a temporary one)")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Kill, look, resume, compare.

    Raises:
        ValueError: options that leave nothing to do, or the undisturbed run fails.
    """
    if min(args.times, args.tasks, args.workers) < 1:
        raise ValueError("--times, --tasks and --workers must be 1 or more")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.keep or Path(temporary)).resolve()
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"--keep {folder}: must be an empty or a new folder")
        tasks = write_tasks(folder / "tasks", args.tasks)
        options = [
            *settings.options,
            f"seed={settings.seed}",
            "budget.unit=work",
            "budget.rounds=1",
            f"budget.time_s={MOST_S}",
            f"workers.count={args.workers}",
            "workers.threads=1",
        ]
        command = [sys.executable, str(PROGRAM), "--tasks", str(folder / "tasks"), *options]
        return hammer(command, folder, tasks, args.times, settings.seed)


def write_tasks(folder: Path, count: int) -> TaskSet:
    """The smallest training tasks, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for task in smallest_first(tuple(load_dataset(SOURCE).tasks.values()))[:count]:
        path = folder / f"{task.task_id}.json"
        path.write_text(json.dumps(task_content(task)), encoding="utf-8")
    return load_tasks(folder)


def hammer(command: Sequence[str], folder: Path, tasks: TaskSet, times: int, seed: int) -> Report:
    """Kill runs of `command` `times` times.

    Args:
        command: a run with unit "work"; `--out` and `--resume` are added.
        folder: for the runs.
    Raises:
        ValueError: the undisturbed run fails.
    """
    calm = start(command, folder / "calm")
    code, calm_s = calm.finish()
    if code != 0:
        raise ValueError(f"the undisturbed run failed with exit code {code}: {calm.last_words()}")
    final = answers_in(folder / "calm")
    chains = _Chains(command, folder, tasks, final, calm_s)
    rng = python_rng(seed, "faults")
    try:
        while len(chains.looks) < times:
            # The kinds take turns, so that few kills still have all of them.
            kind = VICTIMS[len(chains.looks) % len(VICTIMS)]
            chains.kill_once(kind, rng.uniform(0.0, LATEST_SHARE * chains.span_s))
        chains.finish()
    finally:
        chains.stop()
    return chains.report(calm_s)


class _Chains:
    """Runs that are killed and resumed until they are done, one folder after another.

    Attributes:
        span_s: of the quickest run that nothing happened to; the first one loads cold files.
        looks: (run, its age at the kill, what was killed, what was left) of every kill.
        ends: (kills so far, exit code, whether the answers are equal) of every run.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        tasks: TaskSet,
        final: dict[str, object],
        span_s: float,
    ) -> None:
        self._command, self._folder = command, folder
        self._tasks, self._final = tasks, final
        self._victim: Victim | None = None
        self._safe: set[str] = set()
        self.span_s = span_s
        self.looks: list[tuple[int, float, str, Look]] = []
        self.ends: list[tuple[int, int, bool]] = []

    def kill_once(self, kind: str, after_s: float) -> None:
        """Kill something `after_s` seconds from the start of the run, or from now in one that
        goes on; a run that is done by then is compared instead."""
        if self._victim is None:
            self._victim = start(self._command, self._out())
        victim = self._victim
        begun = victim.running_s()
        if not wait_until(victim, begun + after_s):
            self._end(victim)
            return
        at_s = victim.running_s()
        killed = kill(victim, kind)
        if killed != "worker":
            self._victim = None
        look = look_at(self._out(), self._tasks, self._final, self._safe)
        self._safe |= look.final
        self.looks.append((len(self.ends), at_s, killed, look))

    def finish(self) -> None:
        """Let the last run come to its end."""
        self._end(self._victim or start(self._command, self._out()))

    def stop(self) -> None:
        """Leave nothing running, also after an interrupt."""
        if self._victim is not None:
            kill(self._victim, "group")

    def _out(self) -> Path:
        return self._folder / f"run{len(self.ends)}"

    def _end(self, victim: Victim) -> None:
        """Wait for a run, resume it until it has done what a killed worker left undone, compare."""
        kills_before = self.ends[-1][0] if self.ends else 0
        code, took_s = victim.finish()
        if len(self.looks) == kills_before:
            self.span_s = min(self.span_s, took_s)
        if code == 0 and answers_in(self._out()) != self._final:
            code, _ = start(self._command, self._out()).finish()
        equal = answers_in(self._out()) == self._final
        self.ends.append((len(self.looks), code, equal))
        self._victim, self._safe = None, set()

    def report(self, calm_s: float) -> Report:
        """What was killed and what was left."""
        rows = [
            [
                str(number),
                f"{run_}",
                f"{at_s:.2f} s",
                killed,
                look.verdict,
                f"{len(look.final)} of {len(self._final)}",
                "all" if not look.lost else f"lost {', '.join(sorted(look.lost))}",
            ]
            for number, (run_, at_s, killed, look) in enumerate(self.looks, 1)
        ]
        bad = [look for _, at_s, _, look in self.looks if not _is_fine(look, at_s)]
        unequal = [end for end in self.ends if end[1:] != (0, True)]
        ends = [
            [str(n), str(kills), str(code), "equal" if equal else "DIFFERENT"]
            for n, (kills, code, equal) in enumerate(self.ends)
        ]
        return Report(
            tables=(
                Table(
                    f"{len(self.looks)} kills; an undisturbed run takes {calm_s:.1f} s",
                    ("kill", "run", "moment", "killed", "submission", "final", "answers kept"),
                    rows,
                ),
                Table(
                    "runs resumed to their end, beside the undisturbed one",
                    ("run", "kills before", "exit code", "answers"),
                    ends,
                ),
            ),
            data={
                "calm_s": calm_s,
                "kills": [
                    {
                        "run": r,
                        "at_s": t,
                        "killed": k,
                        "verdict": look.verdict,
                        "final": len(look.final),
                        "lost": sorted(look.lost),
                    }
                    for r, t, k, look in self.looks
                ],
                "ends": [{"exit_code": code, "equal": equal} for _, code, equal in self.ends],
            },
            notes=(
                f"{len(self.looks) - len(bad)} of {len(self.looks)} times all was well; "
                f"{len(self.ends) - len(unequal)} of {len(self.ends)} runs ended equal",
            ),
            failed=bool(bad or unequal),
        )


def _is_fine(look: Look, at_s: float) -> bool:
    if look.verdict == "not yet":
        return at_s < FIRST_FILE_S
    return look.verdict == "valid" and not look.lost
