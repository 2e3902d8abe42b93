"""What a run is planned from: budget, sizes, workers, legs; and the sizes that plans may have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kit.arc.task import Task
from kit.budget.cost import Rates, TaskSize, measure_task
from kit.budget.policy import Level
from kit.budget.settings import BudgetConfig
from kit.budget.value import Table

_SCALES = (1.0, 0.5, 0.25, 0.125)
"""Sizes of the model's plans, between the full one and the smallest that is worth doing."""


@dataclass(frozen=True, slots=True)
class LegsSetup:
    """What a run is planned from.

    Attributes:
        sizes: of the tasks, in the order in which ties are broken.
        began_s, stop_s: instants between which there is time, see `BudgetConfig.stop_after_s`.
        workers, threads, searchers: what was chosen for this machine, see `RunState`.
        has_model, has_search: the legs that take part.
        shared: one adapter is trained for all tasks.
        batch_views, samples_per_view: of the stages' options.
        rates: what is known of costs; None for what the size of the weights says.
        fits_tokens: longest sequence that is predicted to fit a worker's memory.
        levels: sizes that the model's plans may have; () for those that follow from the options.
        slices_s: lengths that searches may have, shortest first; () for any.
        table: what work is worth; None for what the size of the weights says.
    """

    config: BudgetConfig
    sizes: tuple[TaskSize, ...]
    seed: int
    stop_s: float
    began_s: float = 0.0
    workers: int = 1
    threads: int = 1
    searchers: int = 0
    has_model: bool = True
    has_search: bool = True
    shared: bool = False
    model_bytes: int = 0
    batch_views: int = 4
    samples_per_view: int = 1
    rates: Rates | None = None
    fits_tokens: float = math.inf
    levels: tuple[Level, ...] = ()
    slices_s: tuple[float, ...] = ()
    table: Table | None = None


def measure_tasks(tasks: Sequence[Task]) -> tuple[TaskSize, ...]:
    """The sizes of tasks, in their order."""
    return tuple(measure_task(task) for task in tasks)


def plan_levels(config: BudgetConfig) -> tuple[Level, ...]:
    """Sizes that the model's plans may have, smallest first: the base model asked as it is, then
    trained ones from the smallest that is worth doing to the full one."""
    least_steps = min(config.min_steps, config.num_steps)
    least_views = min(config.min_test_views, config.num_test_views)
    levels = [
        Level(
            max(least_steps, round(scale * config.num_steps)),
            max(least_views, round(scale * config.num_test_views)),
            max(
                min(config.min_test_views, config.num_score_views),
                math.ceil(scale * config.num_score_views),
            ),
        )
        for scale in _SCALES
    ]
    base = Level(0, least_views, 0)
    return tuple(reversed(dict.fromkeys([*levels, base])))
