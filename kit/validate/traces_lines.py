"""Lines of a trace file: tasks and pieces as JSON values, and back.

The format is in `kit.validate.traces`. What it does not: open files (`kit.validate.traces_file`),
or check that a line is whole (`kit.arc.checked_lines`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kit.arc.grid import Grid, check_grid
from kit.arc.task import Pair, Task
from kit.budget.cost import measure_task
from kit.rank.pool import CandidatePool
from kit.validate.traces import Piece, TracedTask

VERSION = 1
"""Of the format."""


def head_line(
    machine: Mapping[str, Any],
    model: Mapping[str, Any],
    options: Mapping[str, Any],
    rank: Mapping[str, Any],
    levels: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """The first line of a trace, as it is read back."""
    line = {
        "kind": "trace", "v": VERSION, "machine": machine, "model": model, "options": options,
        "rank": rank, "levels": levels, "seed": seed,
    }  # fmt: skip
    return json.loads(json.dumps(line))


def task_line(traced: TracedTask) -> dict[str, Any]:
    """The line of a task."""
    task = traced.task
    size = measure_task(task)
    return {
        "kind": "task",
        "task": task.task_id,
        "source": traced.source,
        "train": [[_text(pair.input), _text(pair.output)] for pair in task.train],
        "test": [_text(grid) for grid in task.test],
        "answers": [_text(grid) for grid in traced.answers],
        "size": {
            "train_view_tokens": size.train_view_tokens,
            "prompt_tokens": list(size.prompt_tokens),
            "answer_tokens": list(size.answer_tokens),
        },
    }


def done_line(task_id: str, legs: Sequence[str]) -> dict[str, Any]:
    """The line that says that all pieces of these legs are there."""
    return {"kind": "done", "task": task_id, "legs": list(legs)}


_PLAIN = (
    "leg", "seed", "steps", "views", "search_s", "counts", "observed", "evidence", "right",
    "right_votes", "failure", "cut", "peak_rss_bytes",
)  # fmt: skip
"""Fields of a piece that are written as they are."""


def piece_line(piece: Piece) -> dict[str, Any]:
    """The line of a piece; texts of programs become digests."""
    candidates = tuple(
        replace(c, program=_digest(c.program)) if c.program else c for c in piece.pool.candidates
    )
    plain = {name: getattr(piece, name) for name in _PLAIN}
    stages = {name: round(seconds, 4) for name, seconds in piece.stage_s.items()}
    pool = CandidatePool(candidates, piece.pool.scores).to_json()
    return {"kind": "piece", "task": piece.task_id, **plain, "stage_s": stages, "pool": pool}


def read_task(line: Mapping[str, Any]) -> TracedTask:
    """The task of a line, without pieces."""
    pairs = tuple(Pair(_grid(given), _grid(wanted)) for given, wanted in line["train"])
    task = Task(line["task"], pairs, tuple(map(_grid, line["test"])))
    return TracedTask(task, tuple(map(_grid, line["answers"])), line["source"])


def read_piece(line: Mapping[str, Any]) -> Piece:
    """The piece of a line."""
    plain = {name: line[name] for name in _PLAIN}
    pool = CandidatePool.from_json(line["pool"])
    return Piece(task_id=line["task"], stage_s=line["stage_s"], pool=pool, **plain)


def _text(grid: Grid) -> str:
    return "|".join("".join(map(str, row)) for row in grid)


def _grid(text: str) -> Grid:
    return check_grid([[int(cell) for cell in row] for row in text.split("|")], "a grid")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
