"""Two tasks, their answers, and a submission that has some of them right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.files import TaskSet, load_tasks

TASKS: dict[str, Any] = {
    "b": {
        "train": [{"input": [[0, 1]], "output": [[1], [0]]}],
        "test": [{"input": [[1, 2]]}, {"input": [[3, 4]]}],
    },
    "a": {"train": [{"input": [[5]], "output": [[6]]}], "test": [{"input": [[7]]}]},
}

SOLUTIONS = {"b": [[[1], [2]], [[3], [4]]], "a": [[[8]]]}

# Both outputs of b are solved, one by each attempt; a is not.
SUBMISSION: dict[str, Any] = {
    "b": [
        {"attempt_1": [[1], [2]], "attempt_2": [[0]]},
        {"attempt_1": [[3], [5]], "attempt_2": [[3], [4]]},
    ],
    "a": [{"attempt_1": [[9]], "attempt_2": [[9, 9]]}],
}


@pytest.fixture
def submission() -> dict[str, Any]:
    """The content of the submission, to be changed at will."""
    return json.loads(json.dumps(SUBMISSION))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, object], Path]:
    """Writes a value as JSON, or text as it is, under a name."""

    def save(name: str, content: object) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return save


@pytest.fixture
def files(write: Callable[[str, object], Path]) -> dict[str, str]:
    """Paths of tasks, solutions and submission."""
    return {
        "tasks": str(write("x_challenges.json", TASKS)),
        "solutions": str(write("x_solutions.json", SOLUTIONS)),
        "submission": str(write("sub.json", SUBMISSION)),
    }


@pytest.fixture
def tasks(files: dict[str, str]) -> TaskSet:
    """The tasks."""
    return load_tasks(files["tasks"])
