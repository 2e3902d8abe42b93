"""One run of `python -m kit bench faults`: drawn, started, harmed, resumed, looked at.

What it does: keeps the time and asks for looks at the right moments. What it does not: know how
faults strike (`bench_faults_kinds`) or how files are judged (`bench_faults_look`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.files import TaskSet
from kit.arc.seeds import python_rng
from kit.rank.choose import RankConfig
from kit.submit.lock import SUBMISSION_NAME
from kit.validate.bench_faults_kinds import Kind
from kit.validate.bench_faults_look import (
    Look,
    finished_tasks,
    forgotten_tasks,
    look_at,
    lost_tasks,
    rescued_file,
)
from kit.validate.bench_faults_strikes import Scene
from kit.validate.bench_victim import kill, start
from kit.validate.check import check_submission

LONG_EVERY, LONG_FACTOR = 10, 3.0
"""One run in so many may be so much longer."""

LEAST_RESUME_S = 4.0
"""With less time left a run is not resumed."""

END_S = 6.0
"""Faults strike no later than this before the end: a run stops to plan some seconds earlier."""

_STEP_S = 0.01


@dataclass(frozen=True, slots=True)
class Trial:
    """One run that will be made.

    Attributes:
        strike_s: seconds after its start at which the fault strikes.
    """

    number: int
    kind: Kind
    budget_s: float
    strike_s: float
    seed: int


def draw_trial(
    number: int, kinds: Sequence[Kind], range_s: tuple[float, float], seed: int
) -> Trial:
    """The run of a number: kinds in turn, so that few runs have all of them."""
    rng = python_rng(seed, "fault", number)
    kind = kinds[number % len(kinds)]
    budget_s = rng.uniform(*range_s)
    if number % LONG_EVERY == LONG_EVERY - 1:
        budget_s = rng.uniform(range_s[1], LONG_FACTOR * range_s[1])
    budget_s = round(budget_s, 1)
    earliest, latest = kind.when
    strike_s = rng.uniform(earliest * budget_s, min(latest * budget_s, budget_s - END_S))
    if kind.before_end_s is not None:
        strike_s = budget_s - kind.before_end_s
    return Trial(number, kind, budget_s, strike_s, seed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen of one run.

    Attributes:
        struck: there was something to harm when the fault came.
        first_s: age of the run when its submission was there.
        late_s: from the end of the budget to that of the run; negative for before.
        problems: of the submission, wherever it was looked at; and what else was wrong.
        finished: tasks with a result at the end.
        lost: tasks that lost something.
        code: exit code of the last start; None when it was not resumed.
    """

    trial: Trial
    struck: bool
    first_s: float
    late_s: float
    problems: tuple[str, ...]
    finished: int
    lost: tuple[str, ...]
    code: int | None
    notes: tuple[str, ...] = ()

    def is_right_code(self) -> bool:
        """Whether it ended as such a run may; 0 is right when nothing struck."""
        return (
            self.code is None
            or self.code in self.trial.kind.codes
            or (self.code == 0 and not self.struck)
        )

    def is_fine(self) -> bool:
        """Whether every promise was kept."""
        return self.late_s <= 0 and not self.problems and not self.lost and self.is_right_code()

    def line(self) -> str:
        """The run in one line."""
        trial = self.trial
        words = [
            f"{trial.number + 1}: {trial.kind.name} at {trial.strike_s:.1f} of {trial.budget_s} s",
            "" if self.struck else "nothing to harm",
            f"end {self.late_s:+.2f} s",
            f"first file {self.first_s:.2f} s",
            f"finished {self.finished}",
            f"exit code {self.code}",
            *self.problems,
            f"LOST {', '.join(self.lost)}" if self.lost else "",
            *self.notes,
        ]
        return ("ok   " if self.is_fine() else "BAD  ") + "; ".join(filter(None, words))


