"""Submission files read back: every breach of the contest's contract, by task and position.

What it does: reads a submission whoever wrote it; used by `score`, `check` and `show`.
What it does not: write one (`kit.submit.submission` does), or know tasks or solutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.arc.grid import Grid, describe
from kit.arc.json_file import TaskFileError, Twice, as_grid, as_object, read_json, shown
from kit.submit.submission import ATTEMPTS, Attempts, SubmissionError

Answers = Mapping[str, tuple[Attempts, ...]]
"""Task id -> attempts for each test input, in order; `SubmissionFile.answers` is one too."""


@dataclass(frozen=True, slots=True)
class ReadSubmission:
    """What a submission file says.

    Attributes:
        answers: tasks of which everything is well formed, in the order of the file.
        counts: task id -> number of answers, also of tasks with a breach; 0 where it is no list.
        problems: one line per breach, in the order of the file.
    """

    answers: Answers
    counts: Mapping[str, int]
    problems: tuple[str, ...]


def load_submission(path: Path | str) -> Answers:
    """The answers in a submission file that keeps the contract.

    Raises:
        SubmissionError: the first breach, with how many more there are.
    """
    found = read_submission(path)
    if found.problems:
        more = f" (and {len(found.problems) - 1} more)" if len(found.problems) > 1 else ""
        raise SubmissionError(found.problems[0] + more)
    return found.answers


def read_submission(path: Path | str) -> ReadSubmission:
    """Everything in a submission file, good and bad.

    Raises:
        SubmissionError: it cannot be read as a JSON object at all.
    """
    try:
        content = as_object(read_json(Path(path)), str(path), "a submission")
    except TaskFileError as error:
        raise SubmissionError(str(error)) from error
    answers: dict[str, tuple[Attempts, ...]] = {}
    problems: list[str] = [] if content else [f"{path}: the submission is empty"]
    for task_id, value in content.items():
        where = f"{path}: task {shown(task_id)}"
        before = len(problems)
        attempts = _task_answers(value, where, problems)
        if len(problems) == before:
            answers[task_id] = attempts
    counts = {key: len(value) if isinstance(value, list) else 0 for key, value in content.items()}
    return ReadSubmission(answers, counts, tuple(problems))


def _task_answers(value: object, where: str, problems: list[str]) -> tuple[Attempts, ...]:
    """The answers of one task; what is wrong with them is added to `problems`."""
    if not isinstance(value, list) or not value:
        got = "an empty list" if value == [] else describe(value)
        problems.append(f"{where}: must be a list of one answer per test input, got {got}")
        return ()
    answers = []
    for index, item in enumerate(value):
        answer = _answer(item, f"{where} test[{index}]", problems)
        if answer is not None:
            answers.append(answer)
    return tuple(answers)


def _answer(item: object, where: str, problems: list[str]) -> Attempts | None:
    """Both attempts for one test input, None when one of them is bad."""
    if isinstance(item, Twice):
        problems.append(f"{where}: {shown(item.key)!r} appears twice")
        return None
    if not isinstance(item, dict):
        hint = "; is this a solutions file?" if isinstance(item, list) else ""
        problems.append(f"{where}: must be an object of two attempts, got {describe(item)}{hint}")
        return None
    problems += [
        f"{where}: {shown(key)!r} does not belong here" for key in item if key not in ATTEMPTS
    ]
    grids = [_attempt(item, name, where, problems) for name in ATTEMPTS]
    first, second = grids
    return None if first is None or second is None else (first, second)


def _attempt(item: Mapping[str, object], name: str, where: str, problems: list[str]) -> Grid | None:
    """One attempt, None when it is missing or no grid."""
    if name not in item:
        problems.append(f"{where}: no {name}")
        return None
    try:
        return as_grid(item[name], f"{where}.{name}")
    except TaskFileError as error:
        problems.append(str(error))
        return None
