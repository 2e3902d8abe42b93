"""How a base model is fine-tuned before test-time training: settings, presets, their bounds.

Needs no torch. The preset `paper` has the values of the test-time-training paper; `default` is
what a CPU or one small GPU gets through in an hour or two with a model of some 100M weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from kit.finetune.trainer import FinetuneConfig

Method = Literal["full", "lora", "4bit"]
"""All weights; low-rank adapters beside frozen weights; the same beside weights in 4 bits."""

USUAL_LR: dict[str, float] = {"full": 5e-5, "lora": 5e-4, "4bit": 5e-4}
"""Peak rates by method where none is given."""

MOST_TASKS = 10_000_000
"""Different tasks of one run; their order is held in memory."""


@dataclass(frozen=True, slots=True)
class BaseConfig:
    """What decides the weights that come out, given base, data and hardware.

    Attributes:
        rank, alpha: of LoRA; updates are scaled by alpha / rank.
        lr: peak learning rate of AdamW; 0 for the usual one of the method.
        batch_tasks: tasks per optimiser step, one sequence each.
        num_tasks: different tasks drawn in all; epochs: how often each is seen.
        max_steps: an end before that.
        warmup_steps: linear, at most half of the run; a cosine to zero follows.
        max_tokens: of one sequence, in tokens of the model.
        max_pairs: of one task; 2 at least.
        wrap_share: share of tasks with a symmetry of its own on inputs, outputs or both.
        symmetries: whether tasks are also turned and mirrored as a whole.
        recompute: whether activations are computed again in the backward pass, to save memory.
    """

    method: Method = "lora"
    rank: int = 32
    alpha: float = 32.0
    lr: float = 0.0
    batch_tasks: int = 8
    num_tasks: int = 8000
    epochs: int = 1
    max_steps: int = 1000
    warmup_steps: int = 50
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    max_tokens: int = 1024
    max_pairs: int = 6
    wrap_share: float = 0.3
    symmetries: bool = True
    recompute: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (is_allowed, what) in _ALLOWED.items():
            value = getattr(self, name)
            if not is_allowed(value):
                raise ValueError(f"{name} must be {what}, got {value!r}")

    def num_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return min(self.max_steps, math.ceil(self.num_tasks * self.epochs / self.batch_tasks))

    def finetune(self) -> FinetuneConfig:
        """The part that test-time training has as well: optimiser, schedule, LoRA, loss."""
        return FinetuneConfig(
            method="full" if self.method == "full" else "lora",
            rank=self.rank,
            alpha=self.alpha,
            lr=self.lr or USUAL_LR[self.method],
            batch_views=self.batch_tasks,
            warmup_fraction=min(0.5, self.warmup_steps / max(1, self.num_steps())),
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
        )

    def differences(self, other: BaseConfig) -> list[str]:
        """What the two do not agree in, as "name: here, there"."""
        there = asdict(other)
        return [f"{n}: {v!r}, {there[n]!r}" for n, v in asdict(self).items() if v != there[n]]


def _whole(low: int, high: int) -> tuple[Callable[[Any], bool], str]:
    return lambda value: isinstance(value, int) and low <= value <= high, f"{low} to {high}"


_ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "method": (lambda value: value in get_args(Method), f"one of {', '.join(get_args(Method))}"),
    "rank": _whole(1, 4096),
    "alpha": (lambda value: 0 < value < math.inf, "above zero"),
    "lr": (lambda value: 0 <= value < 1, "0 to less than 1"),
    "batch_tasks": _whole(1, 65_536),
    "num_tasks": _whole(1, MOST_TASKS),
    "epochs": _whole(1, 1000),
    "max_steps": _whole(0, 10_000_000),
    "warmup_steps": _whole(0, 10_000_000),
    "max_tokens": _whole(128, 1_000_000),
    "max_pairs": _whole(2, 30),
    "wrap_share": (lambda value: 0 <= value <= 1, "0 to 1"),
    "seed": _whole(0, 2**63),
}
"""Field -> (test of a value, what it must be)."""

PRESETS: dict[str, BaseConfig] = {
    "default": BaseConfig(),
    # Akyurek et al. 2024 (arXiv 2411.07279), section 5 and appendix: full fine-tuning, 600,000
    # tasks of 2 to 7 pairs, 30% of them transformed; weight decay as in its test-time training.
    "paper": BaseConfig(
        method="full",
        lr=2.5e-5,
        batch_tasks=32,
        num_tasks=600_000,
        epochs=2,
        max_steps=16_000,
        warmup_steps=2000,
        max_tokens=8192,
        max_pairs=7,
        symmetries=False,
        recompute=True,
    ),
}


def with_steps(config: BaseConfig, said: Collection[str]) -> BaseConfig:
    """The config with as many tasks as the steps that were asked for need.

    Args:
        said: fields that were asked for; the others have a preset's values, which must not end the
            run before its steps are done.
    Raises:
        ValueError: the tasks that were asked for are too few for the steps, or the steps need more
            than there can be; says so with numbers.
    """
    if "max_steps" not in said:
        return config
    steps, batch = config.max_steps, config.batch_tasks
    if {"num_tasks", "epochs"}.isdisjoint(said):
        if steps * batch > MOST_TASKS:
            raise ValueError(
                f"--steps {steps} in batches of {batch} take {steps * batch} different tasks, more "
                f"than {MOST_TASKS}; say how many with --tasks, and how often each with --epochs"
            )
        return replace(config, num_tasks=max(1, steps * batch))
    if config.num_steps() < steps:
        raise ValueError(
            f"--steps {steps} cannot be met: --tasks {config.num_tasks}, --epochs {config.epochs} "
            f"and --batch {batch} make {config.num_steps()} steps"
        )
    return config


def config_from(plain: dict[str, Any]) -> BaseConfig:
    """A config from what `asdict` made of one.

    Raises:
        ValueError: fields are missing, unknown or out of bounds.
    """
    names = [field.name for field in fields(BaseConfig)]
    if sorted(plain) != sorted(names):
        odd = sorted(set(plain) ^ set(names))
        raise ValueError(f"settings of another version: {', '.join(odd)}")
    return BaseConfig(**plain)
