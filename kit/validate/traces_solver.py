"""What a recorder's worker opens: the product's solver, with adapters that are trained once.

What it does: works on items as a run does, and keeps every adapter, so that asking it under more or
fewer views costs no second training. Seconds may be those of the processor, so that others who use
the machine meanwhile do not make work look dearer than it is. What it does not: change any answer;
training is the same function of task, seed and steps whether it happens now or was kept.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal

from kit.arc.seeds import derive_seed
from kit.augment.views import View
from kit.budget.clock import Clock, Deadline, SystemClock
from kit.finetune.adapter_dir import open_adapter
from kit.finetune.trainer import Adapter, FitReport, Trainer
from kit.solve.phases import solve_item
from kit.solve.searching import search_item, warm_up
from kit.solve.toolbox import Toolbox, open_toolbox, read_settings
from kit.solve.work import Publish, WorkItem, WorkResult, discard

Seconds = Literal["cpu", "wall"]
"""cpu: those this process computes, for workers of one thread without a GPU; wall: as they pass."""

FACTORY = "kit.validate.traces_solver:open_solver"

TRIAL_STEPS, TRIAL_S = 2, 5.0
"""Steps of the training, and seconds of the search, that a worker's first item is preceded by."""

_REPORT = "report.json"
"""Beside a kept adapter: `FitReport`, and the seconds that its training took."""


def kept_folder(memo: Path, task_id: str, seed: int, num_steps: int) -> Path:
    """Where the adapter of one training is kept.

    Args:
        seed: that the trainer is given.
    """
    return memo / f"{derive_seed(seed, task_id, num_steps):016x}"


def training_seed(plan_seed: int, task_id: str) -> int:
    """The seed that a plan's training is given (`kit.solve.phases`)."""
    return derive_seed(plan_seed, task_id, "train")


def training_s(folder: Path) -> float:
    """Seconds that the training of a kept adapter took; 0 where none is kept."""
    path = folder / _REPORT
    return json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.is_file() else 0.0


class ProcessClock:
    """Seconds that this process has computed; a clock that stands still while others compute."""

    def now_s(self) -> float:
        """Seconds of `time.process_time`."""
        return time.process_time()


class KeepingTrainer:
    """Implements `Trainer` through another one; adapters stay in `memo`."""

    def __init__(self, trainer: Trainer, memo: Path, clock: Clock) -> None:
        self._trainer = trainer
        self._memo = memo
        self._clock = clock

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """See `Trainer.fit`; the adapter is not in `out` but among those that are kept."""
        folder = kept_folder(self._memo, task_id, seed, num_steps)
        kept = folder / _REPORT
        if kept.is_file():
            held = json.loads(kept.read_text(encoding="utf-8"))
            report = FitReport(**held["report"] | {"losses": tuple(held["report"]["losses"])})
            return open_adapter(folder / "adapter", task_id, held["method"]), report
        # What a training that failed or died has left is no adapter.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        began_s = self._clock.now_s()
        adapter, report = self._trainer.fit(
            task_id, views, num_steps, seed, folder / "adapter", deadline
        )
        seconds = self._clock.now_s() - began_s
        held = {"seconds": seconds, "method": adapter.method, "report": asdict(report)}
        kept.write_text(json.dumps(held), encoding="utf-8")
        return adapter, report

    def close(self) -> None:
        """Close the trainer behind this one."""
        self._trainer.close()


class TraceSolver:
    """Implements `kit.solve.work.Solver`; the model is loaded when the first item asks for it."""

    def __init__(self, settings: Mapping[str, object], threads: int, scratch: Path) -> None:
        """Open nothing yet.

        Args:
            settings: toolbox (of `ToolboxSettings`), memo (folder for adapters), seconds (of
                `Seconds`).
        """
        self._settings = settings
        self._threads = threads
        self._scratch = scratch
        self._toolbox: Toolbox | None = None
        self._warm: set[str] = set()

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        """Work on one item by its leg; with seconds of the processor the deadline is the
        parent's to keep."""
        if self._settings["seconds"] == "cpu":
            item, clock = replace(item, deadline_s=math.inf), ProcessClock()
        if item.plan.leg not in self._warm:
            # What is compiled, loaded or allocated once is no cost of the first task.
            self._warm.add(item.plan.leg)
            self._work(_trial(item), clock, discard)
        return self._work(item, clock, publish)

    def _work(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        if item.plan.leg == "search":
            return search_item(item, clock)
        return solve_item(item, self._open(clock), clock, publish)

    def _open(self, clock: Clock) -> Toolbox:
        if self._toolbox is None:
            settings = read_settings(dict(self._settings["toolbox"]))  # type: ignore[call-overload]
            opened = open_toolbox(settings, self._threads, self._scratch)
            memo = Path(str(self._settings["memo"]))
            trainer = KeepingTrainer(opened.trainer, memo, clock)
            self._toolbox = replace(opened, trainer=trainer)
        return self._toolbox

    def close(self) -> None:
        """Free the model."""
        if self._toolbox is not None:
            self._toolbox.close()
            self._toolbox = None


def _trial(item: WorkItem) -> WorkItem:
    """A version of an item that goes through all of its stages and takes little time."""
    plan = item.plan
    if plan.leg == "search":
        return replace(item, plan=replace(plan, search_s=max(TRIAL_S, plan.search_s)))
    return replace(item, plan=replace(plan, num_steps=TRIAL_STEPS, num_train_views=2 * TRIAL_STEPS))


def open_solver(settings: Mapping[str, object], threads: int, scratch: Path) -> TraceSolver:
    """The factory named by `FACTORY`; compiles or loads what the search needs first, so that the
    first slice is not charged for it."""
    warm_up(SystemClock())
    return TraceSolver(settings, threads, scratch)
