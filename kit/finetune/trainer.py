"""The contract of test-time training: views in, an adapter folder out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from kit.augment.views import View
from kit.budget.clock import Deadline

LossOn = Literal["outputs", "target", "all"]
"""Which tokens carry loss: outputs from the second demonstration on plus the answer; the answer
only; every token but the first."""

Quantize = Literal["auto", "none", "nf4"]
"""What the base model's linear layers are held in while an adapter is trained on them."""

Checkpointing = Literal["auto", "on", "off"]
"""Whether activations are computed again in the backward pass instead of kept."""

LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class FinetuneConfig:
    """How one adapter is trained. Defaults suit the bundled model on a CPU.

    Attributes:
        method: "lora", or "full" for all weights (tiny models only).
        rank, alpha, dropout, targets: LoRA; updates are scaled by alpha / rank.
        lr: peak learning rate of AdamW.
        batch_views: training views per optimiser step.
        epochs: passes over the views after which a fit ends, planned steps left or not; 0 for no
            such end. How many views there are is not known when a plan is made, so that costs are
            predicted for the planned steps: an upper bound then.
        warmup_fraction: share of the steps with linear warm-up; cosine to zero afterwards.
        loss_on: see LossOn.
        shared: one adapter on the views of all tasks instead of one per task.
        quantize: "nf4" holds the base model in 4 bits (trainers peft and unsloth); "auto" does so
            where 16 bits would take too much of a GPU. Of the samplers, generate holds it in 4 bits
            too where "nf4" is said.
        checkpointing: "auto" goes by the memory that the longest views need (the same trainers).
    """

    method: Literal["lora", "full"] = "lora"
    rank: int = 32
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = LINEAR_LAYERS
    lr: float = 1e-3
    batch_views: int = 4
    epochs: int = 0
    warmup_fraction: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    loss_on: LossOn = "outputs"
    shared: bool = False
    quantize: Quantize = "auto"
    checkpointing: Checkpointing = "auto"

    def __post_init__(self) -> None:
        for name, (is_allowed, what) in _ALLOWED.items():
            value = getattr(self, name)
            if not is_allowed(value):
                raise ValueError(f"finetune.{name} must be {what}, got {value!r}")


_ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "method": (lambda value: value in ("lora", "full"), "lora or full"),
    "rank": (lambda value: value >= 1, "1 or more"),
    "alpha": (lambda value: 0 < value < math.inf, "above zero"),
    "dropout": (lambda value: 0 <= value < 1, "0 to less than 1"),
    "targets": (lambda value: len(value) > 0, "one layer or more, e.g. q_proj,v_proj"),
    "lr": (lambda value: 0 < value < math.inf, "above zero"),
    "batch_views": (lambda value: value >= 1, "1 or more"),
    "epochs": (lambda value: value >= 0, "0 or more"),
    "warmup_fraction": (lambda value: 0 <= value <= 1, "0 to 1"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "0 or more"),
    "max_grad_norm": (lambda value: 0 < value < math.inf, "above zero"),
    "loss_on": (lambda value: value in get_args(LossOn), f"one of {', '.join(get_args(LossOn))}"),
    "quantize": (lambda value: value in get_args(Quantize), "auto, none or nf4"),
    "checkpointing": (lambda value: value in get_args(Checkpointing), "auto, on or off"),
}
"""Field -> (test of a value, what it must be)."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter on disk, never a live module, so any process can load it.

    Attributes:
        path: PEFT folder (adapter_config.json, adapter_model.safetensors), or for method "full"
            a folder with model.safetensors holding only the changed weights.
        sha256: of the weights file.
    """

    task_id: str
    path: Path
    method: Literal["lora", "full"]
    sha256: str


@dataclass(frozen=True, slots=True)
class FitReport:
    """What a fit did.

    Attributes:
        steps: optimiser steps taken (fewer than asked when the deadline came, or all
            `FinetuneConfig.epochs` were done).
        losses: loss of each step in nats per token that carries loss.
        tokens: useful (non-pad) tokens read.
        stopped: "done", "deadline" or "nan" (the last finite state was kept).
    """

    steps: int
    losses: tuple[float, ...]
    tokens: int
    stopped: Literal["done", "deadline", "nan"]


class Trainer(Protocol):
    """Fits one adapter at a time on a base model that stays loaded and unchanged."""

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """A fresh adapter trained on `views`, written to folder `out`.

        Cycles through `views` in a seeded order, `batch_views` per step. Views that do not fit
        the context are skipped. At the deadline the best so far is written. Ends before
        `num_steps` where `steps_to_take` says so.

        Raises:
            ValueError: no view fits the context.
        """
        ...

    def close(self) -> None:
        """Free the model."""
        ...
