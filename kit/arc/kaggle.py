"""The contest's input on Kaggle: where it is mounted, and what its sample submission demands.

What it does: finds the challenges under `<root>/<slug>/` or `<root>/competitions/<slug>/`, and
holds ids, order and counts against `sample_submission.json`.
What it does not: read anything of other datasets attached to a notebook than the names of files
in their first folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kit.arc.files import CHALLENGES, TaskSet, challenges_in, list_folder, load_tasks
from kit.arc.grid import describe
from kit.arc.json_file import TaskFileError, as_object, read_json, shown
from kit.arc.task import Task

KAGGLE_ROOT = Path("/kaggle/input")

SAMPLE_NAME = "sample_submission.json"

_CONTEST = "arc-prize"


def find_challenges(root: Path = KAGGLE_ROOT) -> Path | None:
    """The challenges file of the contest, None where there is none.

    Of several folders the one with a `*_test_challenges.json` wins, then one of the ARC Prize,
    then the last by name (slugs carry the year), then the one directly below `root`.
    """
    best = max(_input_folders(root), key=_preference, default=None)
    return challenges_in(best)[0] if best is not None else None


def load_with_sample(path: Path) -> TaskSet:
    """The tasks of a file or folder; those of a contest's test in the order of the sample
    submission beside them, if there is one.

    Raises:
        TaskFileError: a bad file, or other ids or counts than in the sample submission.
    """
    tasks = load_tasks(path)
    # Beside the training or evaluation tasks lies the sample of the test tasks: not theirs.
    if tasks.path is None or not tasks.path.name.endswith("_test" + CHALLENGES):
        return tasks
    sample = tasks.path.with_name(SAMPLE_NAME)
    return match_sample(tasks, sample) if os.path.lexists(sample) else tasks


def match_sample(tasks: TaskSet, sample: Path) -> TaskSet:
    """The same tasks in the order of a sample submission.

    Raises:
        TaskFileError: an id is only in one of both, or a count of test inputs differs.
    """
    counts = _sample_counts(sample)
    _refuse_ids("is not in", [name for name in tasks.tasks if name not in counts], tasks, sample)
    _refuse_ids("is only in", [name for name in counts if name not in tasks.tasks], tasks, sample)
    for name, count in counts.items():
        num_tests = len(tasks.tasks[name].test)
        if num_tests != count:
            raise TaskFileError(
                f"{tasks.source}: task {name}: {num_tests} test inputs, but {count} in {sample}"
            )
    ordered: Mapping[str, Task] = {name: tasks.tasks[name] for name in counts}
    return replace(tasks, tasks=ordered, sample=sample)


def _input_folders(root: Path) -> list[Path]:
    """Folders of attached data that hold challenges."""
    folders = []
    for parent in (root, root / "competitions"):
        if os.path.isdir(parent):
            folders += [path for path in list_folder(parent) if os.path.isdir(path)]
    return [folder for folder in folders if challenges_in(folder)]


def _preference(folder: Path) -> tuple[bool, bool, str, bool]:
    """What makes a folder more likely to be the contest's, most telling first."""
    first = challenges_in(folder)[0].name
    return (
        first.endswith("_test" + CHALLENGES),
        _CONTEST in folder.name,
        folder.name,
        folder.parent.name != "competitions",
    )


def _sample_counts(sample: Path) -> dict[str, int]:
    """Task id -> number of test inputs."""
    content = as_object(read_json(sample), str(sample), "a sample submission")
    for name, answers in content.items():
        if not isinstance(answers, list):
            raise TaskFileError(
                f"{sample}: task {shown(name)}: must be a list of answers, got {describe(answers)}"
            )
    return {name: len(answers) for name, answers in content.items() if isinstance(answers, list)}


def _refuse_ids(how: str, ids: list[str], tasks: TaskSet, sample: Path) -> None:
    """Refuse ids that are on one side only."""
    if ids:
        more = f" (and {len(ids) - 1} more)" if len(ids) > 1 else ""
        raise TaskFileError(f"{tasks.source}: task {shown(ids[0])}{more} {how} {sample}")
