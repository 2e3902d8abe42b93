"""What work costs on this machine with these options: what is remembered, else a first guess.

What it does: names machine, model and method for `kit.budget.cost_memory`; predicts what fits the
memory. What it does not: measure work (the scheduler does), or matter where `budget.unit=work`.
"""

from __future__ import annotations

import json
import math
import os
import platform
from pathlib import Path

from kit.budget.calibrate import machine_speed
from kit.budget.cost import Rates, unmeasured_rates
from kit.budget.cost_memory import costs_file, recall, remember
from kit.budget.peak import fitting_tokens
from kit.card_costs import card_rates
from kit.card_memory import card_tokens
from kit.config import Config, to_json
from kit.submit.records import digest
from kit.workers import executor
from kit.workers.devices import used_gpus
from kit.workers.executor import (
    WEIGHT_COPIES,
    WORKER_BYTES,
    Staffing,
    usable_cores,
    weights_bytes,
)

MEMORY_SHARE = 0.8
"""Of the memory that is available, what the workers are planned to take."""

CPU_INFO = Path("/proc/cpuinfo")


def known_rates(config: Config, staffing: Staffing, factory: str) -> Rates:
    """Seconds per unit of work, as far as they are known before a run.

    Args:
        factory: what the workers open, see `SolverSpec`.
    """
    size = weights_bytes(config.solve.model) if config.solve.legs != "search" else 0
    if config.budget.unit == "work" or not size:
        return unmeasured_rates(size, staffing.threads)
    has_gpu = bool(used_gpus(config.solve.device))
    speed = machine_speed(usable_cores(), has_gpu)
    prior = unmeasured_rates(size, staffing.threads, speed)
    if has_gpu:
        prior = card_rates(config, prior)
    if not config.budget.remember_costs:
        return prior
    return recall(costs_file(), costs_key(config, staffing, factory), prior)


def known_room(config: Config, staffing: Staffing) -> float:
    """Longest sequence that fits the memory of one worker, in tokens; inf where that is not known
    or does not count."""
    size = weights_bytes(config.solve.model) if config.solve.legs != "search" else 0
    model = config.solve.model / "config.json"
    if config.budget.unit == "work" or not size or not model.is_file():
        return math.inf
    if used_gpus(config.solve.device):
        return card_tokens(config)
    try:
        shape = json.loads(model.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return math.inf
    workers = staffing.count + staffing.search
    held = WORKER_BYTES + WEIGHT_COPIES * size
    room = MEMORY_SHARE * executor.available_bytes() / workers - held
    return fitting_tokens(shape, room) if isinstance(shape, dict) else math.inf


def keep_rates(config: Config, staffing: Staffing, factory: str, rates: Rates) -> None:
    """Remember what a run has measured, if it may."""
    if config.budget.remember_costs and config.budget.unit == "time":
        remember(costs_file(), costs_key(config, staffing, factory), rates)


def costs_key(config: Config, staffing: Staffing, factory: str) -> str:
    """A name of everything that what work costs depends on, apart from its amount."""
    options = to_json(config)
    # Where a model lies does not matter, what it is does.
    options["solve"].pop("model", None)
    model = config.solve.model / "config.json"
    text = model.read_text(encoding="utf-8", errors="replace") if model.is_file() else ""
    used = [options[name] for name in ("solve", "finetune", "augment", "generate")]
    workers = [factory, config.workers.executor, staffing.count, staffing.threads]
    return digest([_machine(), text, weights_bytes(config.solve.model), used, workers])


def _machine() -> list[str | int]:
    """What is known of the hardware without asking a library."""
    name = platform.processor()
    if CPU_INFO.is_file():
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line for line in lines if line.startswith("model name")), name)
    return [platform.machine(), name, usable_cores(), os.name, *used_gpus("auto")]
