"""JSON files written by other people, read with errors that name the place.

What it does: reads one file of UTF-8 JSON, refuses everything else in one line with file, line and
column, and keeps what plain `json` would lose (a key that an object has twice).
What it does not: know what the file should hold (`kit.arc.files`, `kit.arc.solutions`).
"""

from __future__ import annotations

import codecs
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kit.arc.grid import Grid, GridError, check_grid, describe

MAX_FILE_BYTES = 512 * 2**20
"""Larger files are refused: all ARC sets together are below 10 MB, and a wrong path should not
fill the memory."""

MAX_ID_CHARS = 200
"""Task ids become names of files; the longest in public sets (Mini-ARC) has 106 characters."""

_OTHER_ENCODINGS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    ("UTF-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, b"\0\0\0")),
    ("UTF-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)


class TaskFileError(ValueError):
    """A file of tasks or solutions cannot be used; one line with file, task id and position."""


@dataclass(frozen=True, slots=True)
class Twice:
    """Stands where the file had an object with one key more than once."""

    key: str


def read_json(path: Path) -> object:
    """The value in a JSON file; an object with a repeated key is a `Twice`.

    A UTF-8 byte order mark is accepted. NaN and Infinity come back as floats, for the caller to
    refuse with their position.

    Raises:
        TaskFileError: missing, unreadable, empty, not UTF-8, not JSON, or nested too deep.
    """
    text = _decode(_read_bytes(path), path)
    if not text.strip():
        raise TaskFileError(f"{path}: the file is empty")
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        early = " (the file ends too early)" if error.pos >= len(text.rstrip()) else ""
        raise TaskFileError(
            f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}{early}"
        ) from error
    except RecursionError:
        # Without its cause, which is a stack of a thousand equal lines.
        raise TaskFileError(f"{path}: nested too deep to be a file of grids") from None
    except ValueError as error:
        # Python refuses to read integers of more than 4300 digits.
        raise TaskFileError(f"{path}: a number is too long: {error}") from error


def as_object(value: object, where: str, what: str) -> dict[str, object]:
    """`value` if it is a JSON object.

    Raises:
        TaskFileError: it is something else, or has a key twice.
    """
    if isinstance(value, Twice):
        raise TaskFileError(f"{where}: {shown(value.key)!r} appears twice in {what}")
    if not isinstance(value, dict):
        raise TaskFileError(f"{where}: {what} must be an object, got {describe(value)}")
    return value


def as_grid(value: object, where: str) -> Grid:
    """The grid that `value` spells.

    Raises:
        TaskFileError: it spells none; the message names row and column.
    """
    try:
        return check_grid(value, where)
    except GridError as error:
        raise TaskFileError(str(error)) from error


def shown(key: str) -> str:
    """A key as it may stand in a message: one line, printable, at most 60 characters."""
    text = key if key.isprintable() else json.dumps(key)[1:-1]
    return text if len(text) <= 60 else text[:57] + "..."


def check_task_id(task_id: str, where: str) -> None:
    """Refuse ids that could not name a file.

    Raises:
        TaskFileError: empty, too long, not printable, or with a path separator.
    """
    unfit = (
        not task_id.strip(" .")
        or len(task_id) > MAX_ID_CHARS
        or not task_id.isprintable()
        or any(char in task_id for char in "/\\")
    )
    if unfit:
        raise TaskFileError(
            f"{where}: {shown(task_id)!r} cannot be a task id: one has 1 to "
            f"{MAX_ID_CHARS} printable characters, and no / or \\"
        )


def _read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        TaskFileError: it cannot be read, for whatever reason.
    """
    # os.path answers no where Path raises (a name too long, a folder without permission).
    if os.path.islink(path) and not os.path.exists(path):
        raise TaskFileError(f"{path}: a link to {os.readlink(path)}, which does not exist")
    try:
        with open(path, "rb") as stream:
            content = _read_up_to(stream, MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise TaskFileError(f"{path}: no such file") from error
    except OSError as error:
        raise TaskFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise TaskFileError(f"{path}: larger than {MAX_FILE_BYTES // 2**20} MiB")
    return content


def _read_up_to(stream: BinaryIO, limit: int) -> bytes:
    """The first `limit` bytes, in blocks: asked for at once, Python would reserve them all."""
    content = bytearray()
    while len(content) < limit and (block := stream.read(2**20)):
        content += block
    return bytes(content)


def _decode(content: bytes, path: Path) -> str:
    """UTF-8 text.

    Raises:
        TaskFileError: another encoding, named where it can be told.
    """
    for name, marks in _OTHER_ENCODINGS:
        if content.startswith(marks):
            raise TaskFileError(f"{path}: {name} text; save it as UTF-8")
    # JSON begins with ASCII, so a zero byte among the first two is half of a UTF-16 character.
    if b"\0" in content[:2]:
        raise TaskFileError(f"{path}: UTF-16 text or no text at all; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TaskFileError(
            f"{path}, line {line}: not UTF-8 text (byte 0x{content[error.start]:02x} at offset "
            f"{error.start}); save it as UTF-8"
        ) from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object] | Twice:
    """The object of these members, or the first key that it has twice."""
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return Twice(key)
        seen.add(key)
    raise AssertionError("fewer members than pairs, and no key twice")
