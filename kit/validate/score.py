"""`python -m kit score SUBMISSION`: how many test outputs a submission has right.

What it does: counts like the contest: an output is solved when one of its two attempts equals it
in every cell; a task is worth the share of its outputs that are solved; the score is the mean
over tasks. The strict count (tasks with every output solved) stands beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.arc.datasets import dataset_name, resolve_tasks
from kit.arc.exits import EXIT_REFUSED
from kit.arc.json_file import TaskFileError
from kit.arc.solutions import dataset_solutions, load_solutions, resolve_solutions
from kit.arc.task import Solutions
from kit.submit.submission import SubmissionError
from kit.validate.answers import Answers, load_submission
from kit.validate.command import run_command

DESCRIPTION = "Score a submission against solutions, as the contest does."


@dataclass(frozen=True, slots=True)
class TaskScore:
    """What one task got.

    Attributes:
        solved: one flag per test output, in order.
        answered: False when the submission lacks the task.
    """

    task_id: str
    solved: tuple[bool, ...]
    answered: bool = True

    @property
    def share(self) -> float:
        """Solved outputs over outputs, 0..1."""
        return sum(self.solved) / len(self.solved)


@dataclass(frozen=True, slots=True)
class Score:
    """What a submission got.

    Attributes:
        tasks: one score per task with solutions, in their order.
    """

    tasks: tuple[TaskScore, ...]

    @property
    def mean(self) -> float:
        """The contest's score: the mean of the tasks' shares, 0..1."""
        return sum(task.share for task in self.tasks) / len(self.tasks)

    @property
    def points(self) -> float:
        """The sum of the tasks' shares."""
        return sum(task.share for task in self.tasks)

    @property
    def strict(self) -> int:
        """Tasks of which every output is solved."""
        return sum(all(task.solved) for task in self.tasks)

    @property
    def outputs_solved(self) -> int:
        """Solved outputs of all tasks."""
        return sum(sum(task.solved) for task in self.tasks)

    @property
    def num_outputs(self) -> int:
        """Outputs of all tasks."""
        return sum(len(task.solved) for task in self.tasks)


def score(answers: Answers, solutions: Solutions, source: str = "the submission") -> Score:
    """The score of answers against solutions; a task that was not answered counts as unsolved.

    Args:
        source: where the answers are from, for messages.
    Raises:
        SubmissionError: another number of answers than of outputs, or no task in common.
        ValueError: there are no solutions.
    """
    if not solutions:
        raise ValueError("there are no solutions to score against")
    if not any(task_id in answers for task_id in solutions):
        raise SubmissionError(
            f"{source}: has none of the {len(solutions)} tasks with solutions; "
            f"its first is {next(iter(answers), 'missing')}, theirs is {next(iter(solutions))}"
        )
    for task_id, outputs in solutions.items():
        count = len(answers.get(task_id, outputs))
        if count != len(outputs):
            raise SubmissionError(
                f"{source}: task {task_id}: {count} answers for {len(outputs)} outputs"
            )
    return Score(tuple(_task_score(task_id, answers, solutions) for task_id in solutions))


def _task_score(task_id: str, answers: Answers, solutions: Solutions) -> TaskScore:
    """The score of one task."""
    outputs = solutions[task_id]
    if task_id not in answers:
        return TaskScore(task_id, (False,) * len(outputs), answered=False)
    given = answers[task_id]
    pairs = zip(outputs, given, strict=True)
    return TaskScore(task_id, tuple(output in attempts for output, attempts in pairs))


def to_json(result: Score) -> dict[str, Any]:
    """The score as JSON values."""
    return {
        "score": result.mean,
        "points": result.points,
        "tasks": len(result.tasks),
        "strict": result.strict,
        "outputs_solved": result.outputs_solved,
        "outputs": result.num_outputs,
        "unanswered": [task.task_id for task in result.tasks if not task.answered],
        "solved": {task.task_id: list(task.solved) for task in result.tasks if any(task.solved)},
    }


def report(result: Score) -> str:
    """The score as a short table."""
    num_tasks = len(result.tasks)
    solved = [task.task_id for task in result.tasks if any(task.solved)]
    missing = [task.task_id for task in result.tasks if not task.answered]
    rows = [
        ("score (Kaggle's)", f"{result.points:.2f} of {num_tasks} = {result.mean:.2%}"),
        ("solved whole", f"{result.strict} of {num_tasks} tasks"),
        ("outputs solved", f"{result.outputs_solved} of {result.num_outputs}"),
    ]
    if solved:
        rows.append(("solved", _listed(solved)))
    if missing:
        rows.append(("not answered", f"{len(missing)}: {_listed(missing)} (count as unsolved)"))
    return "\n".join(f"{name:<18} {text}" for name, text in rows)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit score`."""
    parser.add_argument("submission", metavar="SUBMISSION", type=Path, help="a submission.json")
    parser.add_argument(
        "--solutions",
        metavar="PATH",
        help="answers: a file, a folder or a set's name (default: those that belong to --tasks)",
    )
    parser.add_argument(
        "--tasks", metavar="WHAT", help="the tasks that were answered: a set's name, file or folder"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with every solved output")


def run(args: argparse.Namespace) -> int:
    """Print the score; the exit code: 0, or 2 for bad input."""
    try:
        answers = load_submission(args.submission)
        result = score(answers, _solutions(args.solutions, args.tasks), str(args.submission))
    except (TaskFileError, SubmissionError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    print(json.dumps(to_json(result)) if args.json else report(result))
    return 0


def main(argv: Sequence[str]) -> int:
    """`python -m kit score` with these arguments; the exit code."""
    return run_command("score", DESCRIPTION, add_arguments, run, argv)


def _solutions(spec: str | None, tasks_spec: str | None) -> Solutions:
    """The solutions to score against."""
    if spec is not None and tasks_spec is None:
        name = dataset_name(spec)
        return dataset_solutions(name) if name else load_solutions(spec)
    tasks = resolve_tasks(tasks_spec)
    found = resolve_solutions(spec, tasks)
    if found is None:
        raise TaskFileError(f"{tasks.source}: no solutions are known for these; use --solutions")
    return found


def _listed(names: Sequence[str]) -> str:
    """The first few names."""
    return " ".join(names[:20]) + (f" +{len(names) - 20}" if len(names) > 20 else "")
