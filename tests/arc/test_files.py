"""Task files in every layout, and every way in which they can be wrong."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.files import TaskSet, load_tasks
from kit.arc.json_file import TaskFileError
from kit.arc.task import Pair, Task

Write = Callable[[str, object], Path]
PlainTask = Callable[..., dict[str, Any]]

EXPECTED = Task("b", (Pair(((0, 1),), ((1,), (0,))),) * 2, (((0, 2),), ((1, 2),)))


def test_kaggle_challenges_keep_their_order(write: Write, plain_task: PlainTask) -> None:
    path = write("x_challenges.json", {"b": plain_task(2), "a": plain_task(1)})
    tasks = load_tasks(path)
    assert list(tasks.tasks) == ["b", "a"]
    assert tasks.tasks["b"] == EXPECTED
    assert (tasks.num_tests, tasks.path, tasks.source) == (3, path, str(path))


def test_test_outputs_are_never_read(write: Write, plain_task: PlainTask) -> None:
    with_outputs = write("combined.json", {"b": plain_task(2, outputs=True)})
    assert load_tasks(with_outputs).tasks == {"b": EXPECTED}
    secret = plain_task(2)
    secret["test"][0]["output"] = "not even a grid 8675309"
    tasks = load_tasks(write("odd.json", {"b": secret}))
    assert tasks.tasks == {"b": EXPECTED}
    assert b"8675309" not in pickle.dumps(tasks)


def test_one_task_in_a_file_is_named_after_it(write: Write, plain_task: PlainTask) -> None:
    tasks = load_tasks(str(write("b.json", plain_task(2, outputs=True) | {"name": "other"})))
    assert tasks.tasks == {"b": EXPECTED}


def test_a_folder_of_tasks_is_read_by_name(write: Write, plain_task: PlainTask) -> None:
    folder = write("set/b.json", plain_task(2)).parent
    write("set/a.JSON", plain_task(1, outputs=True))
    write("set/.hidden.json", "broken")
    write("set/readme.txt", "nothing")
    write("set/inner/c.json", plain_task(1))
    assert list(load_tasks(folder).tasks) == ["a", "b"]
    assert load_tasks(folder).tasks["b"] == EXPECTED


def test_a_folder_as_on_kaggle(write: Write, plain_task: PlainTask) -> None:
    evaluation = write("in/arc-agi_evaluation_challenges.json", {"e": plain_task()})
    write("in/arc-agi_evaluation_solutions.json", {"e": [[[1]]]})
    assert list(load_tasks(evaluation.parent).tasks) == ["e"]
    training = write("in/arc-agi_training_challenges.json", {"t": plain_task()})
    with pytest.raises(TaskFileError, match=r"several files of tasks.*evaluation.*training"):
        load_tasks(training.parent)
    chosen = write("in/arc-agi_test_challenges.json", {"x": plain_task()})
    assert load_tasks(chosen.parent).path == chosen


def test_tasks_are_picked_by_id(write: Write, plain_task: PlainTask) -> None:
    path = write("t.json", {name: plain_task() for name in ("0a1b2c3d", "ffff0000")})
    tasks = load_tasks(path)
    assert [task.task_id for task in tasks.pick(["ffff0000", "0a1b2c3d"])] == [
        "ffff0000",
        "0a1b2c3d",
    ]
    with pytest.raises(TaskFileError, match=r"no task '0a1b2c3e' .*did you mean '0a1b2c3d'\?"):
        tasks.pick(["0a1b2c3e"])
    assert isinstance(tasks, TaskSet)


def _with(change: Callable[[dict[str, Any]], object]) -> str:
    """A file of two tasks, the second one changed."""
    tasks = {
        name: {
            "train": [{"input": [[0, 1]], "output": [[1]]} for _ in range(2)],
            "test": [{"input": [[3]]}, {"input": [[4]]}],
        }
        for name in ("fine", "bad")
    }
    change(tasks["bad"])
    return json.dumps(tasks)


def _cell(text: str) -> str:
    """The same, with a cell spelled in JSON."""
    return _with(lambda task: task["train"][1].update(output=[[0], [777]])).replace("777", text)


CELL = r"task bad train\[1\]\.output, row 1, column 0: a cell is an integer 0 to 9, got "

HOSTILE: dict[str, tuple[object, str]] = {
    "list": ([1], "a file of tasks must be an object, got list"),
    "null": ("null", "a file of tasks must be an object, got null"),
    "text": ('"abc"', "a file of tasks must be an object, got str 'abc'"),
    "no task": ({}, "holds no task"),
    "task null": ({"bad": None}, "task bad: a task must be an object, got null"),
    "task text": ({"bad": "x"}, "task bad: a task must be an object, got str 'x'"),
    "no train key": (_with(lambda t: t.pop("train")), 'task bad: no "train"'),
    "no test key": (_with(lambda t: t.pop("test")), 'task bad: no "test"'),
    "no train": (_with(lambda t: t.update(train=[])), 'task bad: "train" .* got none'),
    "no test": (_with(lambda t: t.update(test=[])), 'task bad: "test" .* got none'),
    "train object": (_with(lambda t: t.update(train={})), 'task bad: "train" must be a list'),
    "train null": (_with(lambda t: t.update(train=None)), 'task bad: "train" .* got null'),
    "pair list": (_with(lambda t: t["train"].append([])), r"train\[2\]: a pair must be an object"),
    "test null": (_with(lambda t: t["test"].append(None)), r"test\[2\]: a pair must be .* null"),
    "no input": (_with(lambda t: t["train"][1].pop("input")), r'bad train\[1\]: no "input"'),
    "no output": (_with(lambda t: t["train"][0].pop("output")), r'bad train\[0\]: no "output"'),
    "no query": (_with(lambda t: t["test"][1].pop("input")), r'bad test\[1\]: no "input"'),
    "empty grid": (
        _with(lambda t: t["test"][1].update(input=[])),
        r"task bad test\[1\]\.input: a grid has 1 to 30 rows, got 0",
    ),
    "empty row": (_with(lambda t: t["test"][1].update(input=[[]])), r"input, row 0: .* got 0"),
    "ragged": (
        _with(lambda t: t["train"][1].update(input=[[1, 2], [3]])),
        r"task bad train\[1\]\.input, row 1: rows must be equally long",
    ),
    "31x31": (_with(lambda t: t["train"][0].update(input=[[0] * 31] * 31)), "got 31"),
    "1x31": (_with(lambda t: t["train"][0].update(input=[[0] * 31])), "row 0: .* got 31"),
    "grid null": (_with(lambda t: t["train"][0].update(input=None)), r"\[0\]\.input: .* got null"),
    "10": (_cell("10"), CELL + "10"),
    "-1": (_cell("-1"), CELL + "-1"),
    "1.5": (_cell("1.5"), CELL + "1.5"),
    "1e0": (_cell("1e0"), CELL + "1.0"),
    "text cell": (_cell('"3"'), CELL + "str '3'"),
    "true": (_cell("true"), CELL + "true"),
    "null cell": (_cell("null"), CELL + "null"),
    "NaN": (_cell("NaN"), CELL + "NaN"),
    "Infinity": (_cell("-Infinity"), CELL + "-inf"),
    "long int": (_cell("9" * 4000), CELL + "9+"),
    "too long int": (_cell("9" * 5000), "a number is too long"),
    "deep": (_cell("[" * 500 + "]" * 500), CELL + r"list \["),
    "too deep": (_cell("[" * 100_000 + "]" * 100_000), "nested too deep"),
    "twice": ('{"bad": {}, "bad": {}}', "'bad' appears twice in a file of tasks"),
    "train twice": ('{"bad": {"train": [], "train": []}}', "task bad: 'train' appears twice"),
    "input twice": (
        '{"bad": {"train": [{"input": [[1]], "input": [[2]]}]}}',
        r"task bad train\[0\]: 'input' appears twice in a pair",
    ),
    "bad id": ({"../up": {}}, r"'\.\./up' cannot be a task id"),
    "solutions": ({"bad": [[[1]]]}, "task bad: .*is this a solutions file.*_challenges.json"),
    "submission": ({"bad": [{"attempt_1": [[1]]}]}, "task bad: .*is this a submission"),
    "one task, no test": ({"train": [{"input": [[1]], "output": [[1]]}]}, 'task x: no "test"'),
    "one task, null": ({"train": None, "test": None}, 'task x: "train" must be a list'),
    "broken": ('{"bad": {"train": [}', "line 1, column 20: not JSON"),
    "empty": ("", "the file is empty"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_file_is_refused_in_one_line(name: str, write: Write) -> None:
    content, message = HOSTILE[name]
    path = write("x.json", content)
    with pytest.raises(TaskFileError, match=message) as caught:
        load_tasks(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 250


def test_nesting_of_any_depth_is_refused_without_a_crash(write: Write) -> None:
    for depth in range(100, 1100, 7):
        with pytest.raises(TaskFileError):
            load_tasks(write("x.json", _cell("[" * depth + "]" * depth)))


def test_a_bad_folder_is_refused(write: Write, plain_task: PlainTask, tmp_path: Path) -> None:
    write("empty/training/a.json", plain_task())
    with pytest.raises(TaskFileError, match=r"empty: no \.json file in it; its folders are train"):
        load_tasks(tmp_path / "empty")
    write("set/a.json", plain_task())
    write("set/b.json", {"c": plain_task()})
    with pytest.raises(TaskFileError, match=r"b\.json: .*must hold one task .*got keys c"):
        load_tasks(tmp_path / "set")
    write("set/b.json", plain_task())
    write("set/b.JSON", plain_task())
    with pytest.raises(TaskFileError, match="task b is in another file of this folder too"):
        load_tasks(tmp_path / "set")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a.json").symlink_to("gone.json")
    with pytest.raises(TaskFileError, match=r"a\.json: a link to gone\.json, which does not"):
        load_tasks(tmp_path / "links")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskFileError, match=r"gone\.json: no such file"):
        load_tasks(tmp_path / "gone.json")
