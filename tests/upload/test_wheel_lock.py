"""Locks of wheels: what is written is read, and a folder is held against it.

pytest tests/upload/test_wheel_lock.py
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit.upload.wheel_lock import (
    SETS,
    Pin,
    WheelError,
    is_whole,
    missing_wheels,
    read_lock,
    sha256_of,
    write_lock,
)

REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"


def test_a_lock_reads_as_it_was_written(tmp_path: Path) -> None:
    pins = [
        Pin("b", "2.0.post1", "ab" * 32, "b-2.0.post1-cp312-abi3-any.whl", 12, "MIT OR Apache-2.0"),
        Pin("a", "1", "0" * 64, "a-1-py3-none-any.whl", 3, "unknown"),
    ]
    write_lock(tmp_path / "x.lock", pins, "title")
    assert read_lock(tmp_path / "x.lock") == (pins[1], pins[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("torch==2.13.0\n", "x.lock:1: not a line of a lock: 'torch==2.13.0'"),
        ("# only a title\n", "no wheel in it"),
        (None, "x.lock: No such file"),
    ],
)
def test_what_is_no_lock_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "x.lock").write_text(content)
    with pytest.raises(WheelError, match=re.escape(words)):
        read_lock(tmp_path / "x.lock")


def test_missing_short_and_changed_wheels_are_told_apart(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"abc")
    pin = Pin("a", "1", sha256_of(wheel), wheel.name, 3, "MIT")
    assert missing_wheels([pin], tmp_path) == [] and is_whole(pin, tmp_path)
    wheel.write_bytes(b"abd")
    assert missing_wheels([pin], tmp_path) == [] and not is_whole(pin, tmp_path)
    wheel.write_bytes(b"ab")
    assert missing_wheels([pin], tmp_path) == [f"{wheel.name}: 2 bytes, must be 3"]
    wheel.unlink()
    assert missing_wheels([pin], tmp_path) == [f"{wheel.name}: missing"]


@pytest.mark.parametrize("name", SETS)
def test_the_locks_are_whole_and_hold_what_was_asked_for(name: str) -> None:
    pins = {pin.name: pin for pin in read_lock(SETS[name].lock)}
    source = SETS[name].lock.with_suffix(".in").read_text(encoding="utf-8")
    if "-r ../requirements.txt" in source:
        source += REQUIREMENTS.read_text(encoding="utf-8")
    asked = re.findall(r"^([A-Za-z0-9_-]+)==([^\s;]+)", source, re.MULTILINE)
    assert len(asked) > 10
    for package, version in asked:
        assert pins[package.replace("_", "-").lower()].version == version
    assert not set(SETS[name].left_out) & set(pins)
    # Names that an upload keeps as they are, for Kaggle's Python or for any.
    tags = r"(cp312-cp312|cp3\d+-abi3|cp312-none|py\d?\S*-none)"
    for pin in pins.values():
        assert re.fullmatch(rf"[A-Za-z0-9._-]+-{tags}-\S+", pin.file), pin.file
