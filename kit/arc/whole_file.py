"""Files that appear whole or not at all.

What it does: puts new content in a file's place in one step. What it does not: make folders.
"""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically: a temporary one beside it, forced to disk, renamed over it.

    Raises:
        OSError: nothing was changed and the temporary file is gone.
    """
    # A link at `path` stays a link: what it points to is replaced, in that file's own folder.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        # A full disk names no file, and nobody knows the temporary one.
        error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Force renames in a folder to disk where the system can (Windows cannot open a folder)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
