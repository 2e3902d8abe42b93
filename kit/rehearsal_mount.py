"""The contest's input as Kaggle mounts it, made in a folder; tasks can be swapped as Kaggle does.

What it does: draws tasks nobody has seen under these names from the public training set, writes
them in either of Kaggle's two layouts, takes the right to write away, and notices changes. What it
does not: know any solution.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.arc.datasets import load_dataset
from kit.arc.grid import NUM_COLOURS
from kit.arc.kaggle import SAMPLE_NAME
from kit.arc.seeds import derive_seed, python_rng
from kit.arc.task import Pair, Task, task_content
from kit.augment.transform import Transform

Layout = Literal["slug", "competitions"]

LAYOUTS: tuple[Layout, ...] = ("slug", "competitions")
"""<root>/<slug>/ and <root>/competitions/<slug>/."""

SOURCE = "arc2-train"
SLUG = "arc-prize-2026-arc-agi-2"
CHALLENGES_NAME = "arc-agi_test_challenges.json"


def hidden_tasks(count: int, seed: int, source: Sequence[Task] | None = None) -> tuple[Task, ...]:
    """Training tasks in other colours, mirrored or turned, under new names.

    Args:
        source: tasks to draw from, with repeats where they are fewer; None for SOURCE.
    Raises:
        TaskFileError: the set is not installed.
    """
    known = list(source if source is not None else load_dataset(SOURCE).tasks.values())
    rng = python_rng(seed, "hidden")
    chosen = [rng.choice(known) for _ in range(max(0, count - len(known)))]
    chosen += rng.sample(known, min(count, len(known)))
    return tuple(_relabelled(task, seed, place) for place, task in enumerate(chosen))


def _relabelled(task: Task, seed: int, place: int) -> Task:
    rng = python_rng(seed, "relabelled", place)
    transform = Transform(rng.randrange(8), tuple(rng.sample(range(NUM_COLOURS), NUM_COLOURS)))
    pairs = tuple(Pair(transform.apply(p.input), transform.apply(p.output)) for p in task.train)
    name = f"{derive_seed(seed, 'name', place) % 16**8:08x}"
    return Task(name, pairs, tuple(map(transform.apply, task.test)))


@dataclass(slots=True)
class Mount:
    """One input folder.

    Attributes:
        root: stands for /kaggle/input.
    """

    root: Path
    layout: Layout

    @property
    def folder(self) -> Path:
        """Where the contest's files lie."""
        parent = self.root if self.layout == "slug" else self.root / "competitions"
        return parent / SLUG

    def put(self, tasks: Sequence[Task]) -> None:
        """Swap these tasks in, in place of any before."""
        self.release()
        self.folder.mkdir(parents=True, exist_ok=True)
        challenges = {task.task_id: task_content(task) for task in tasks}
        blank = [[0, 0], [0, 0]]
        sample = {
            task.task_id: [{"attempt_1": blank, "attempt_2": blank} for _ in task.test]
            for task in tasks
        }
        for name, content in ((CHALLENGES_NAME, challenges), (SAMPLE_NAME, sample)):
            (self.folder / name).write_text(json.dumps(content), encoding="utf-8")
        self._allow(0o444, 0o555)

    def release(self) -> None:
        """Let the folder be written to, and deleted."""
        if self.root.exists():
            self._allow(0o644, 0o755)

    def digest(self) -> str:
        """A name of everything below the root: whether anything was changed."""
        found = hashlib.sha256()
        for path in sorted(self.root.rglob("*")):
            found.update(str(path.relative_to(self.root)).encode())
            found.update(path.read_bytes() if path.is_file() else b"")
        return found.hexdigest()

    def _allow(self, file_mode: int, folder_mode: int) -> None:
        for path in [self.root, *sorted(self.root.rglob("*"))]:
            os.chmod(path, folder_mode if path.is_dir() else file_mode)
