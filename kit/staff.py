"""What the options mean on this machine: the model, the workers that open it, the scheduler.

What it does: joins the stages' own constructors with the options that each of them needs, once for
the program and for `kit.solve`. What it does not: import torch; workers do, after they are started.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.task import Task
from kit.budget.scheduler import Scheduler, open_scheduler
from kit.config import Config, ConfigError
from kit.solve.toolbox import ToolboxSettings, solver_spec
from kit.solve.work import SolverSpec
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


def staff(config: Config) -> Staffing:
    """How many workers with how many threads these options get."""
    return choose_staffing(config.workers, weights_bytes(config.solve.model))


def worker_spec(config: Config) -> SolverSpec:
    """What every worker opens."""
    return solver_spec(
        ToolboxSettings(config.solve, config.augment, config.finetune, config.generate)
    )


def start_workers(config: Config, folder: Path) -> Executor:
    """The executor that the options ask for; its logs and scratch files lie in `folder`."""
    size = weights_bytes(config.solve.model)
    return open_executor(config.workers, worker_spec(config), size, folder)


def schedule(config: Config, tasks: Sequence[Task], stop_at_s: float) -> Scheduler:
    """A scheduler for these tasks that has seen nothing yet.

    Args:
        stop_at_s: instant on `time.monotonic` at which no work is waited for any more.
    """
    staffing, budget = staff(config), config.budget
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
        model_bytes=weights_bytes(config.solve.model),
        batch_views=config.finetune.batch_views,
        samples_per_view=config.generate.samples_per_view,
    )
