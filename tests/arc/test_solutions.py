"""Answers: read from every layout, kept away from what solves tasks."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.files import load_tasks
from kit.arc.json_file import TaskFileError
from kit.arc.solutions import load_solutions, resolve_solutions

Write = Callable[[str, object], Path]
PlainTask = Callable[..., dict[str, Any]]

KIT = Path(__file__).parents[2] / "kit"

TWO = (((2,), (0,)), ((2,), (1,)))
ONE = TWO[:1]


@pytest.fixture
def pair(write: Write, plain_task: PlainTask) -> tuple[Path, Path]:
    """Kaggle's two files."""
    challenges = write("x_challenges.json", {"b": plain_task(2), "a": plain_task(1)})
    return challenges, write("x_solutions.json", {"b": TWO, "a": ONE})


def test_kaggle_solutions(pair: tuple[Path, Path]) -> None:
    tasks = load_tasks(pair[0])
    assert load_solutions(pair[1], tasks) == {"b": TWO, "a": ONE}
    assert resolve_solutions(pair[1], tasks) == resolve_solutions(None, tasks)
    assert load_solutions(str(pair[1].parent)) == {"b": TWO, "a": ONE}
    pair[1].unlink()
    assert resolve_solutions(None, tasks) is None


def test_outputs_in_the_tasks_own_files(write: Write, plain_task: PlainTask) -> None:
    combined = write("c.json", {"b": plain_task(2, outputs=True), "a": plain_task(1)})
    write("set/a.json", plain_task(1))
    folder = write("set/b.json", plain_task(2, outputs=True)).parent
    single = write("b.json", plain_task(2, outputs=True))
    for path in (combined, folder, single):
        tasks = load_tasks(path)
        assert load_solutions(path, tasks) == {"b": TWO}
        assert resolve_solutions(None, tasks) == {"b": TWO}


def test_own_outputs_that_are_no_use_are_passed_over_unless_asked_for(
    write: Write, plain_task: PlainTask
) -> None:
    task = plain_task(2, outputs=True)
    task["test"][1]["output"] = None
    path = write("b.json", task)
    tasks = load_tasks(path)
    assert resolve_solutions(None, tasks) is None
    with pytest.raises(TaskFileError, match=r"b\.json: task b test\[1\]\.output: .* got null"):
        resolve_solutions(path, tasks)


HOSTILE: dict[str, tuple[object, str]] = {
    "other id": ({"c": ONE}, "task c: not one of the tasks of .*x_challenges.json"),
    "near id": ({"bb": ONE}, r"task bb: .*did you mean 'b'\?"),
    "too few": ({"b": ONE}, "task b: 1 solutions for 2 test inputs"),
    "too many": ({"a": TWO}, "task a: 2 solutions for 1 test inputs"),
    "twice": ('{"a": [[[1]]], "a": [[[1]]]}', "'a' appears twice"),
    "none": ({}, "holds no task"),
    "empty list": ({"a": []}, "task a: must be a list of output grids"),
    "null": ({"a": None}, "task a: must be a list of output grids, got null"),
    "one grid, not in a list": ({"a": [[1, 2]]}, r"task a solution\[0\], row 0: .* got 1"),
    "bad cell": ({"a": [[[10]]]}, r"task a solution\[0\], row 0, column 0: .* got 10"),
    "challenges": (
        {"a": {"train": [], "test": [{"input": [[1]]}]}},
        "no test outputs in it; is this a challenges file.*_solutions.json",
    ),
    "submission": ({"a": [{"attempt_1": [[1]]}]}, "task a: .*is this a submission"),
    "half": (
        {"b": {"train": [], "test": [{"input": [[1]], "output": [[1]]}, {"input": [[1]]}]}},
        r'task b test\[1\]: no "output"',
    ),
    "list": ([1], "must be an object"),
    "broken": ("{", "not JSON"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bad_solutions_are_refused_in_one_line(
    name: str, pair: tuple[Path, Path], write: Write
) -> None:
    content, message = HOSTILE[name]
    path = write("s.json", content)
    with pytest.raises(TaskFileError, match=message) as caught:
        load_solutions(path, load_tasks(pair[0]))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_or_ambiguous_files_are_refused(pair: tuple[Path, Path], write: Write) -> None:
    with pytest.raises(TaskFileError, match=r"gone\.json: no such file"):
        resolve_solutions("gone.json", load_tasks(pair[0]))
    write("y_solutions.json", {"a": ONE})
    with pytest.raises(TaskFileError, match=r"several solutions files.*x_sol.*y_sol"):
        load_solutions(pair[1].parent)


def test_nothing_that_solves_handles_solutions() -> None:
    """Only `kit.validate` and the modules beside the folders (command line, entry) may. Who
    imports this module is checked in tests/test_layout.py."""
    for path in sorted(KIT.glob("*/*.py")):
        if path.parent.name == "validate" or path.name == "solutions.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "kit.arc.task":
                assert "Solutions" not in [alias.name for alias in node.names], path
