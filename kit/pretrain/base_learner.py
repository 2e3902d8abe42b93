"""One run's optimiser over whatever is trained of a base model, its steps and its checkpoints.

Batches go through the model in pieces whose gradients are summed, so that memory depends on the
longest piece and not on the batch. A step that would leave numbers that are not finite is taken
back and ends the run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kit.encode.encoding import Encoded
from kit.finetune.schedule import learning_rate
from kit.pretrain.base_settings import BaseConfig, config_from
from kit.pretrain.loss import num_targets
from kit.pretrain.sequences import chunks

CHECKPOINT = "checkpoint.safetensors"
CPU_PIECE_TOKENS, GPU_PIECE_TOKENS = 2048, 16_384
"""Tokens of one forward and backward pass, unless a single sequence is longer."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from; the message says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint says of its run; `notes` as given to `Learner.save`."""

    step: int
    tokens: int
    seconds: float
    config: BaseConfig
    notes: dict[str, object]


class Diverged(ArithmeticError):
    """A step after which the weights would not be numbers any more; it was taken back."""


class Trainable(Protocol):
    """A base model and the numbers of it that are trained.

    Attributes:
        parameters: float32 leaves of autograd by name; what checkpoints hold.
        num_weights: weights of the whole model.
        flops_per_token: floating-point operations of training on one token, about.
    """

    parameters: Mapping[str, Tensor]
    num_weights: int
    flops_per_token: float

    def loss(self, pack: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
        """(cross-entropy in nats summed over all targets, (B,) bool: answers all right)."""
        ...

    def adapter(self) -> dict[str, np.ndarray]:
        """LoRA matrices under PEFT's names; empty where all weights are trained."""
        ...

    def save_weights(self, folder: Path, dtype: torch.dtype) -> None:
        """Write all weights as safetensors; only where all of them are trained."""
        ...


class Learner:
    """Parameters, AdamW, and how far they have come.

    Attributes:
        step, tokens, seconds: done so far, earlier starts included.
    """

    def __init__(self, trained: Trainable, config: BaseConfig, device: str = "cpu") -> None:
        self.trained, self.config, self.device = trained, config, device
        self._finetune = config.finetune()
        self._parameters = list(trained.parameters.values())
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=0.0, weight_decay=config.weight_decay, fused=True
        )
        self.step = self.tokens = 0
        self.seconds = 0.0

    def lr(self) -> float:
        """Learning rate of the next step."""
        return learning_rate(self.step, max(1, self.config.num_steps()), self._finetune)

    def train_step(self, batch: Sequence[Encoded]) -> float:
        """One update; returns the mean loss in nats per target token before it.

        Raises:
            Diverged: the update was not finite; parameters are as before.
        """
        self._optimizer.zero_grad(set_to_none=True)
        count, total = sum(map(num_targets, batch)), 0.0
        for piece in self._pieces(batch):
            loss = self.trained.loss(piece)[0] / count
            loss.backward()
            total += loss.item()
        norm = float(torch.nn.utils.clip_grad_norm_(self._parameters, self.config.max_grad_norm))
        # Finite gradients of a clipped norm keep AdamW's step finite: it is bounded by the rate.
        if not (np.isfinite(norm) and np.isfinite(total)):
            raise Diverged(
                f"step {self.step + 1}: the loss is {total:g} and the gradient's norm {norm:g}; "
                f"a smaller --lr or more --warmup may help"
            )
        for group in self._optimizer.param_groups:
            group["lr"] = self.lr()
        self._optimizer.step()
        self.step += 1
        self.tokens += sum(map(len, batch))
        return total

    @torch.no_grad()
    def evaluate(self, questions: Sequence[Encoded]) -> tuple[float, float]:
        """(mean loss in nats per target token, share of answers all right) without training.

        An answer is right if each of its tokens is the likeliest behind the true ones before it,
        which greedy decoding would then have written.
        """
        results = [self.trained.loss(piece) for piece in self._pieces(questions)]
        total, count = sum(r[0].item() for r in results), sum(map(num_targets, questions))
        return total / count, float(torch.cat([r[1] for r in results]).float().mean())

    def _pieces(self, batch: Sequence[Encoded]) -> list[list[Encoded]]:
        limit = CPU_PIECE_TOKENS if self.device == "cpu" else GPU_PIECE_TOKENS
        return chunks(batch, limit)

    def save(self, folder: Path, notes: Mapping[str, object]) -> None:
        """Write a checkpoint, complete or not at all.

        Args:
            notes: facts that must be the same when the run goes on; JSON.
        """
        tensors = {f"p.{n}": t.detach() for n, t in self.trained.parameters.items()}
        for name, tensor in self.trained.parameters.items():
            for kind, value in self._optimizer.state.get(tensor, {}).items():
                tensors[f"{kind}.{name}"] = value.detach()
        meta = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "config": asdict(self.config),
            "notes": dict(notes),
        }
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / (CHECKPOINT + ".tmp")
        saved = {name: tensor.cpu().contiguous().clone() for name, tensor in tensors.items()}
        save_file(saved, temporary, metadata={n: json.dumps(v) for n, v in meta.items()})
        os.replace(temporary, folder / CHECKPOINT)

    def load(self, folder: Path) -> None:
        """Go on from a checkpoint that `save` wrote for the same base and settings.

        Raises:
            CheckpointError: it has other tensors.
        """
        saved_run = read_checkpoint(folder)
        with safe_open(folder / CHECKPOINT, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        with torch.no_grad():
            for name, parameter in self.trained.parameters.items():
                saved = tensors.get(f"p.{name}")
                if saved is None or saved.shape != parameter.shape:
                    raise CheckpointError(
                        f"{folder / CHECKPOINT}: {name} is missing or of another shape; "
                        f"it was made for another model"
                    )
                parameter.copy_(saved)
        state = {
            index: {
                kind: tensors[f"{kind}.{name}"]
                for kind in ("step", "exp_avg", "exp_avg_sq")
                if f"{kind}.{name}" in tensors
            }
            for index, name in enumerate(self.trained.parameters)
        }
        groups = self._optimizer.state_dict()["param_groups"]
        there = {index: values for index, values in state.items() if values}
        self._optimizer.load_state_dict({"state": there, "param_groups": groups})
        self.step, self.tokens, self.seconds = saved_run.step, saved_run.tokens, saved_run.seconds


def read_checkpoint(folder: Path) -> Saved:
    """What a checkpoint says of its run, its tensors left alone.

    Raises:
        FileNotFoundError: no checkpoint in the folder.
        CheckpointError: it cannot be read, or was not written by `Learner.save`.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, nothing to go on from")
    try:
        with safe_open(path, framework="pt") as file:
            meta = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
        return Saved(**{**meta, "config": config_from(meta["config"])})
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: no checkpoint of --base training ({error})") from error
