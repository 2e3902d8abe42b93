"""The kit's own test-time training: packed views, merged LoRA, one flat parameter vector.

For Llama-family models through `kit.engine`. Views of a step lie behind each other without
padding, logits are computed at targets only, and all trained numbers live in one vector, so that
the optimiser is one fused call and a reset between tasks is one copy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kit.arc.seeds import derive_seed
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import ContextError, Encoded, Encoding
from kit.engine.llama import PackedCausal, forward
from kit.engine.lora import (
    Lora,
    MixedLoras,
    Slot,
    merge,
    merging_is_cheaper,
    module_path,
    peft_names,
    projection_sizes,
)
from kit.engine.model import Model
from kit.engine.weights import Weights, to_named_tensors
from kit.finetune.adapter_dir import LoraSettings, write_full_adapter, write_lora_adapter
from kit.finetune.lora_init import initial_lora_a
from kit.finetune.loss_mask import loss_mask
from kit.finetune.schedule import learning_rate, view_batches
from kit.finetune.trainer import Adapter, FinetuneConfig, FitReport


class TorchTrainer:
    """Implements `Trainer`; see the module docstring."""

    def __init__(self, model: Model, encoding: Encoding, config: FinetuneConfig) -> None:
        self._model = model
        self._encoding = encoding
        self._config = config
        self._parameters = (
            _FullParameters(model) if config.method == "full" else _LoraParameters(model, config)
        )

    def close(self) -> None:
        """Nothing to free: the model belongs to the caller."""

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """See `Trainer.fit`."""
        encoded = self._encode(views)
        if not encoded:
            raise ValueError(f"task {task_id}: none of {len(views)} training views fits")
        self._parameters.reset(derive_seed(seed, task_id, "adapter"))
        report = self._train(encoded, num_steps, derive_seed(seed, task_id, "order"), deadline)
        return self._parameters.write(task_id, out), report

    def _encode(self, views: Sequence[View]) -> list[Encoded]:
        encoded = []
        for view in views:
            try:
                one = self._encoding.encode(view)
            except ContextError:
                continue
            if loss_mask(one, self._config.loss_on).any():
                encoded.append(one)
        return encoded

    def _train(
        self, encoded: Sequence[Encoded], num_steps: int, seed: int, deadline: Deadline
    ) -> FitReport:
        flat = self._parameters.flat
        optimizer = torch.optim.AdamW(
            [flat], lr=self._config.lr, weight_decay=self._config.weight_decay, fused=True
        )
        losses: list[float] = []
        tokens = 0
        batches = view_batches([len(e) for e in encoded], self._config.batch_views, seed)
        best = flat.detach().clone()
        for step in range(num_steps):
            if deadline.passed():
                return FitReport(step, tuple(losses), tokens, "deadline")
            batch = [encoded[i] for i in next(batches)]
            loss = self._gradient(batch, derive_seed(seed, "dropout", step))
            norm = flat.grad.norm() if flat.grad is not None else torch.zeros(())
            if not (math.isfinite(loss) and torch.isfinite(norm)):
                with torch.no_grad():
                    flat.copy_(best)
                return FitReport(step, tuple(losses), tokens, "nan")
            best.copy_(flat.detach())
            self._scale_gradient(flat, float(norm))
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, num_steps, self._config)
            optimizer.step()
            losses.append(loss)
            tokens += sum(map(len, batch))
        return FitReport(num_steps, tuple(losses), tokens, "done")

    def _scale_gradient(self, flat: Tensor, norm: float) -> None:
        limit = self._config.max_grad_norm
        if flat.grad is not None and norm > limit:
            flat.grad.mul_(limit / norm)

    def _gradient(self, batch: Sequence[Encoded], seed: int) -> float:
        """Mean loss in nats per target token; leaves its gradient in the flat vector's `grad`."""
        model = self._model
        lengths = [len(e) for e in batch]
        tokens = torch.from_numpy(np.concatenate([e.tokens for e in batch])).to(model.device)
        positions = torch.from_numpy(np.concatenate([e.positions for e in batch]))
        masks = np.concatenate([loss_mask(e, self._config.loss_on) for e in batch])
        targets = torch.from_numpy(np.flatnonzero(masks)).to(model.device)
        self._parameters.flat.grad = None
        weights, adapt = self._parameters.live(sum(lengths), seed)
        hidden = forward(
            model.shape,
            weights,
            model.rotary,
            tokens,
            positions.to(model.device),
            PackedCausal(lengths),
            adapt,
        )
        logits = F.linear(hidden[targets - 1], weights.head).float()
        loss = F.cross_entropy(logits, tokens[targets])
        loss.backward()
        return loss.item()


