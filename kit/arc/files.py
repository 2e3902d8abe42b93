"""Task files: Kaggle's challenges, combined files, folders of single tasks, one single task.

What it does: tells these layouts apart, checks everything, keeps the order of the file.
What it does not: keep a test output. Where a file has them they are skipped here, unread, and
only `kit.arc.solutions` looks at them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.grid import Grid, describe
from kit.arc.json_file import (
    TaskFileError,
    Twice,
    as_grid,
    as_object,
    check_task_id,
    read_json,
)
from kit.arc.names import did_you_mean
from kit.arc.task import Pair, Task

CHALLENGES, SOLUTIONS = "_challenges.json", "_solutions.json"
"""How Kaggle's file names end."""


@dataclass(frozen=True, slots=True)
class TaskSet:
    """Tasks and where they came from.

    Attributes:
        tasks: task id -> task, in the order of the file (folders: by file name). Never empty.
        source: for people: a path or the name of a known set, with a few words.
        path: what was read; None for a known set.
        dataset: canonical name of a known set (`kit.arc.datasets`), else None.
        sample: the `sample_submission.json` that ids, order and counts were checked against.
    """

    tasks: Mapping[str, Task]
    source: str
    path: Path | None = None
    dataset: str | None = None
    sample: Path | None = None

    @property
    def num_tests(self) -> int:
        """Test inputs of all tasks."""
        return sum(len(task.test) for task in self.tasks.values())

    def pick(self, ids: Iterable[str]) -> tuple[Task, ...]:
        """The tasks of these ids, in the order asked for.

        Raises:
            TaskFileError: an id is not in the set.
        """
        return tuple(self.tasks[self._known(task_id)] for task_id in ids)

    def _known(self, task_id: str) -> str:
        """The id, if a task has it."""
        if task_id not in self.tasks:
            hint = did_you_mean(task_id, self.tasks)
            raise TaskFileError(
                f"{self.source}: no task {task_id!r} among its {len(self.tasks)}{hint}"
            )
        return task_id


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file holds under one task id, not yet checked.

    Attributes:
        where: file and task id, the beginning of every message about it.
        content: a JSON value.
    """

    task_id: str
    where: str
    content: object


def load_tasks(path: Path | str) -> TaskSet:
    """The tasks of a file or folder; test outputs are left behind.

    Args:
        path: Kaggle's `*_challenges.json`, one combined file, a file with one task, a folder with
            one file per task (the name without .json is the id), or a folder with one
            `*_challenges.json` (or a `*_test_challenges.json` among several).
    Raises:
        TaskFileError: anything about it is wrong.
    """
    chosen = _challenges_of(Path(path))
    tasks = parse_tasks(read_entries(chosen))
    return TaskSet(tasks, source=str(chosen), path=chosen)


def parse_tasks(entries: Sequence[Entry]) -> dict[str, Task]:
    """The tasks held by entries, in their order.

    Raises:
        TaskFileError: an entry is no task.
    """
    return {entry.task_id: _task(entry) for entry in entries}


def challenges_in(folder: Path) -> list[Path]:
    """The Kaggle challenges files of a folder: test, evaluation, training, then others by name."""
    kinds = ("_test", "_evaluation", "_training")

    def rank(path: Path) -> tuple[int, str]:
        stem = path.name.removesuffix(CHALLENGES)
        ranks = (place for place, kind in enumerate(kinds) if stem.endswith(kind))
        return next(ranks, len(kinds)), path.name

    names = (path for path in list_folder(folder) if path.name.endswith(CHALLENGES))
    return sorted(names, key=rank)


def list_folder(folder: Path) -> list[Path]:
    """What a folder holds, by name, hidden things left out.

    Raises:
        TaskFileError: it cannot be listed.
    """
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise TaskFileError(f"{folder}: cannot be listed: {error.strerror or error}") from error


def read_entries(path: Path) -> list[Entry]:
    """One entry per task of a file or folder, in order.

    Raises:
        TaskFileError: no file or folder of tasks; entries themselves are not checked.
    """
    if os.path.isdir(path):
        return _folder_entries(path)
    content = as_object(read_json(path), str(path), "a file of tasks")
    if is_task(content):
        return [_entry(path, path.stem, content)]
    if not content:
        raise TaskFileError(f"{path}: holds no task")
    return [_entry(path, task_id, value) for task_id, value in content.items()]


def is_task(content: object) -> bool:
    """Whether a JSON value is meant to be a single task, rather than tasks by id."""
    return isinstance(content, dict) and any(
        name in content and not isinstance(content[name], dict) for name in ("train", "test")
    )


def test_items(entry: Entry) -> list[dict[str, object]]:
    """The test entries of a task, not yet checked inside.

    Raises:
        TaskFileError: there are none, or one is no object.
    """
    content = as_object(entry.content, entry.where, "a task")
    return _items(content, "test", entry.where)


def _entry(path: Path, task_id: str, content: object) -> Entry:
    """An entry whose id is fit to name a task."""
    check_task_id(task_id, str(path))
    return Entry(task_id, f"{path}: task {task_id}", content)


def _challenges_of(path: Path) -> Path:
    """The file to read for a path: the one challenges file of a folder that has any."""
    if not os.path.isdir(path):
        return path
    found = challenges_in(path)
    if not found:
        return path
    if len(found) > 1 and not found[0].name.endswith("_test" + CHALLENGES):
        names = ", ".join(file.name for file in found)
        raise TaskFileError(f"{path}: several files of tasks in it, give one of them: {names}")
    return found[0]


def _folder_entries(folder: Path) -> list[Entry]:
    """One entry per JSON file."""
    listed = list_folder(folder)
    files = [path for path in listed if path.suffix.lower() == ".json" and not os.path.isdir(path)]
    if not files:
        inner = [path.name for path in listed if os.path.isdir(path)]
        hint = f"; its folders are {', '.join(inner[:5])}" if inner else ""
        raise TaskFileError(f"{folder}: no .json file in it{hint}")
    entries: dict[str, Entry] = {}
    for path in files:
        content = read_json(path)
        if isinstance(content, dict) and not is_task(content):
            raise TaskFileError(
                f'{path}: a file in a folder of tasks must hold one task ("train" and "test"), '
                f"got keys {', '.join(list(content)[:3])[:60] or 'none'}"
            )
        if path.stem in entries:
            raise TaskFileError(f"{path}: task {path.stem} is in another file of this folder too")
        entries[path.stem] = _entry(path, path.stem, content)
    return list(entries.values())


def _task(entry: Entry) -> Task:
    """The task of an entry."""
    if isinstance(entry.content, list):
        raise TaskFileError(f"{entry.where}: {_list_mistake(entry.content)}")
    content = as_object(entry.content, entry.where, "a task")
    train = [
        _pair(item, f"{entry.where} train[{index}]")
        for index, item in enumerate(_items(content, "train", entry.where))
    ]
    test = [
        _member(item, "input", f"{entry.where} test[{index}]")
        for index, item in enumerate(_items(content, "test", entry.where))
    ]
    return Task(entry.task_id, tuple(train), tuple(test))


def _items(content: Mapping[str, object], part: str, where: str) -> list[dict[str, object]]:
    """The objects of a task's "train" or "test"."""
    if part not in content:
        raise TaskFileError(f'{where}: no "{part}"')
    items = content[part]
    if not isinstance(items, list) or not items:
        got = "none" if items == [] else describe(items)
        raise TaskFileError(f'{where}: "{part}" must be a list of at least one pair, got {got}')
    return [
        as_object(item, f"{where} {part}[{index}]", "a pair") for index, item in enumerate(items)
    ]


def _pair(item: Mapping[str, object], where: str) -> Pair:
    """The demonstration of an item."""
    return Pair(_member(item, "input", where), _member(item, "output", where))


def _member(item: Mapping[str, object], name: str, where: str) -> Grid:
    """The grid under a name."""
    if name not in item:
        raise TaskFileError(f'{where}: no "{name}"')
    return as_grid(item[name], f"{where}.{name}")


def _list_mistake(content: Sequence[object]) -> str:
    """What a file seems to be that has lists where tasks should be."""
    if content and isinstance(content[0], dict | Twice):
        return "a task must be an object, got a list of objects; is this a submission?"
    return (
        "a task must be an object, got a list; is this a solutions file? "
        f"The tasks are in the file whose name ends in {CHALLENGES}"
    )
