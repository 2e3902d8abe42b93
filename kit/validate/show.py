"""`python -m kit show TASK`: a task in the terminal, with answers beside the truth.

What it does: draws demonstrations and test inputs; attempts of a submission and the solution
where they are there, and says what is right; prints the programs that a run found for them. TASK
is an id or a file with one task.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from kit.arc.datasets import DATASETS, load_dataset, resolve_tasks
from kit.arc.exits import EXIT_REFUSED
from kit.arc.files import TaskSet
from kit.arc.grid import Grid, shape
from kit.arc.json_file import TaskFileError
from kit.arc.solutions import resolve_solutions
from kit.arc.task import Pair, Task
from kit.submit.journal import JournalError
from kit.submit.lock import SUBMISSION_NAME
from kit.submit.submission import ATTEMPTS, Attempts, SubmissionError
from kit.validate.answers import read_submission
from kit.validate.command import run_command
from kit.validate.found_programs import programs_text, read_pool
from kit.validate.terminal import (
    Block,
    above,
    flow,
    grid_block,
    text_block,
    to_text,
    use_colour,
)

DESCRIPTION = "Show a task in the terminal, with answers beside the truth where they are known."

DEFAULT_SUBMISSION = Path("submission.json")
DEFAULT_RUN = Path("runs/latest")

_DEFAULT_COLUMNS = 100  # where the output is no terminal
_GAP = 4


def show_task(
    task: Task,
    answers: Sequence[Attempts] | None = None,
    solution: Sequence[Grid] | None = None,
    *,
    colour: bool = False,
    columns: int = _DEFAULT_COLUMNS,
) -> str:
    """A task as text.

    Args:
        answers: two attempts per test input, if there is a submission.
        solution: one output per test input, if it is known.
        columns: what is wider is put below each other where that is possible.
    """
    pairs = [_demonstration(index, pair, colour, columns) for index, pair in enumerate(task.train)]
    tests = [
        _test(
            f"test {index + 1}",
            grid,
            answers[index] if answers else (),
            solution[index] if solution else None,
            colour,
            columns,
        )
        for index, grid in enumerate(task.test)
    ]
    head = text_block(f"task {task.task_id}", "")
    parts = [head, flow(pairs, columns, 2 * _GAP)]
    for test in tests:
        parts += [text_block(""), test]
    return to_text(above(parts))


def verdict(attempt: Grid, solution: Grid | None) -> str:
    """What to say about an attempt: "" when the solution is not known."""
    if solution is None:
        return ""
    if attempt == solution:
        return "right"
    if shape(attempt) != shape(solution):
        return "wrong size"
    rows = zip(attempt, solution, strict=True)
    wrong = sum(a != b for row, other in rows for a, b in zip(row, other, strict=True))
    return f"wrong in {wrong} of {len(solution) * len(solution[0])} cells"


def _demonstration(index: int, pair: Pair, colour: bool, columns: int) -> Block:
    """One demonstration under its number."""
    grids = [_titled("input", pair.input, colour), _titled("output", pair.output, colour)]
    return above([text_block(f"demonstration {index + 1}"), flow(grids, columns, _GAP)])


def _test(
    title: str,
    grid: Grid,
    attempts: Sequence[Grid],
    solution: Grid | None,
    colour: bool,
    columns: int,
) -> Block:
    """One test input with what is known about its output."""
    blocks = [_titled("input", grid, colour)]
    for name, attempt in zip(ATTEMPTS, attempts, strict=False):
        said = verdict(attempt, solution)
        label = name.replace("_", " ") + (f": {said}," if said else "")
        blocks.append(_titled(label, attempt, colour))
    if solution is not None:
        blocks.append(_titled("solution", solution, colour))
    if attempts and solution is not None:
        title += ": solved" if solution in attempts else ": not solved"
    return above([text_block(title), flow(blocks, columns, _GAP)])


def _titled(title: str, grid: Grid, colour: bool) -> Block:
    """A grid under its title and size."""
    height, width = shape(grid)
    return above([text_block(f"{title} {height}x{width}"), grid_block(grid, colour)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit show`."""
    parser.add_argument("task", metavar="TASK", help="a task's id, or a file with one task")
    parser.add_argument("--tasks", metavar="WHAT", help="where the id is looked up (default: all)")
    parser.add_argument(
        "--submission",
        metavar="FILE",
        type=Path,
        help=f"answers to show (default: {DEFAULT_SUBMISSION} in this folder, if it has the task)",
    )
    parser.add_argument(
        "--run",
        metavar="DIR",
        type=Path,
        help=f"run whose answers and programs are shown (default: the programs of {DEFAULT_RUN})",
    )
    parser.add_argument("--solutions", metavar="PATH", help="the truth (default: as far as known)")
    parser.add_argument(
        "--colour",
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours or digits (default: colours in a terminal, unless NO_COLOR is set)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the task; the exit code: 0, or 2 for bad input."""
    try:
        tasks, task = find_task(args.task, args.tasks)
        answers, answers_from = _find_answers(_submission_of(args), task)
        solutions = resolve_solutions(args.solutions, tasks)
        programs = ""
        if answers:
            programs = programs_text(read_pool(args.run or DEFAULT_RUN, task.task_id), answers)
    except (TaskFileError, SubmissionError, JournalError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    solution = solutions.get(task.task_id) if solutions else None
    text = show_task(
        task,
        answers,
        solution,
        colour=use_colour(sys.stdout, args.colour),
        columns=shutil.get_terminal_size((_DEFAULT_COLUMNS, 24)).columns,
    )
    print(text)
    if programs:
        print(f"\n{programs}")
    print(f"\nfrom {tasks.source}" + (f", answers from {answers_from}" if answers else ""))
    return 0


def _submission_of(args: argparse.Namespace) -> Path | None:
    """The file whose answers are shown: the one that was named, else the named run's own."""
    if args.submission is None and args.run is not None:
        own = args.run / SUBMISSION_NAME
        return own if own.is_file() else None
    return args.submission


def main(argv: Sequence[str]) -> int:
    """`python -m kit show` with these arguments; the exit code."""
    return run_command("show", DESCRIPTION, add_arguments, run, argv)


def find_task(word: str, spec: str | None) -> tuple[TaskSet, Task]:
    """The task that a word names, and the set that it is from.

    Args:
        word: id of a task, or path of a file or folder with a single task.
        spec: set, file or folder to look the id up in; None for those a run would use, then all.
    Raises:
        TaskFileError: no such task, or a file with several.
    """
    if spec is not None:
        tasks = resolve_tasks(spec)
        return tasks, tasks.pick([word])[0]
    if word.lower().endswith(".json") or os.sep in word or os.path.isfile(word):
        tasks = resolve_tasks(word)
        if len(tasks.tasks) > 1:
            raise TaskFileError(
                f"{word}: holds {len(tasks.tasks)} tasks; say which: show ID --tasks {word}"
            )
        return tasks, next(iter(tasks.tasks.values()))
    first = resolve_tasks(None)
    if word in first.tasks:
        return first, first.tasks[word]
    for name in DATASETS:
        tasks = first if name == first.dataset else load_dataset(name)
        if word in tasks.tasks:
            return tasks, tasks.tasks[word]
    raise TaskFileError(
        f"{word!r}: no such file, and no task of {', '.join(DATASETS)} has this id; "
        "--tasks says where else to look"
    )


def _find_answers(given: Path | None, task: Task) -> tuple[Sequence[Attempts] | None, Path]:
    """The answers to a task and the file that they are in.

    Raises:
        SubmissionError: the given file has no proper answers to it; a file that was not asked
            for is then passed over.
    """
    path = given or DEFAULT_SUBMISSION
    if given is None and not os.path.exists(path):
        return None, path
    try:
        return _answers_in(path, task), path
    except SubmissionError as error:
        if given is not None:
            raise
        print(f"no answers shown: {error}", file=sys.stderr)
        return None, path


def _answers_in(path: Path, task: Task) -> Sequence[Attempts]:
    """The answers to a task in a submission."""
    found = read_submission(path)
    where = f"{path}: task {task.task_id}"
    if task.task_id not in found.counts:
        raise SubmissionError(f"{where}: not in this submission")
    if task.task_id not in found.answers:
        own = (line for line in found.problems if line.startswith((f"{where}:", f"{where} ")))
        raise SubmissionError(next(own))
    answers = found.answers[task.task_id]
    if len(answers) != len(task.test):
        raise SubmissionError(f"{where}: {len(answers)} answers for {len(task.test)} test inputs")
    return answers
