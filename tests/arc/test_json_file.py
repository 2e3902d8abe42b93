"""JSON files that other people wrote, good and bad."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.arc import json_file
from kit.arc.json_file import TaskFileError, Twice, as_object, check_task_id, read_json

Write = Callable[[str, object], Path]


def test_plain_json_and_a_byte_order_mark(write: Write) -> None:
    assert read_json(write("a.json", {"é": [1, None]})) == {"é": [1, None]}
    assert read_json(write("b.json", b"\xef\xbb\xbf[1]")) == [1]


def test_order_is_kept_and_nan_is_left_for_the_caller(write: Write) -> None:
    content = read_json(write("a.json", '{"b": 1, "a": NaN}'))
    assert isinstance(content, dict)
    assert list(content) == ["b", "a"]
    assert math.isnan(content["a"])


def test_a_repeated_key_is_not_lost(write: Write) -> None:
    content = read_json(write("a.json", '{"x": {"a": 1, "b": 2, "a": 1}}'))
    assert content == {"x": Twice("a")}
    with pytest.raises(TaskFileError, match=r"^file: 'a' appears twice in a task$"):
        as_object(Twice("a"), "file", "a task")


HOSTILE = {
    "empty": ("", "x.json: the file is empty"),
    "blank": (" \n ", "x.json: the file is empty"),
    "only a mark": (b"\xef\xbb\xbf", "x.json: the file is empty"),
    "truncated": ('{"a": [1,', r"line 1, column 10: not JSON: .*ends too early"),
    "broken": ('{\n "a": [1,\n  ]}', r"x.json, line 3, column 3: not JSON"),
    "two values": ('{"a": 1}\n{"b": 2}', "line 2, column 1: not JSON: Extra data"),
    "python": ("{'a': 1}", "line 1, column 2: not JSON"),
    "too deep": ("[" * 200_000 + "]" * 200_000, "x.json: nested too deep"),
    "open too deep": ("[" * 200_000, "x.json: nested too deep"),
    "huge int": ('{"a": ' + "1" * 5000 + "}", "x.json: a number is too long"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), "x.json: UTF-16 text; save it as UTF-8"),
    "utf-16 without mark": ('{"a": 1}'.encode("utf-16-le"), "UTF-16 text or no text"),
    "utf-16 big": ('{"a": 1}'.encode("utf-16-be"), "UTF-16 text or no text"),
    "utf-32": ('{"a": 1}'.encode("utf-32"), "x.json: UTF-32 text"),
    "utf-32 big": ('{"a": 1}'.encode("utf-32-be"), "x.json: UTF-32 text"),
    "latin-1": ('{\n"\xe9": 1}'.encode("latin-1"), r"line 2: not UTF-8 text \(byte 0xe9"),
    "zip": (b"PK\x03\x04\x00\x00\xff\xfe", "x.json"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_json_is_refused_in_one_line(name: str, write: Write) -> None:
    content, message = HOSTILE[name]
    path = write("x.json", content)
    with pytest.raises(TaskFileError, match=message) as caught:
        read_json(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200


def test_what_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TaskFileError, match=r"no\.json: no such file$"):
        read_json(tmp_path / "no.json")
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "gone.json")
    with pytest.raises(TaskFileError, match=r"link\.json: a link to .*gone\.json, which does not"):
        read_json(link)
    with pytest.raises(TaskFileError, match="cannot be read: Is a directory"):
        read_json(tmp_path)
    with pytest.raises(TaskFileError, match="cannot be read: File name too long"):
        read_json(tmp_path / ("x" * 300))
    monkeypatch.setattr(json_file, "MAX_FILE_BYTES", 10)
    (tmp_path / "big.json").write_text(json.dumps(list(range(10))))
    with pytest.raises(TaskFileError, match="larger than"):
        read_json(tmp_path / "big.json")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(write: Write) -> None:
    path = write("a.json", "{}")
    path.chmod(0)
    with pytest.raises(TaskFileError, match="cannot be read: Permission denied"):
        read_json(path)


@pytest.mark.parametrize(
    "task_id", ["", " ", ".", "..", "a/b", "../x", "a\\b", "a\nb", "\x1b[0m", "\ud800", "x" * 201]
)
def test_ids_that_could_not_name_a_file_are_refused(task_id: str) -> None:
    with pytest.raises(TaskFileError, match="cannot be a task id") as caught:
        check_task_id(task_id, "f.json")
    str(caught.value).encode("ascii")


@pytest.mark.parametrize("task_id", ["007bbfb7", "ExtendToBoundary5", "my task (1)", "a.b-c_é"])
def test_other_ids_are_fine(task_id: str) -> None:
    check_task_id(task_id, "f.json")
