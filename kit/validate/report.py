"""`python -m kit report RUN`: a run as one HTML file that opens anywhere, without a network.

What it does: reads a run folder (also of a run that is going on or died), finds the tasks that it
was started with and, unless told not to, their solutions; writes the page.
What it does not: change the run folder otherwise, or call anything solved without solutions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.arc.datasets import DATASETS, resolve_tasks
from kit.arc.exits import EXIT_REFUSED
from kit.arc.files import TaskSet
from kit.arc.json_file import TaskFileError
from kit.arc.solutions import resolve_solutions
from kit.arc.task import Solutions
from kit.arc.whole_file import replace_file
from kit.submit.journal import JournalError, replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.records import task_digest
from kit.submit.submission import SubmissionError
from kit.validate.answers import Answers, read_submission
from kit.validate.command import run_command
from kit.validate.report_journal import RunStory, read_story
from kit.validate.report_page import page
from kit.validate.report_tasks import RunView, Subject, view_run

DESCRIPTION = "Write a run as one HTML file: score, cost, and every task with its proposals."

REPORT_NAME = "report.html"
NO_SOLUTIONS = "none"


def read_run(folder: Path) -> RunStory:
    """The story of a run folder.

    Raises:
        TaskFileError: there is no journal in it.
        JournalError: the journal is of another version.
        OSError: it cannot be read.
    """
    path = folder / JOURNAL_NAME
    if not path.is_file():
        raise TaskFileError(f"{folder}: no run in it: there is no {JOURNAL_NAME}")
    found = replay(path)
    return read_story(found.records, found.torn_bytes)


def find_tasks(spec: str | None, story: RunStory) -> tuple[TaskSet | None, list[str]]:
    """The tasks that a run was started with, and remarks for people.

    Args:
        spec: where they are; None to look for them among all sets that a run finds by itself.
    Raises:
        TaskFileError: `spec` is given and no such tasks are there.
    """
    digests = [start.get("tasks") for start in story.starts]
    wanted = digests[-1] if digests else None
    if spec is not None:
        tasks = resolve_tasks(spec)
        if wanted in (None, task_digest(tuple(tasks.tasks.values()))):
            return tasks, []
        return tasks, [f"the run was started with other tasks than {tasks.source} holds now"]
    for tasks in _known_sets() if wanted is not None else ():
        if task_digest(tuple(tasks.tasks.values())) == wanted:
            return tasks, []
    if wanted is None:
        return None, []
    return None, [
        "the tasks that the run was started with are not among the sets known here, so there are "
        "no demonstrations and no score; --tasks says where they are"
    ]


def _known_sets() -> Iterator[TaskSet]:
    """The sets that a run may have found by itself, as far as they are installed."""
    for name in (None, *DATASETS):
        try:
            yield resolve_tasks(name)
        except TaskFileError as error:
            print(f"note: not looked into: {error}", file=sys.stderr)


def find_subject(
    folder: Path, tasks_spec: str | None = None, solutions_spec: str | None = None
) -> Subject:
    """Everything that a report of a run folder is made from.

    Args:
        solutions_spec: "none" for a report without; None for those that belong to the tasks.
    Raises:
        TaskFileError, JournalError, OSError: something that was asked for cannot be used.
    """
    story = read_run(folder)
    tasks, remarks = find_tasks(tasks_spec, story)
    guesses, more = _submission(folder / SUBMISSION_NAME)
    return Subject(
        name=str(folder),
        story=story,
        tasks=tasks,
        solutions=_solutions(solutions_spec, tasks),
        guesses=guesses,
        problems=(*remarks, *more),
    )


def _solutions(spec: str | None, tasks: TaskSet | None) -> Solutions | None:
    """The solutions to compare with."""
    if spec == NO_SOLUTIONS or (tasks is None and spec is None):
        return None
    if tasks is None:
        raise TaskFileError("--solutions: the run's tasks are not known; give --tasks as well")
    return resolve_solutions(spec, tasks)


def _submission(path: Path) -> tuple[Answers, list[str]]:
    """The run's own submission, which answers the tasks that were not tried; often elsewhere."""
    if not path.is_file():
        return {}, []
    try:
        return read_submission(path).answers, []
    except SubmissionError as error:
        return {}, [f"{SUBMISSION_NAME} was left out: {error}"]


def write_report(view: RunView, out: Path) -> int:
    """Write the page; its size in bytes.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    content = page(view).encode("utf-8")
    replace_file(out, content)
    return len(content)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit report`."""
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run, e.g. runs/latest")
    parser.add_argument(
        "--solutions",
        metavar="WHAT",
        help="a set's name, file or folder, or none (default: those that belong to the tasks)",
    )
    parser.add_argument(
        "--tasks", metavar="WHAT", help="what the run was started with (default: found by itself)"
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help=f"where it goes (default: RUN/{REPORT_NAME})"
    )


def run(args: argparse.Namespace) -> int:
    """Write the report; the exit code: 0, or 2 for bad input."""
    out = args.out or args.run / REPORT_NAME
    try:
        view = view_run(find_subject(args.run, args.tasks, args.solutions))
        size = write_report(view, out)
    except (TaskFileError, JournalError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except OSError as error:
        print(f"error: {error.filename or out}: {error.strerror}", file=sys.stderr)
        return EXIT_REFUSED
    for problem in view.problems:
        print(f"note: {problem}", file=sys.stderr)
    print(f"{len(view.tasks)} tasks in {out} ({size / 2**20:.1f} MiB)")
    return 0


def main(argv: Sequence[str]) -> int:
    """`python -m kit report` with these arguments; the exit code."""
    return run_command("report", DESCRIPTION, add_arguments, run, argv)
