"""The tasks of an ablation: development tasks, or whatever is named, with their solutions.

What it does: joins several sets, leaves out by id, size and number. What it does not: look at the
tasks; they are chosen by size and name alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.arc.datasets import resolve_tasks
from kit.arc.names import did_you_mean
from kit.arc.solutions import dataset_solutions, resolve_solutions
from kit.arc.task import Solutions, Task
from kit.pretrain.dev_tasks import DEVELOPMENT
from kit.validate.bench_tasks import SOURCE, development_tasks, largest_tokens, smallest_first


def find_tasks(
    specs: Sequence[str] | None,
    ids_file: Path | None = None,
    solutions: str | None = None,
    max_tokens: int | None = None,
    limit: int | None = None,
) -> tuple[tuple[Task, ...], Solutions]:
    """Tasks smallest first, and their solutions.

    Args:
        specs: what `--tasks` may say, or "dev"; None for "dev".
        ids_file: task ids to keep, one a line; empty lines and those that begin with # count not.
        solutions: for a single spec; None for what belongs to the tasks.
        max_tokens: most tokens of a training view or prompt.
    Raises:
        ValueError: nothing is left, an unknown id, one id in two sets, or no solutions.
        OSError: a file cannot be read.
    """
    if solutions is not None and len(specs or ()) > 1:
        raise ValueError("--solutions goes with one --tasks; several find their own")
    found: dict[str, Task] = {}
    answers: dict[str, tuple] = {}
    for spec in specs or (DEVELOPMENT,):
        tasks, right = _one_set(spec, solutions)
        if twice := sorted(set(tasks) & set(found)):
            raise ValueError(f"task {twice[0]} is in more than one of the sets")
        found |= tasks
        answers |= right
    if ids_file is not None:
        found = _picked(found, ids_file)
    kept = [
        task
        for task in smallest_first(tuple(found.values()))
        if task.task_id in answers and (max_tokens is None or largest_tokens(task) <= max_tokens)
    ][:limit]
    if not kept:
        raise ValueError("no task with a solution is left of these; see --max-tokens and --limit")
    return tuple(kept), answers


def _one_set(spec: str, solutions: str | None) -> tuple[dict[str, Task], Solutions]:
    if spec == DEVELOPMENT:
        return {t.task_id: t for t in development_tasks()}, dataset_solutions(SOURCE)
    tasks = resolve_tasks(spec)
    right = resolve_solutions(solutions, tasks)
    if right is None:
        raise ValueError(f"{tasks.source}: no solutions are known for these; use --solutions")
    return dict(tasks.tasks), right


def _picked(tasks: dict[str, Task], ids_file: Path) -> dict[str, Task]:
    """The tasks whose ids are in the file."""
    lines = [line.strip() for line in ids_file.read_text(encoding="utf-8").splitlines()]
    ids = [line for line in lines if line and not line.startswith("#")]
    for task_id in ids:
        if task_id not in tasks:
            hint = did_you_mean(task_id, tasks)
            raise ValueError(f"{ids_file}: {task_id!r} is not one of the {len(tasks)} tasks{hint}")
    return {task_id: tasks[task_id] for task_id in ids}
