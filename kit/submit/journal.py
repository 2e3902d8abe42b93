"""The run's memory: an append-only file of checked records, one JSON object a line.

What it does: one writer appends records and forces them to disk; `replay` reads them back after
any kind of death and cuts off what a dying process left half written.
What it does not: decide anything. A journal that cannot be written (disk full) never stops a run;
it says so once through `failure`, and a resumed run then knows less.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from kit.arc.checked_lines import decode_line, encode_line

Kind = Literal["run", "plan", "result", "prediction", "failure", "end"]
"""run: resolved options, task set and code of one start; plan: before it runs; result: candidates
and scores; prediction: the attempts chosen; failure: what a task lost; end: why a run stopped."""

VERSION = 1


class JournalError(ValueError):
    """The file is a journal of a format this code does not know."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal.

    Attributes:
        key: what the record is about, e.g. the digest of a plan, so that work is found again.
        data: JSON values only.
    """

    kind: Kind
    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a journal file still says.

    Attributes:
        records: the good records in order.
        good_bytes: length of the part of the file that holds them.
        torn_bytes: length of what follows and cannot be trusted.
    """

    records: tuple[Record, ...]
    good_bytes: int
    torn_bytes: int


def encode_record(record: Record) -> bytes:
    """The line of a record, line end included."""
    body = {"v": VERSION, "kind": record.kind, "key": record.key, "data": record.data}
    return encode_line(body)


def _decode_record(line: bytes) -> Record | None:
    """The record of one complete line (without its line end), None when it is damaged."""
    body = decode_line(line)
    if body is None:
        return None
    if body["v"] != VERSION or body["kind"] not in get_args(Kind):
        raise JournalError(
            f"a journal record of version {body['v']}, kind {body['kind']!r}; this code reads "
            f"version {VERSION}, kinds {', '.join(get_args(Kind))}"
        )
    return Record(body["kind"], body["key"], body["data"])


def replay(path: Path) -> Replay:
    """The records of a journal up to the first damaged one; a missing file holds none.

    Raises:
        JournalError: an intact record of another version.
        OSError: the file is there and cannot be read.
    """
    if not path.exists():
        return Replay((), 0, 0)
    content = path.read_bytes()
    records: list[Record] = []
    start = 0
    while (end := content.find(b"\n", start)) >= 0:
        record = _decode_record(content[start:end])
        if record is None:
            break
        records.append(record)
        start = end + 1
    return Replay(tuple(records), start, len(content) - start)


class Journal:
    """The single writer of a journal file.

    Attributes:
        failure: why the last write failed, in one line; None while all is well.
        lost: records that could not be written.
    """

    def __init__(self, path: Path, good_bytes: int = 0) -> None:
        """Open for appending behind the first `good_bytes` bytes; what follows them is cut off.

        An unwritable path is a failure like any other: reported, not raised.
        """
        self.path = path
        self.failure: str | None = None
        self.lost = 0
        self._good_bytes = good_bytes
        self._torn = False
        self._stream: io.FileIO | None = None
        try:
            path.touch()
            self._stream = open(path, "r+b", buffering=0)  # noqa: SIM115 (kept open)
            self._stream.truncate(good_bytes)
        except OSError as error:
            self.failure = f"{path}: {error.strerror}"

    def append(self, *records: Record, synced: bool = True) -> bool:
        """Write records one behind the other; False when that failed (see `failure`).

        Always writes behind the last good record, so that a write that failed or was interrupted
        half way never damages what comes after it. Records are kept or lost together.

        Args:
            synced: force them to disk; else only the end of this process cannot harm them, and
                the next that are forced take them along.
        """
        if self._stream is None:
            self.lost += len(records)
            return False
        try:
            lines = b"".join(map(encode_record, records))
            if self._torn:
                self._stream.truncate(self._good_bytes)
            self._torn = True
            _write_at(self._stream, lines, self._good_bytes)
            if synced:
                os.fsync(self._stream.fileno())
        except (OSError, ValueError, TypeError) as error:
            # Not only a full disk: a value without a form in JSON costs its record, not the run.
            reason = error.strerror if isinstance(error, OSError) else error
            self.failure = f"{self.path}: {reason}"
            self.lost += len(records)
            return False
        self._torn = False
        self._good_bytes += len(lines)
        self.failure = None
        return True

    def close(self) -> None:
        """Cut off a half-written record and close the file; a second call does nothing."""
        if self._stream is None:
            return
        try:
            self._stream.truncate(self._good_bytes)
        except OSError as error:
            self.failure = f"{self.path}: {error.strerror}"
        self._stream.close()
        self._stream = None


def _write_at(stream: io.FileIO, content: bytes, offset: int) -> None:
    """Write all bytes at an offset; the system may take them in several pieces."""
    stream.seek(offset)
    rest = memoryview(content)
    while rest:
        rest = rest[stream.write(rest) :]
