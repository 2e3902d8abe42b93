"""Files of text tasks: what is read, what is refused, and that outputs of test items stay out.

pytest tests/texts/test_task.py
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from kit.texts.made import KINDS, make_task, write_tasks
from kit.texts.task import TextTask, TextTaskError, read_tasks
from kit.texts.views import test_views as make_test_views
from kit.texts.views import training_views
from kit.validate.few_shot import num_right, read_outputs

PAIRS = [{"input": "a", "output": "1"}, {"input": "b", "output": "2"}]
GOOD = {"id": "t", "train": PAIRS, "test": [{"input": "c", "output": "secret"}]}


def written(tmp_path: Path, *lines: object) -> Path:
    """A file with these lines, objects as JSON."""
    path = tmp_path / "tasks.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_outputs_of_test_items_are_not_in_the_task(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, "")
    (task,) = read_tasks(path)
    assert task.test == ("c",)
    assert "secret" not in repr([getattr(task, f.name) for f in fields(TextTask)])
    assert read_outputs(path) == {"t": ["secret"]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not valid JSON"),
        ("[1]", "line 1: must hold an object, got list"),
        (GOOD | {"id": 3}, "line 1: id must be text, got 3"),
        (GOOD | {"train": PAIRS[:1]}, "needs two demonstrations or more, got 1"),
        (GOOD | {"train": "ab"}, "train must be a list of objects, got 'ab'"),
        (GOOD | {"train": [{"input": "a"}] * 2}, "output must be text, got None"),
        (GOOD | {"test": []}, "there is no test item"),
        (GOOD | {"instruction": 5}, "instruction must be text, got 5"),
    ],
)
def test_bad_lines_are_refused(tmp_path: Path, line: object, message: str) -> None:
    with pytest.raises(TextTaskError, match=message):
        read_tasks(written(tmp_path, line))


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\\n", "\\r\\n", "\\f"])
def test_a_line_ends_at_a_newline_only(tmp_path: Path, separator: str) -> None:
    line = json.dumps(GOOD | {"id": "a-b"}).replace("a-b", f"a{separator}b")
    first, second = read_tasks(written(tmp_path, line, GOOD))
    assert (first.task_id, second.task_id) == (json.loads(f'"a{separator}b"'), "t")


def test_bad_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TextTaskError, match="id 't' is there twice"):
        read_tasks(written(tmp_path, GOOD, GOOD))
    with pytest.raises(TextTaskError, match="holds no task"):
        read_tasks(written(tmp_path, ""))
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_tasks(tmp_path / "nowhere.jsonl")


def test_training_views_hold_each_demonstration_out_equally_often() -> None:
    made = make_task("letters", 0, 12, 0)
    pairs = [{"input": a, "output": b} for a, b in made.items]
    task = _task(pairs[:5], pairs[5:])
    views = training_views(task, 20, 0)
    asked = [view.query for view in views]
    assert all(asked.count(pair.input) == 4 for pair in task.train)
    assert all(view.query not in [p.input for p in view.examples] for view in views)
    assert len({tuple(p.input for p in view.examples) for view in views}) > 10
    assert training_views(task, 7, 0) == views[:7]
    assert training_views(task, 20, 1) != views


def _task(train: list[dict[str, str]], test: list[dict[str, str]]) -> TextTask:
    from kit.texts.task import TextPair

    pairs = tuple(TextPair(p["input"], p["output"]) for p in train)
    return TextTask("t", "", pairs, tuple(p["input"] for p in test))


def test_zero_shot_views_show_nothing() -> None:
    task = _task(PAIRS, [{"input": "c", "output": "3"}])
    assert make_test_views(task, with_examples=False)[0].examples == ()
    assert make_test_views(task, with_examples=True)[0].examples == task.train


@pytest.mark.parametrize("kind", KINDS)
def test_made_tasks_have_different_items_of_one_rule(kind: str) -> None:
    made = make_task(kind, 0, 60, 3)
    assert len(dict(made.items)) == 60
    assert make_task(kind, 0, 60, 3) == made
    assert make_task(kind, 0, 60, 4) != made
    assert sum(a == b for a, b in made.items) < 6, "copying must not solve it"


def test_a_made_file_is_read_back(tmp_path: Path) -> None:
    write_tasks(tmp_path / "made.jsonl", 10, 60, 0)
    tasks = read_tasks(tmp_path / "made.jsonl")
    assert [task.task_id for task in tasks] == ["operators-0", "records-0", "letters-0"]
    assert all((len(t.train), len(t.test)) == (10, 50) for t in tasks)


def test_score_is_exact_match() -> None:
    assert num_right(["a ", "b", ""], ["a", "B", "c"]) == 1
