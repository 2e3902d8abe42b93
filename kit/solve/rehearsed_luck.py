"""What a rehearsal assumes and draws: costs, chances, memory, and one seed for all of them.

What it does: draws from the seed which tasks are solved and how slow this run is. What it does
not: know anything about a model; the chances are an assumption.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kit.arc.seeds import derive_seed, numpy_rng, python_rng
from kit.augment.settings import AugmentConfig
from kit.engine.engine_costs import EngineCosts
from kit.generate.decode import GenerateConfig


@dataclass(frozen=True, slots=True)
class Chances:
    """The assumed accuracy.

    Attributes:
        trained: of a task whose adapter was trained in full.
        base: of the model as it is.
        search: of tasks that a search solves in the end.
    """

    trained: float = 0.3
    base: float = 0.05
    search: float = 0.02


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What one rehearsal assumes.

    Attributes:
        costs: of a worker, this run's luck not yet in them.
        full_steps: of a full plan.
        batch_views: training views a step.
        most_tokens: that fit the card's memory; longer training views run out of it.
    """

    costs: EngineCosts
    chances: Chances
    augment: AugmentConfig
    generate: GenerateConfig
    seed: int
    full_steps: int
    batch_views: int
    most_tokens: float = math.inf

    def luck(self, *parts: str | int) -> float:
        """A number of 0..1 that depends on the seed and these parts only."""
        return python_rng(derive_seed(self.seed, "rehearsed"), *parts).random()

    def pace(self, task_id: str, stage: str) -> float:
        """How much slower than predicted a task's stage is in this run."""
        rng = numpy_rng(derive_seed(self.seed, "pace"), task_id, stage)
        run = numpy_rng(derive_seed(self.seed, "pace"), "run")
        spread = self.costs.run_sigma * run.normal() + self.costs.task_sigma * rng.normal()
        return math.exp(spread)

    def solves(self, task_id: str, steps: int) -> bool:
        """Whether a task is solved after so many steps; more never hurt."""
        share = min(1.0, steps / max(1, self.full_steps))
        chances = self.chances
        chance = chances.base + (chances.trained - chances.base) * math.sqrt(share)
        return self.luck("solved", task_id) < chance
