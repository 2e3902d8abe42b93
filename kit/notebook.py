"""One task, one call: what is behind `kit.solve`.

What it does: the same run as `submission.py`, with one task, in the calling process and a folder
that is removed afterwards. What it does not: handle signals, or end work that ignores its deadline;
a program that must end in time is `submission.py`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from kit.arc.files import Entry, load_tasks, parse_tasks
from kit.arc.grid import Grid
from kit.arc.task import Task
from kit.budget.clock import SystemClock
from kit.config import Config, ConfigError, make_config, parse_duration
from kit.interrupt import StopGuard
from kit.pipeline import Run, RunSetup
from kit.staff import check_model, check_sandbox, schedule, start_workers
from kit.submit.journal import Journal
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.observer import SilentObserver
from kit.submit.submission import SubmissionFile

# Options that have a short name on the command line have it here too.
_SHORT_NAMES = {"model": "solve.model", "format": "solve.format", "seed": "seed"}


def solve_task(
    task: Task | Mapping[str, object] | str | Path, budget: str, options: Mapping[str, object]
) -> list[tuple[Grid, Grid]]:
    """See `kit.solve`."""
    started_s = time.monotonic()
    config = _config(budget, options)
    asked = _as_task(task)
    if config.solve.legs != "search":
        check_model(config.solve.model)
    check_sandbox(config.programs)
    with tempfile.TemporaryDirectory(prefix="arc-ttt-kit-") as name:
        folder = Path(name)
        submission = SubmissionFile(folder / SUBMISSION_NAME, (asked,))
        _run(asked, config, submission, folder, started_s)
        return list(submission.answers[asked.task_id])


def _run(
    task: Task, config: Config, submission: SubmissionFile, folder: Path, started_s: float
) -> None:
    """The run; its answers are in `submission` afterwards.

    Raises:
        RuntimeError: no worker could be started, or the task failed without any answer.
    """
    stop_at_s = started_s + config.budget.stop_after_s()
    setup = RunSetup((task,), config, SystemClock(), started_s, stop_at_s)
    with (
        closing(Journal(folder / JOURNAL_NAME)) as journal,
        closing(start_workers(config, folder)) as executor,
    ):
        scheduler = schedule(config, (task,), stop_at_s)
        observer, guard = SilentObserver(), StopGuard()
        run = Run(setup, scheduler, executor, journal, submission, observer, guard)
        report = run.work()
    problems = [*report.problems, *report.failures.values()]
    if problems and not report.predictions:
        raise RuntimeError(problems[0])


def _config(budget: str, options: Mapping[str, object]) -> Config:
    """The options of a call; work happens in the calling process unless they say otherwise."""
    rest = dict(options)
    preset = str(rest.pop("preset", "cpu"))
    overrides = ["workers.executor=inline", f"budget.time_s={parse_duration(budget)!r}"]
    overrides += [f"{_SHORT_NAMES.get(key, key)}={_text(value)}" for key, value in rest.items()]
    return make_config(preset, overrides)


def _text(value: object) -> str:
    """An option's value as it is written on the command line."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)


def _as_task(task: Task | Mapping[str, object] | str | Path) -> Task:
    """The one task that was given.

    Raises:
        ValueError: it is none, or a file with several.
    """
    if isinstance(task, Task):
        return task
    if isinstance(task, Mapping):
        return parse_tasks([Entry("task", "the given task", dict(task))])["task"]
    found = load_tasks(task)
    if len(found.tasks) != 1:
        raise ConfigError(f"{task}: holds {len(found.tasks)} tasks; kit.solve takes one")
    return next(iter(found.tasks.values()))
