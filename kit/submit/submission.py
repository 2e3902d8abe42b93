"""The answer file: valid from the first write on, replaced whole or not at all.

What it does: cheap guesses for every test input, predictions put in their place, a check of the
contest's contract, an atomic replacement of the file.
What it does not: know solutions, or choose between candidates (`kit.rank` does).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from kit.arc.candidate import Prediction
from kit.arc.grid import Grid, GridError, check_grid
from kit.arc.task import Task
from kit.arc.whole_file import replace_file
from kit.rank.guess import guess_outputs

Attempts = tuple[Grid, Grid]
"""attempt_1 and attempt_2 of one test input."""

ATTEMPTS = ("attempt_1", "attempt_2")


class SubmissionError(ValueError):
    """Answers that the contest would reject; the message names the task and the test input."""


class SubmissionFile:
    """The answers of a run and the file that holds them.

    Every task's part is checked when it changes, so that whatever is saved keeps the contract:
    all ids in the order of the tasks, two valid attempts for each test input.
    """

    def __init__(self, path: Path, tasks: Sequence[Task]) -> None:
        """Cheap guesses for every test input; nothing is written yet."""
        self.path = path
        self._answers: dict[str, tuple[Attempts, ...]] = {}
        # The file is written again after every task: its parts are kept as they stand in it.
        self._parts: dict[str, bytes] = {}
        for task in tasks:
            guesses = tuple(guess_outputs(task, index) for index in range(len(task.test)))
            self._set(task.task_id, guesses)

    @property
    def answers(self) -> Mapping[str, tuple[Attempts, ...]]:
        """Task id -> attempts for each test input, in the order of the file."""
        return MappingProxyType(self._answers)

    def update(self, predictions: Iterable[Prediction]) -> bool:
        """Put predictions in the places of the test inputs they are for.

        Returns whether that changed an answer, so that the file is worth writing again.

        Raises:
            SubmissionError: a task or test input that is not in the submission, or an attempt
                that is no grid; nothing of that task has changed.
        """
        changed: dict[str, list[Attempts]] = {}
        for prediction in predictions:
            name, index = prediction.task_id, prediction.test_index
            if name not in self._answers or not 0 <= index < len(self._answers[name]):
                raise SubmissionError(
                    f"task {name} test[{index}]: a prediction for what is not in the submission"
                )
            changed.setdefault(name, list(self._answers[name]))[index] = prediction.attempts
        news = {name: tuple(a) for name, a in changed.items() if tuple(a) != self._answers[name]}
        for name, attempts in news.items():
            self._set(name, attempts)
        return bool(news)

    def save(self) -> None:
        """Put the answers in the file's place in one step.

        At every instant the file is either the old one or the new one, also when the process is
        killed, the disk fills up or the machine stops.

        Raises:
            OSError: the file could not be written; the old one stays.
        """
        replace_file(self.path, self.to_bytes())

    def to_json(self) -> str:
        """The text of submission.json."""
        return self.to_bytes().decode()

    def to_bytes(self) -> bytes:
        """The content of submission.json."""
        return b"{" + b",\n".join(self._parts.values()) + b"}\n"

    def _set(self, task_id: str, answers: tuple[Attempts, ...]) -> None:
        """Check and keep the answers of one task."""
        for index, attempts in enumerate(answers):
            _check_attempts(attempts, f"task {task_id} test[{index}]")
        content = [dict(zip(ATTEMPTS, attempts, strict=True)) for attempts in answers]
        part = json.dumps({task_id: content}, separators=(",", ":"))
        self._parts[task_id] = part[1:-1].encode()
        self._answers[task_id] = answers


def _check_attempts(attempts: tuple[Grid, ...], where: str) -> None:
    """Refuse anything but two grids."""
    if len(attempts) != len(ATTEMPTS):
        raise SubmissionError(f"{where}: two attempts are needed, got {len(attempts)}")
    for name, grid in zip(ATTEMPTS, attempts, strict=True):
        try:
            check_grid(grid, f"{where}.{name}")
        except GridError as error:
            raise SubmissionError(str(error)) from error