class _LoraParameters:
    """LoRA matrices of all adapted projections as views of one float32 vector."""

    method: Literal["lora"] = "lora"

    def __init__(self, model: Model, config: FinetuneConfig) -> None:
        self._model, self._config = model, config
        sizes = projection_sizes(model.shape)
        unknown = sorted(set(config.targets) - set(sizes))
        if unknown:
            raise ValueError(f"LoRA target {unknown[0]!r} is not one of {', '.join(sizes)}")
        r = config.rank
        self._slots: list[tuple[Slot, tuple[int, int], tuple[int, int]]] = [
            ((layer, name), (r, sizes[name][1]), (sizes[name][0], r))
            for layer in range(model.shape.num_layers)
            for name in config.targets
        ]
        total = sum(math.prod(a) + math.prod(b) for _, a, b in self._slots)
        self.flat = torch.zeros(total, device=model.device, requires_grad=True)
        self._merging = config.dropout == 0 and merging_is_cheaper(model.shape, r)

    def reset(self, seed: int) -> None:
        """A drawn as every trainer of the kit draws it, B zero."""
        with torch.no_grad():
            for slot, (a, b) in self._pairs().items():
                a.copy_(torch.from_numpy(initial_lora_a(seed, module_path(slot), *a.shape)))
                b.zero_()

    def _pairs(self) -> dict[Slot, tuple[Tensor, Tensor]]:
        pairs, at = {}, 0
        for slot, a_shape, b_shape in self._slots:
            middle = at + math.prod(a_shape)
            end = middle + math.prod(b_shape)
            pairs[slot] = (self.flat[at:middle].view(a_shape), self.flat[middle:end].view(b_shape))
            at = end
        return pairs

    def live(self, num_tokens: int, seed: int) -> tuple[Weights, MixedLoras | None]:
        """What a training forward pass needs: merged weights, or the base and an addition."""
        lora = Lora(self._pairs(), self._config.alpha / self._config.rank)
        if self._merging:
            return merge(self._model.weights, self._model.shape, lora), None
        dropout = (self._config.dropout, seed) if self._config.dropout else None
        stretches = [(0, num_tokens, lora)]
        return self._model.weights, MixedLoras(self._model.shape, stretches, dropout)

    def write(self, task_id: str, out: Path) -> Adapter:
        """A PEFT folder."""
        tensors = {}
        for slot, pair in self._pairs().items():
            for name, tensor in zip(peft_names(slot), pair, strict=True):
                tensors[name] = tensor.detach().cpu().numpy()
        config = self._config
        settings = LoraSettings(config.rank, config.alpha, config.targets, str(self._model.path))
        return write_lora_adapter(out, task_id, tensors, settings)


class _FullParameters:
    """Every weight of the model as views of one float32 vector."""

    method: Literal["full"] = "full"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._base = torch.cat([t.detach().reshape(-1).float() for t in model.weights.tensors()])
        self.flat = self._base.clone().requires_grad_()

    def reset(self, seed: int) -> None:
        """The base weights; `seed` is not needed."""
        with torch.no_grad():
            self.flat.copy_(self._base)

    def live(self, num_tokens: int, seed: int) -> tuple[Weights, None]:
        """Weights that are views of the vector."""
        at = 0

        def view(tensor: Tensor) -> Tensor:
            nonlocal at
            begin, at = at, at + tensor.numel()
            return self.flat[begin:at].view(tensor.shape).to(tensor.dtype)

        return self._model.weights.map(view), None

    def write(self, task_id: str, out: Path) -> Adapter:
        """A folder with all weights."""
        with torch.no_grad():
            named = to_named_tensors(self.live(0, 0)[0], self._model.shape)
        arrays = {name: tensor.float().cpu().numpy() for name, tensor in named.items()}
        return write_full_adapter(out, task_id, arrays)
