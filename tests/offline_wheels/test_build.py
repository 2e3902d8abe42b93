"""Fetching wheels: only what is missing, only with the right hash.

pytest tests/offline_wheels/test_build.py
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import build
import pytest
from build import Wanted, fetch, from_lock, pin_of, resolve

from kit.upload.wheel_lock import SETS, WheelError
from tests.offline_wheels.fake_wheels import make_set, make_wheel


@pytest.mark.parametrize(
    ("fields", "files", "licence"),
    [
        ("License-Expression: Apache-2.0\nLicense: other\n", {}, "Apache-2.0"),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: x\n", {}, "BSD License"),
        ("License: LGPL-3.0-or-later\n", {}, "LGPL-3.0-or-later"),
        (
            "",
            {"a-1.0.dist-info/LICENSE": b"(c)\n\nPermission is hereby granted,\nfree of charge"},
            "MIT (by its text)",
        ),
        ("License: " + "long " * 40 + "\n", {}, "unknown"),
        ("", {}, "unknown"),
    ],
)
def test_the_licence_is_what_the_metadata_say(
    tmp_path: Path, fields: str, files: dict[str, bytes], licence: str
) -> None:
    pin = pin_of(make_wheel(tmp_path, "a", fields=fields, files=files))
    assert (pin.name, pin.version, pin.licence) == ("a", "1.0", licence)


def test_names_are_written_as_pip_does(tmp_path: Path) -> None:
    assert pin_of(make_wheel(tmp_path, "Un_Sloth.zoo")).name == "un-sloth-zoo"


def test_what_is_no_wheel_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "a-1-py3-none-any.whl"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(WheelError, match="not a wheel"):
        pin_of(path)


def test_only_what_is_missing_is_fetched_and_a_second_call_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    make_set(there, "a", "b", "c")
    make_wheel(here, "b")
    asked: list[str] = []

    def download(batch: Sequence[Wanted], out: Path) -> Iterator[Path]:
        for want in batch:
            asked.append(want.name)
            name = f"{want.name}-{want.version}-py3-none-any.whl"
            yield Path(shutil.copy(there / name, out))

    monkeypatch.setattr(build, "_download", download)
    wanted = from_lock(there / "preferred.lock")
    assert [path.name for path in fetch(wanted, here)] == [
        f"{name}-1.0-py3-none-any.whl" for name in "abc"
    ]
    assert asked == ["a", "c"]
    (here / "a-1.0-py3-none-any.whl").write_bytes(b"damaged")
    fetch(wanted, here)
    assert asked == ["a", "c", "a"]


def test_pip_that_finds_nothing_is_told_in_a_few_lines(tmp_path: Path) -> None:
    nothing = Wanted("a", "1.0", ("0" * 64,))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(WheelError, match="could not fetch"):
        patch.setenv("PIP_NO_INDEX", "1")
        fetch([nothing], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_relocking_needs_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("build.shutil.which", lambda *words, **options: None)
    with pytest.raises(WheelError, match=re.escape("--relock needs uv: pip install uv")):
        resolve(SETS["preferred"])
