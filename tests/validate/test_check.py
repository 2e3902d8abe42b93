"""The contract of a submission, held against its tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.files import TaskSet
from kit.submit.submission import SubmissionFile
from kit.validate.check import check_submission, main

Write = Callable[[str, object], Path]


def test_what_the_kit_writes_fits(tasks: TaskSet, tmp_path: Path) -> None:
    written = SubmissionFile(tmp_path / "submission.json", list(tasks.tasks.values()))
    written.save()
    assert check_submission(written.path, tasks) == []


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "fits": (lambda s: None, []),
    "missing": (lambda s: s.pop("a"), ["task a: missing"]),
    "extra": (lambda s: s.update(c=s["a"]), ["task c: not one of the tasks"]),
    "too few": (lambda s: s["b"].pop(), ["task b: 1 answers for 2 test inputs"]),
    "too many": (lambda s: s["a"].extend(s["b"]), ["task a: 3 answers for 1 test inputs"]),
    "bad grid": (
        lambda s: s["b"][1].update(attempt_1=[[10]]),
        ["task b test[1].attempt_1, row 0, column 0: a cell is an integer 0 to 9, got 10"],
    ),
    "several": (
        lambda s: (s.pop("a"), s["b"][0].pop("attempt_1"), s["b"][1].pop("attempt_2")),
        ["task b test[0]: no attempt_1", "task b test[1]: no attempt_2", "task a: missing"],
    ),
    "empty": (
        lambda s: s.clear(),
        ["the submission is empty", "task b: missing", "task a: missing"],
    ),
    "empty task": (
        lambda s: s.update(a=[]),
        ["task a: must be a list of one answer per test input, got an empty list"],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_breach_is_listed(
    name: str,
    submission: dict[str, Any],
    write: Write,
    tasks: TaskSet,
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    change, problems = HOSTILE[name]
    change(submission)
    path = write("s.json", submission)
    assert check_submission(path, tasks) == [f"{path}: {problem}" for problem in problems]
    assert main([str(path), "--tasks", files["tasks"]]) == (1 if problems else 0)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(problems) + 1


def test_a_broken_file_is_a_problem_and_a_missing_one_a_mistake(
    write: Write, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write("s.json", "{")), "--tasks", files["tasks"]]) == 1
    assert "not JSON" in capsys.readouterr().out
    assert main([str(tmp_path / "gone.json"), "--tasks", files["tasks"]]) == 2
    assert capsys.readouterr().err.endswith("gone.json: no such file\n")
    assert main([files["submission"], "--tasks", files["solutions"]]) == 2
    assert "is this a solutions file" in capsys.readouterr().err


def test_a_flood_of_problems_is_cut(
    write: Write, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    flood = write("s.json", {f"t{n}": [] for n in range(100)})
    assert main([str(flood), "--tasks", files["tasks"]]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 22
    assert printed[-2] == "and 182 more"
