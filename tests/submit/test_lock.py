"""The run folder: one live run at a time, stale locks taken over, old runs moved aside.

pytest tests/submit/test_lock.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.submit import lock
from kit.submit.lock import FolderBusyError, FolderLock, holds_old_run, move_old_run

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys
from pathlib import Path
from kit.submit.lock import FolderLock
held = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def start_holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the folder until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_live_holder_is_named_and_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    try:
        with pytest.raises(FolderBusyError, match=f"in use by a run of process {holder.pid}"):
            FolderLock(tmp_path)
    finally:
        holder.kill()
        holder.wait()
    assert (tmp_path / "lock").read_text() == f"{holder.pid}\n"
    taken = FolderLock(tmp_path)
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    taken.release()


def test_two_locks_in_one_process_exclude_each_other_until_released(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(FolderBusyError):
        FolderLock(tmp_path)
    first.release()
    first.release()
    FolderLock(tmp_path).release()


def test_without_file_locks_the_process_id_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoLocks:
        LOCK_EX = LOCK_NB = 0

        @staticmethod
        def flock(fd: int, flags: int) -> None:
            raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock, "_flock_module", lambda: NoLocks)
    (tmp_path / "lock").write_text(f"{os.getppid()}\n")
    with pytest.raises(FolderBusyError, match=str(os.getppid())):
        FolderLock(tmp_path)
    (tmp_path / "lock").write_text("not a number")
    FolderLock(tmp_path).release()


def test_an_unwritable_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FolderLock(tmp_path / "absent")


def test_an_old_run_moves_aside_and_other_files_stay(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for turn in (1, 2):
        assert not holds_old_run(folder)
        (folder / "journal.jsonl").write_text(f"run {turn}")
        (folder / "submission.json").write_text("{}")
        (folder / "scratch").mkdir()
        (folder / "scratch" / "adapter").write_text("x")
        (folder / "notes.txt").write_text("mine")
        assert holds_old_run(folder)
        held = FolderLock(folder)
        moved = move_old_run(folder)
        held.release()
        assert moved == tmp_path / f"out.old-{turn}"
        assert (moved / "journal.jsonl").read_text() == f"run {turn}"
        assert (moved / "scratch" / "adapter").exists()
        assert sorted(path.name for path in folder.iterdir()) == ["lock", "notes.txt"]


def test_where_the_parent_cannot_be_written_it_goes_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (tmp_path / "journal.jsonl").write_text("run")
    assert move_old_run(tmp_path) == tmp_path / "old-1"
    assert (tmp_path / "old-1" / "journal.jsonl").exists()
