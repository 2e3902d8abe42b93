"""`python -m kit check SUBMISSION`: whether the contest would accept a submission.

What it does: holds a file against its tasks: every id, one answer per test input, both attempts,
valid grids, nothing else. What it does not: need or look at solutions.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kit.arc.datasets import resolve_tasks
from kit.arc.exits import EXIT_REFUSED
from kit.arc.files import TaskSet
from kit.arc.json_file import TaskFileError, shown
from kit.submit.submission import SubmissionError
from kit.validate.answers import ReadSubmission, read_submission
from kit.validate.command import run_command

DESCRIPTION = "Check that the contest would accept a submission; no solutions needed."

MAX_PRINTED = 20
"""Problems printed one by one; a file for other tasks has hundreds of the same kind."""


def check_submission(path: Path | str, tasks: TaskSet) -> list[str]:
    """What is wrong with a submission, one line each; empty when nothing is.

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        found = read_submission(path)
    except SubmissionError as error:
        if not os.path.exists(path):
            raise FileNotFoundError(str(error)) from error
        return [str(error)]
    return [*found.problems, *_misfits(path, found, tasks)]


def _misfits(path: Path | str, found: ReadSubmission, tasks: TaskSet) -> list[str]:
    """Ids and counts that are not those of the tasks."""
    problems = []
    for task_id, task in tasks.tasks.items():
        count = found.counts.get(task_id)
        if count is None:
            problems.append(f"{path}: task {task_id}: missing")
        elif count and count != len(task.test):
            problems.append(
                f"{path}: task {task_id}: {count} answers for {len(task.test)} test inputs"
            )
    extra = [task_id for task_id in found.counts if task_id not in tasks.tasks]
    return problems + [f"{path}: task {shown(name)}: not one of the tasks" for name in extra]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit check`."""
    parser.add_argument("submission", metavar="SUBMISSION", type=Path, help="a submission.json")
    parser.add_argument(
        "--tasks",
        metavar="WHAT",
        help="the tasks to be answered: a set's name, file or folder (default: as for a run)",
    )


def run(args: argparse.Namespace) -> int:
    """Print what is wrong; the exit code: 0 fine, 1 problems found, 2 bad input."""
    try:
        tasks = resolve_tasks(args.tasks)
        problems = check_submission(args.submission, tasks)
    except (TaskFileError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    for problem in problems[:MAX_PRINTED]:
        print(problem)
    if len(problems) > MAX_PRINTED:
        print(f"and {len(problems) - MAX_PRINTED} more")
    size = f"{len(tasks.tasks)} tasks, {tasks.num_tests} test inputs of {tasks.source}"
    print(f"{len(problems)} problems with {size}" if problems else f"fits: {size}")
    return 1 if problems else 0


def main(argv: Sequence[str]) -> int:
    """`python -m kit check` with these arguments; the exit code."""
    return run_command("check", DESCRIPTION, add_arguments, run, argv)
