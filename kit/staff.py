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
from kit.budget.legs import LegScheduler, open_legs
from kit.budget.setup import LegsSetup, measure_tasks
from kit.budget.writing import open_writing
from kit.card_memory import fit_to_card
from kit.config import Config, ConfigError
from kit.costs import keep_rates, known_rates, known_room
from kit.engine.memory_needs import lora_parameters
from kit.engine.shape import ModelError, read_shape
from kit.induce.writing.settings import WritingConfig
from kit.solve.engines import are_apart, choose_engines
from kit.solve.toolbox import Role, SolveConfig, ToolboxSettings, solver_spec
from kit.solve.work import SolverSpec
from kit.workers.devices import used_gpus
from kit.workers.executor import (
    Executor,
    Staffing,
    choose_staffing,
    open_executor,
    weights_bytes,
)
from kit.workers.open_rounds import open_rounds


def check_model(path: Path) -> None:
    """Refuse a model folder that no worker could open, before any worker tries.

    Raises:
        ConfigError: no folder, no readable config.json, or no safetensors weights.
    """
    if not path.is_dir():
        raise ConfigError(f"--model {path}: no such folder")
    if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
        raise ConfigError(f"--model {path}: a LoRA adapter, no model; merge it into its base first")
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


def held_bytes(config: Config) -> int:
    """Size of the weights that one worker may hold: its own model's, and those of a model that
    writes programs here."""
    writer = config.programs.model
    return model_bytes(config) + (weights_bytes(writer) if writer is not None else 0)


def shares_adapter(config: Config) -> bool:
    """Whether one adapter is trained for all tasks."""
    return config.finetune.shared and config.solve.legs != "search"


def staff(config: Config, devices: Sequence[str] | None = None) -> Staffing:
    """How many workers with how many threads these options get.

    Args:
        devices: GPUs; None for those of this machine.
    Raises:
        ValueError: workers of a Ray cluster are asked for, and it cannot be reached.
    """
    searches = config.solve.legs != "ttt"
    if config.workers.executor == "ray":
        from kit.workers.ray_cluster import choose_cluster_staffing, connect, nodes

        connect(config.workers.ray_address)
        return choose_cluster_staffing(config.workers, nodes(), model_bytes(config), searches)
    found = used_gpus(config.solve.device) if devices is None else devices
    staffing = choose_staffing(config.workers, held_bytes(config), len(found), searches)
    if searches and not staffing.search and _in_rounds(config, found):
        return replace(staffing, search=staffing.count)
    return staffing


def engines(config: Config, devices: Sequence[str] | None = None) -> SolveConfig:
    """The model's options with the trainer and the sampler that "auto" means here.

    Args:
        devices: GPUs; None for those of this machine.
    Raises:
        ValueError: a trainer that cannot train what is asked for.
    """
    found = used_gpus(config.solve.device) if devices is None else devices
    may_part = config.workers.executor == "pool"
    stages = (config.solve, config.finetune, config.generate)
    return choose_engines(*stages, bool(found), may_part=may_part)


def _in_rounds(config: Config, devices: Sequence[str]) -> bool:
    """Whether training and sampling have processes of their own."""
    return config.solve.legs != "search" and are_apart(engines(config, devices))


def worker_spec(config: Config) -> SolverSpec:
    """What every worker opens."""
    return _spec(config, config.solve, "all")


def _spec(config: Config, solve: SolveConfig, role: Role) -> SolverSpec:
    stages = (config.augment, config.finetune, config.generate, config.programs)
    return solver_spec(ToolboxSettings(solve, *stages, role))


def start_workers(config: Config, folder: Path, until_s: float = math.inf) -> Executor:
    """The executor that the options ask for; its logs and scratch files lie in `folder`.

    Args:
        until_s: instant on `time.monotonic` at which the run ends.
    Raises:
        ValueError: engines that cannot do what is asked for, a card that is too small (with
            numbers), or a Ray cluster that cannot be reached.
    """
    gpus = used_gpus(config.solve.device) if model_bytes(config) else ()
    staffing = staff(config)
    if not _in_rounds(config, gpus):
        return open_executor(config.workers, worker_spec(config), staffing, folder, gpus=gpus)
    if gpus:
        config = fit_to_card(config)
    # A crew for the model opens it at once; one that searches does not.
    alone = replace(engines(config, gpus), legs="ttt")
    specs = {
        "train": _spec(config, alone, "train"),
        "serve": _spec(config, alone, "serve"),
        # Who writes programs there shall not take the memory that the other crews reckon with.
        "search": _spec(config, replace(config.solve, device="cpu"), "all"),
    }
    return open_rounds(
        config.workers, specs, staffing, folder, gpus, until_s,
        adapter_bytes=adapter_bytes(config, 2 if gpus else 4),
    )  # fmt: skip


def adapter_bytes(config: Config, value_bytes: int) -> int:
    """Size of one adapter of these options; 0 where the model's shape is not known.

    Args:
        value_bytes: of one of its numbers; 2 where the base model is kept in 16 or 4 bits.
    """
    try:
        shape = read_shape(config.solve.model)
    except (ModelError, OSError):
        return 0
    return value_bytes * lora_parameters(shape, config.finetune.rank)


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
    setup = LegsSetup(
        config=config.budget,
        sizes=measure_tasks(tasks),
        seed=config.seed,
        stop_s=stop_at_s,
        began_s=began_s,
        workers=staffing.count,
        threads=staffing.threads,
        searchers=staffing.search,
        has_model=legs != "search",
        has_search=legs != "ttt",
        shared=shares_adapter(config),
        model_bytes=model_bytes(config),
        batch_views=config.finetune.batch_views,
        samples_per_view=config.generate.samples_per_view,
        rates=known_rates(config, staffing, worker_spec(config).factory),
        fits_tokens=known_room(config, staffing),
    )
    writing = None
    if config.programs.is_on:
        writing = open_writing(config.budget, tasks, config.seed, stop_at_s, staffing.count)
    return open_legs(setup, writing)


def remember_costs(config: Config, scheduler: LegScheduler) -> None:
    """Keep what a run has measured for the next one on this machine, where that is wanted."""
    keep_rates(config, staff(config), worker_spec(config).factory, scheduler.state.rates)
