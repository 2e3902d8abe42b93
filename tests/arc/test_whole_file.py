"""A file that is replaced is the old one or the new one, whatever happens.

pytest tests/arc/test_whole_file.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.arc import whole_file
from kit.arc.whole_file import replace_file

ROOT = Path(__file__).parents[2]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    replace_file(path, b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "file.json"
    link.symlink_to(tmp_path / "real" / "kept.json")
    replace_file(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "kept.json").read_bytes() == b"new"


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    code = f"""
import resource, signal
from pathlib import Path
from kit.arc.whole_file import replace_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
replace_file(Path({str(path)!r}), b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_file(Path({str(path)!r}), b"x" * 5000)
except OSError as error:
    print(error.strerror)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "too large" in ran.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.json"]


@pytest.mark.parametrize("turn", range(5))
def test_kill_minus_nine_leaves_a_whole_file(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "file.json"
    code = f"""
from pathlib import Path
from kit.arc.whole_file import replace_file
n = 0
while True:
    replace_file(Path({str(path)!r}), b'{{"n": "' + b"x" * 20000 + b'"}}')
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    while not path.exists():
        time.sleep(0.002)
    time.sleep(0.003 * turn)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(json.loads(path.read_text())["n"]) == 20000
