"""The run folder: held by one live run at a time, and never mixing two runs.

What it does: a lock that dies with its process, a list of the files that belong to a run, and
moving an old run's files aside.
What it does not: touch any other file that lies in the folder.

Windows has no `flock`: there nothing stops two runs in one folder.
"""

from __future__ import annotations

import errno
import importlib
import os
import types
from pathlib import Path

LOCK_NAME = "lock"
JOURNAL_NAME = "journal.jsonl"
LOG_NAME = "run.log"
SUBMISSION_NAME = "submission.json"
SCRATCH_NAME = "scratch"
WORKERS_NAME = "workers"
ADAPTER_NAME = "shared_adapter"

# The journal goes last: while it is there the folder still counts as holding an old run, so a
# move that was interrupted is finished by the next start.
_RUN_FILES = (
    SUBMISSION_NAME,
    LOG_NAME,
    WORKERS_NAME,
    SCRATCH_NAME,
    ADAPTER_NAME,
    f"{ADAPTER_NAME}.sha256",
    JOURNAL_NAME,
)


class FolderBusyError(ValueError):
    """The run folder is held by a live run."""


class FolderLock:
    """An exclusive lock on a run folder, held until `release` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; one left by a dead process is taken over.

        Raises:
            FolderBusyError: another live process holds it.
            OSError: the folder cannot be written.
        """
        self.path = folder / LOCK_NAME
        self._fd: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _claim(self._fd, folder)
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            os.write(self._fd, f"{os.getpid()}\n".encode())
        except BaseException:
            os.close(self._fd)
            self._fd = None
            raise

    def release(self) -> None:
        """Let the folder go; a second call does nothing. The (empty) file stays: removing it
        would let two processes hold locks on two different files of that name."""
        if self._fd is None:
            return
        os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = None


def _claim(fd: int, folder: Path) -> None:
    """Lock an open lock file, or say who holds it."""
    fcntl = _flock_module()
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = _holder(fd)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise _busy(folder, holder) from error
        # A file system without locks (some network ones): the process id has to do.
        if holder is not None and holder != os.getpid() and _is_alive(holder):
            raise _busy(folder, holder) from error


def _flock_module() -> types.ModuleType | None:
    """The system's file locks, None where there are none."""
    try:
        return importlib.import_module("fcntl")
    except ImportError:
        return None


def _busy(folder: Path, holder: int | None) -> FolderBusyError:
    """The refusal."""
    who = "another run" if holder is None else f"a run of process {holder}"
    return FolderBusyError(f"--out {folder}: in use by {who}; wait for it or give another --out")


def _holder(fd: int) -> int | None:
    """The process id in a lock file, None when there is none."""
    os.lseek(fd, 0, os.SEEK_SET)
    text = os.read(fd, 32).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None


def _is_alive(pid: int) -> bool:
    """Whether a process of that id runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def holds_old_run(folder: Path) -> bool:
    """Whether an earlier run left its journal in the folder."""
    return (folder / JOURNAL_NAME).exists()


def move_old_run(folder: Path) -> Path:
    """Move an old run's files (and nothing else) to `<folder>.old-1`, `.old-2` ...

    Call it with the lock held. Where the parent folder cannot be written, they go to `old-1` ...
    inside the folder.

    Returns:
        The folder they are in now.
    Raises:
        OSError: no folder could be made or a file could not be moved.
    """
    target = _new_folder(folder)
    for name in _RUN_FILES:
        source = folder / name
        if source.exists() or source.is_symlink():
            os.rename(source, target / name)
    return target


def _new_folder(folder: Path) -> Path:
    """A fresh folder for an old run of `folder`."""
    whole = folder.resolve()
    beside = os.access(whole.parent, os.W_OK) and whole.parent != whole
    number = 1
    while True:
        name = f"{whole.name}.old-{number}" if beside else f"old-{number}"
        target = whole.with_name(name) if beside else whole / name
        try:
            target.mkdir()
            return target
        except FileExistsError:
            number += 1
