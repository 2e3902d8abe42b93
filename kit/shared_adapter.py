"""The adapter that all tasks of a run share, from one start of the run to the next.

What it does: notes its checksum beside it, and takes it over only when it is still the same. What
it does not: train it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from kit.arc.whole_file import replace_file
from kit.finetune.adapter_dir import AdapterError, open_adapter
from kit.finetune.trainer import Adapter


class DamagedAdapterError(ValueError):
    """It is not what was trained; it has been removed, and is to be trained again."""


def note_adapter(adapter: Adapter) -> None:
    """Remember what an adapter that was trained just now looks like.

    Raises:
        OSError: it cannot be noted; the next start will train it again.
    """
    replace_file(_note_of(adapter.path), adapter.sha256.encode("ascii"))


def take_over_adapter(path: Path, task_id: str, method: Literal["lora", "full"]) -> Adapter | None:
    """The adapter that an earlier start has left at `path`, None when there is none.

    Raises:
        DamagedAdapterError: it is damaged, or nothing says that it is not.
    """
    if not path.exists():
        return None
    try:
        adapter = open_adapter(path, task_id, method)
        noted = _note_of(path).read_text(encoding="ascii", errors="replace")
    except (AdapterError, OSError) as error:
        _remove(path)
        raise DamagedAdapterError(f"{path}: cannot be taken over: {error}") from error
    if adapter.sha256 != noted:
        _remove(path)
        raise DamagedAdapterError(f"{path}: has changed since it was trained")
    return adapter


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    _note_of(path).unlink(missing_ok=True)
