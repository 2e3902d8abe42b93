"""Tasks as the solver sees them: demonstrations and test inputs, never a test output.

Solutions live in a separate type that only `kit.validate` and the entry point's observer handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.arc.grid import Grid


@dataclass(frozen=True, slots=True)
class Pair:
    """One demonstration."""

    input: Grid
    output: Grid


@dataclass(frozen=True, slots=True)
class Task:
    """One ARC task without its answers: it has no field that could hold them."""

    task_id: str
    train: tuple[Pair, ...]
    test: tuple[Grid, ...]


def task_content(task: Task) -> dict[str, list[dict[str, Grid]]]:
    """What a task file holds of a task, as JSON values."""
    return {
        "train": [{"input": pair.input, "output": pair.output} for pair in task.train],
        "test": [{"input": grid} for grid in task.test],
    }


Solutions = Mapping[str, tuple[Grid, ...]]
"""Task id -> one output grid per test input, in order."""
