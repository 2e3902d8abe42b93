"""Trace files: lines with checksums in, `Trace` out, and back; the format is in `traces`.

What it does: reads `.jsonl` and `.jsonl.xz`, appends while recording, cuts off what a dying process
left half written, packs, merges. What it does not: run or judge anything.
"""

from __future__ import annotations

import hashlib
import lzma
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.arc.checked_lines import decode_line, encode_line
from kit.validate.traces import Piece, Trace, TracedTask
from kit.validate.traces_lines import (
    VERSION,
    done_line,
    piece_line,
    read_piece,
    read_task,
    task_line,
)

PACKED = ".xz"
"""How the name of a packed file ends."""


class TraceError(ValueError):
    """A file is no trace, or a damaged one; the message says which line and why."""


def read_trace(path: Path) -> Trace:
    """A recorded or packed trace.

    A torn end is left out, as it is what a dying recorder leaves; damage elsewhere is not.

    Raises:
        TraceError: no trace, another version, or damage; says where.
        OSError: the file cannot be read.
    """
    content = _unpacked(path)
    lines: list[dict[str, Any]] = []
    start = 0
    while (end := content.find(b"\n", start)) >= 0:
        line = decode_line(content[start:end])
        if line is None:
            if path.suffix == PACKED or content.find(b"\n", end + 1) >= 0:
                raise TraceError(f"{path}: line {len(lines) + 1} is damaged (checksum)")
            break
        if line["kind"] == "end":
            _check_end(path, line, content[:start], len(lines))
        lines.append(line)
        start = end + 1
    if not lines or lines[0].get("kind") != "trace":
        raise TraceError(f"{path}: no trace; its first line must be of kind trace")
    if lines[0].get("v") != VERSION:
        got = lines[0].get("v")
        raise TraceError(f"{path}: a trace of version {got}; this code reads version {VERSION}")
    if path.suffix == PACKED and lines[-1]["kind"] != "end":
        raise TraceError(f"{path}: cut off, a packed trace ends with a line of kind end")
    return Trace(lines[0], _read_tasks(path, lines[1:]), start)


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != PACKED:
        return content
    try:
        return lzma.decompress(content)
    except lzma.LZMAError as error:
        raise TraceError(f"{path}: not an xz file, or a damaged one: {error}") from error


def _check_end(path: Path, line: Mapping[str, Any], before: bytes, count: int) -> None:
    found = hashlib.sha256(before).hexdigest()
    if (line["lines"], line["sha256"]) != (count, found):
        raise TraceError(
            f"{path}: its last line promises {line['lines']} lines of sha256 "
            f"{line['sha256'][:12]}, there are {count} of {found[:12]}"
        )


def _read_tasks(path: Path, lines: Iterable[Mapping[str, Any]]) -> dict[str, TracedTask]:
    """The tasks with their pieces."""
    tasks: dict[str, TracedTask] = {}
    for number, line in enumerate(lines, 2):
        try:
            _read_line(line, tasks)
        except (KeyError, TypeError, ValueError) as error:
            kind = type(error).__name__
            raise TraceError(f"{path}: line {number} cannot be used: {kind}: {error}") from error
    return tasks


def _read_line(line: Mapping[str, Any], tasks: dict[str, TracedTask]) -> None:
    """Add what one line says."""
    if line["kind"] == "task":
        tasks[line["task"]] = read_task(line)
    elif line["kind"] == "piece":
        held = tasks[line["task"]]
        tasks[line["task"]] = replace(held, pieces=(*held.pieces, read_piece(line)))
    elif line["kind"] == "done":
        held = tasks[line["task"]]
        tasks[line["task"]] = replace(held, done=held.done | set(line["legs"]))
    elif line["kind"] != "end":
        raise ValueError(f"no kind of line: {line['kind']!r}")


class TraceFile:
    """A trace that is being recorded; what is in the file already is kept and gone on with."""

    def __init__(self, path: Path, head: Mapping[str, Any], keep: bool = True) -> None:
        """Open for appending.

        Args:
            keep: write; else the file stays as it is, and is only asked what it holds.
        Raises:
            TraceError: the file is packed, damaged, or was recorded with something else.
            OSError: it cannot be read or written.
        """
        if path.suffix == PACKED:
            raise TraceError(f"{path}: packed traces are not recorded into; leave out {PACKED}")
        self._path, self._keep = path, keep
        self.tasks: dict[str, TracedTask] = {}
        if not path.exists() or not path.stat().st_size:
            self._append([head])
            return
        held = read_trace(path)
        if held.head != head:
            wrong = ", ".join(name for name in head if head[name] != held.head.get(name))
            raise TraceError(f"{path}: recorded with different {wrong}; use another file")
        if keep:
            os.truncate(path, held.good_bytes)
        self.tasks = dict(held.tasks)

    def add_task(self, traced: TracedTask) -> None:
        """Keep a task that is not in the file yet."""
        if traced.task.task_id not in self.tasks:
            self._append([task_line(traced)])
            self.tasks[traced.task.task_id] = traced

    def add_piece(self, piece: Piece) -> None:
        """Keep one piece of a task that is in the file."""
        self._append([piece_line(piece)])
        held = self.tasks[piece.task_id]
        self.tasks[piece.task_id] = replace(held, pieces=(*held.pieces, piece))

    def finish(self, task_id: str, legs: Sequence[str]) -> None:
        """Note that a task has all pieces of these legs."""
        self._append([done_line(task_id, legs)])
        held = self.tasks[task_id]
        self.tasks[task_id] = replace(held, done=held.done | set(legs))

    def _append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        if not self._keep:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as stream:
            stream.write(b"".join(map(encode_line, lines)))


def pack(path: Path, out: Path) -> int:
    """Write a checked copy of a trace, compressed, tasks and pieces in a stable order; its bytes.

    Raises:
        TraceError, OSError: the trace cannot be used, or the copy not be written.
    """
    trace = read_trace(path)
    lines = b"".join(map(encode_line, _ordered(trace)))
    count, digest = lines.count(b"\n"), hashlib.sha256(lines).hexdigest()
    end = encode_line({"kind": "end", "lines": count, "sha256": digest})
    packed = lzma.compress(lines + end, preset=9 | lzma.PRESET_EXTREME)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(packed)
    return len(packed)


def _ordered(trace: Trace) -> Iterator[Mapping[str, Any]]:
    """The lines of a trace without its end."""
    yield trace.head
    for _, traced in sorted(trace.tasks.items()):
        yield task_line(traced)
        yield from map(piece_line, sorted(traced.pieces, key=lambda piece: piece.key))
        if traced.done:
            yield done_line(traced.task.task_id, sorted(traced.done))


def read_traces(paths: Sequence[Path]) -> Trace:
    """Several files as one: parts of one recording, or recordings of different tasks.

    Raises:
        TraceError: recorded with different models, options or levels, or a task that is in two.
    """
    traces = [read_trace(path) for path in paths]
    tasks: dict[str, TracedTask] = {}
    for path, trace in zip(paths, traces, strict=True):
        for name in ("model", "options", "rank", "levels"):
            if trace.head[name] != traces[0].head[name]:
                raise TraceError(f"{path}: recorded with different {name} than {paths[0]}")
        if twice := sorted(tasks.keys() & trace.tasks.keys()):
            raise TraceError(f"{path}: task {twice[0]} is in another file too")
        tasks |= trace.tasks
    return Trace(traces[0].head, tasks)
