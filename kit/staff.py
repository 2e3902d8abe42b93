"""What the options mean on this machine: the model, the workers that open it, the scheduler.

What it does: joins the stages' own constructors with the options that each of them needs, once for
the program and for `kit.solve`. What it does not: import torch; workers do, after they are started.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.task import Task
from kit.budget.legs import LegScheduler
from kit.budget.scheduler import Scheduler, open_scheduler
from kit.budget.searching import open_search
from kit.budget.writing import open_writing
from kit.config import Config, ConfigError
from kit.induce.writing.settings import WritingConfig
from kit.solve.toolbox import ToolboxSettings, solver_spec
from kit.solve.work import SolverSpec
from kit.workers.devices import gpu_devices
from kit.workers.executor import (
    Executor,
    Staffing,
    choose_staffing,
    open_executor,
    weights_bytes,
)


def check_model(path: Path) -> None:
    """Refuse a model folder that no worker could open, before any worker tries.

    Raises:
        ConfigError: no folder, no readable config.json, or no safetensors weights.
    """
    if not path.is_dir():
        raise ConfigError(f"--model {path}: no such folder")
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigError(f"--model {path}: config.json cannot be read: {why}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"--model {path}: config.json holds no object")
    if not weights_bytes(path):
        raise ConfigError(f"--model {path}: no *.safetensors in it (nothing else is ever loaded)")


def check_sandbox(programs: WritingConfig) -> None:
    """Refuse to have programs written that could not be run.

    Raises:
        ConfigError: no sandbox works here, or only a weak one and that is not allowed.
    """
    if not programs.is_on:
        return
    # Imported late: most runs have no use for it, and the first answer file shall not wait.
    from kit.induce.sandbox.sandbox import SandboxError, open_sandbox

    try:
        open_sandbox(programs.allow_weak_sandbox).close()
    except SandboxError as error:
        raise ConfigError(str(error)) from error


def model_bytes(config: Config) -> int:
    """Size of the weights; 0 where these options need no model."""
    return weights_bytes(config.solve.model) if config.solve.legs != "search" else 0


def shares_adapter(config: Config) -> bool:
    """Whether one adapter is trained for all tasks."""
    return config.finetune.shared and config.solve.legs != "search"


def staff(config: Config, devices: Sequence[str] | None = None) -> Staffing:
    """How many workers with how many threads these options get.

    Args:
        devices: GPUs; None for those of this machine.
    """
    found = gpu_devices() if devices is None else devices
    searches = config.solve.legs != "ttt"
    return choose_staffing(config.workers, model_bytes(config), len(found), searches)


def worker_spec(config: Config) -> SolverSpec:
    """What every worker opens."""
    return solver_spec(
        ToolboxSettings(
            config.solve, config.augment, config.finetune, config.generate, config.programs
        )
    )


def start_workers(config: Config, folder: Path) -> Executor:
    """The executor that the options ask for; its logs and scratch files lie in `folder`."""
    return open_executor(config.workers, worker_spec(config), staff(config), folder)


def schedule(
    config: Config, tasks: Sequence[Task], stop_at_s: float, now_s: float | None = None
) -> LegScheduler:
    """A scheduler for these tasks that has seen nothing yet.

    Args:
        stop_at_s: instant on `time.monotonic` at which no work is waited for any more.
        now_s: the instant from which on shares of the time are counted; None for now.
    """
    staffing, legs = staff(config), config.solve.legs
    began_s = time.monotonic() if now_s is None else now_s
    search = None
    if legs != "ttt":
        workers = staffing.search or staffing.count
        alone = legs == "search" and not config.programs.is_on
        share = 1.0 if alone else config.budget.search_share
        share_s = share * workers * max(0.0, stop_at_s - began_s)
        search = open_search(config.budget, tasks, config.seed, stop_at_s, workers, share_s)
    writing = None
    if config.programs.is_on:
        writing = open_writing(config.budget, tasks, config.seed, stop_at_s, staffing.count)
    ttt_share_s = math.inf
    if config.budget.unit == "time":
        whole_s = staffing.count * max(0.0, stop_at_s - began_s)
        ttt_share_s = config.budget.training_share * whole_s
    return LegScheduler(
        _schedule_model(config, tasks, stop_at_s, staffing) if legs != "search" else None,
        search,
        writing,
        apart=staffing.search > 0,
        ttt_share_s=ttt_share_s,
    )


def _schedule_model(
    config: Config, tasks: Sequence[Task], stop_at_s: float, staffing: Staffing
) -> Scheduler:
    """The scheduler of training and sampling."""
    budget = config.budget
    if config.finetune.shared:
        # One adapter is trained before the tasks, so that theirs is only the asking.
        budget = replace(budget, num_steps=0, num_train_views=0, min_steps=0)
    return open_scheduler(
        budget,
        tasks,
        config.seed,
        stop_at_s,
        workers=staffing.count,
        threads=staffing.threads,
        model_bytes=model_bytes(config),
        batch_views=config.finetune.batch_views,
        samples_per_view=config.generate.samples_per_view,
    )