def run_trial(
    trial: Trial, command: Sequence[str], folder: Path, tasks: TaskSet, rank: RankConfig
) -> Outcome:
    """Make one run and look at it."""
    base = folder / f"run{trial.number}"
    base.mkdir(parents=True)
    rng = python_rng(trial.seed, "strike", trial.number)
    scene = Scene(base, base / "out", [*command, *trial.kind.options], rng)
    try:
        trial.kind.prepare(scene)
        return _Course(trial, scene, tasks, rank).follow()
    finally:
        if scene.victim is not None:
            kill(scene.victim, "group")
        trial.kind.heal(scene)


class _Course:
    """One run from its start to its end."""

    def __init__(self, trial: Trial, scene: Scene, tasks: TaskSet, rank: RankConfig) -> None:
        self._trial, self._scene, self._tasks, self._rank = trial, scene, tasks, rank
        self._problems = scene.problems
        self._lost: set[str] = set()
        self._first_s = float("inf")

    def follow(self) -> Outcome:
        """Start, harm, resume, look."""
        trial, scene = self._trial, self._scene
        self._start(trial.budget_s)
        end_s = scene.running().began_s + trial.budget_s
        runs_on = self._wait(trial.strike_s)
        before = look_at(scene.out, self._tasks)
        struck = trial.kind.strike(scene) if runs_on else False
        code: int | None = None
        if runs_on and trial.kind.ends:
            before = self._look_behind(before)
            code = self._resume(end_s)
        else:
            code, _ = scene.running().finish()
        late_s = time.monotonic() - end_s
        after = self._look_at_end(before, whole=code is not None)
        if trial.kind.shown_by is not None:
            struck = any(trial.kind.shown_by in why for why in after.failures())
        finished = len(finished_tasks(after))
        return Outcome(
            trial,
            struck,
            self._first_s,
            late_s,
            tuple(self._problems),
            finished,
            tuple(sorted(self._lost)),
            code,
            tuple(scene.notes),
        )

    def _start(self, budget_s: float) -> None:
        command = [*self._scene.command, f"budget.time_s={budget_s:.3f}"]
        variables = self._trial.kind.variables(self._scene)
        log = self._scene.base / "run.log"
        self._scene.victim = start(command, self._scene.out, log, variables)

    def _wait(self, age_s: float) -> bool:
        """Let the run become so old, and see when its file is there; False if it ended before."""
        victim, path = self._scene.running(), self._scene.out / SUBMISSION_NAME
        patient = self._trial.kind.after_file
        while victim.process.poll() is None:
            if self._first_s == float("inf") and path.exists():
                self._first_s = victim.running_s()
            if victim.running_s() >= age_s and (self._first_s < float("inf") or not patient):
                break
            time.sleep(_STEP_S)
        return victim.process.poll() is None

    def _look_behind(self, before: Look) -> Look:
        """Look right behind a fault that ended the run; what counts as being there from then on."""
        behind = look_at(self._scene.out, self._tasks)
        if behind.problem is not None and self._first_s < float("inf"):
            self._problems.append(f"behind the fault: {behind.problem}")
        if behind.records[: len(before.records)] == before.records:
            self._lost |= lost_tasks(before, behind)
        return behind

    def _resume(self, end_s: float) -> int | None:
        """Go on until the end of the first start's budget; the exit code."""
        left_s = end_s - time.monotonic()
        if left_s < LEAST_RESUME_S:
            return None
        self._start(left_s)
        return self._scene.running().finish()[0]

    def _look_at_end(self, before: Look, whole: bool) -> Look:
        """Look at what the run leaves.

        Args:
            whole: it came to its own end.
        """
        after = look_at(self._scene.out, self._tasks)
        if after.problem is not None:
            self._problems.append(f"at the end: {after.problem}")
        self._lost |= lost_tasks(before, after)
        if not self._trial.kind.writable:
            self._check_rescued()
        elif whole:
            self._lost |= forgotten_tasks(after, self._tasks, self._rank)
        return after

    def _check_rescued(self) -> None:
        """Look at the file with answers that did not fit where they belong."""
        path = rescued_file(self._scene.base / "run.log")
        if path is None:
            return
        problems = check_submission(path, self._tasks)
        self._problems += [f"rescued: {problem}" for problem in problems[:1]]
        self._scene.notes.append("newest answers rescued")
        path.unlink(missing_ok=True)
        path.parent.rmdir()
