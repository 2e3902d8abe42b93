"""Submissions read back: what keeps the contract and every way to break it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.arc.files import TaskSet
from kit.submit.submission import SubmissionError, SubmissionFile
from kit.validate.answers import load_submission, read_submission

Write = Callable[[str, object], Path]


def test_what_the_kit_writes_is_read_back(tasks: TaskSet, tmp_path: Path) -> None:
    written = SubmissionFile(tmp_path / "submission.json", list(tasks.tasks.values()))
    written.save()
    assert load_submission(written.path) == written.answers
    assert list(load_submission(written.path)) == ["b", "a"]


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "null task": (lambda s: s.update(b=None), "task b: must be a list .* got null"),
    "no answers": (lambda s: s.update(b=[]), "task b: must be a list .* got an empty list"),
    "dict task": (lambda s: s.update(b=s["b"][0]), "task b: must be a list .* got dict"),
    "solutions": (lambda s: s.update(b=[[[1]]]), r"task b test\[0\]: .*is this a solutions file"),
    "null answer": (lambda s: s["b"].append(None), r"task b test\[2\]: .* got null"),
    "one attempt": (lambda s: s["b"][1].pop("attempt_2"), r"task b test\[1\]: no attempt_2"),
    "extra key": (
        lambda s: s["b"][0].update(attempt_3=[[0]]),
        r"task b test\[0\]: 'attempt_3' does not belong here",
    ),
    "empty grid": (lambda s: s["a"][0].update(attempt_1=[]), r"a test\[0\]\.attempt_1: .* got 0"),
    "null grid": (lambda s: s["a"][0].update(attempt_2=None), r"attempt_2: .* got null"),
    "ragged": (lambda s: s["a"][0].update(attempt_1=[[1, 2], [3]]), "attempt_1, row 1: rows"),
    "31": (lambda s: s["a"][0].update(attempt_1=[[0]] * 31), "attempt_1: .* got 31"),
    "cell": (lambda s: s["a"][0].update(attempt_1=[[10]]), "row 0, column 0: .* got 10"),
    "float": (lambda s: s["a"][0].update(attempt_1=[[1.0]]), "row 0, column 0: .* got 1.0"),
    "true": (lambda s: s["a"][0].update(attempt_1=[[True]]), "row 0, column 0: .* got true"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_breach_is_named_with_its_place(
    name: str, submission: dict[str, Any], write: Write
) -> None:
    change, message = HOSTILE[name]
    change(submission)
    path = write("s.json", submission)
    with pytest.raises(SubmissionError, match=message) as caught:
        load_submission(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


UNREADABLE = {
    "list": ("[]", "a submission must be an object, got list"),
    "twice": ('{"a": [], "a": []}', "'a' appears twice in a submission"),
    "empty": ("", "the file is empty"),
    "broken": ('{"a": ', "line 1, column 7: not JSON"),
    "deep": ("[" * 100_000, "nested too deep"),
    "no task": ("{}", "the submission is empty"),
    "attempt twice": (
        '{"a": [{"attempt_1": [[1]], "attempt_1": [[1]]}]}',
        r"task a test\[0\]: 'attempt_1' appears twice",
    ),
    "odd id": ('{"a\\n\\ud800": null}', r"task a\\n\\ud800: must be a list"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_submission_is_refused(name: str, write: Write) -> None:
    text, message = UNREADABLE[name]
    with pytest.raises(SubmissionError, match=message):
        load_submission(write("s.json", text))


def test_one_bad_task_does_not_hide_the_others(submission: dict[str, Any], write: Write) -> None:
    submission["b"][0]["attempt_1"] = [[11]]
    submission["b"][1] = {}
    found = read_submission(write("s.json", submission))
    assert list(found.answers) == ["a"]
    assert found.counts == {"b": 2, "a": 1}
    assert len(found.problems) == 3
    with pytest.raises(SubmissionError, match=r"\(and 2 more\)$"):
        load_submission(write("s.json", submission))
