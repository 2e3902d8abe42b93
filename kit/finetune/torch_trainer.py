"""The kit's own test-time training: packed views, merged LoRA, one flat parameter vector.

For Llama-family models through `kit.engine`. Views of a step lie behind each other without
padding, logits are computed at targets only, and all trained numbers live in one vector, so that
the optimiser is one fused call and a reset between tasks is one copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kit.arc.seeds import derive_seed
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import Encoded, Encoding
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
from kit.finetune.batches import encode_views
from kit.finetune.lora_init import initial_lora_a
from kit.finetune.loss_mask import loss_mask
from kit.finetune.schedule import learning_rate, steps_to_take, view_batches
from kit.finetune.trainer import Adapter, FinetuneConfig, FitReport

PACK_TOKENS = 4096
"""Tokens of one forward and backward pass: more would leave the caches and gain nothing."""


class TorchTrainer:
    """Implements `Trainer`; see the module docstring."""

    def __init__(self, model: Model, encoding: Encoding, config: FinetuneConfig) -> None:
        self._model = model
        self._encoding = encoding
        self._config = config
        self._parameters = (
            _FullParameters(model) if config.method == "full" else _LoraParameters(model, config)
        )
        self._last_finite = self._parameters.flat.detach().clone()
        self._s_per_token = 0.0

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
        self._parameters.reset(derive_seed(seed, task_id, "adapter"))
        # Encoding hundreds of views is work too: none when there is no time to use it.
        idle = num_steps == 0 or deadline.passed()
        encoded = [] if idle else encode_views(task_id, views, self._encoding)
        if encoded:
            steps = steps_to_take(num_steps, len(encoded), self._config)
            report = self._train(encoded, steps, derive_seed(seed, task_id, "order"), deadline)
        else:
            report = FitReport(0, (), 0, "done" if num_steps == 0 else "deadline")
        return self._parameters.write(task_id, out), report

    def _train(
        self, encoded: Sequence[Encoded], num_steps: int, seed: int, deadline: Deadline
    ) -> FitReport:
        config, flat = self._config, self._parameters.flat
        # The rate is set at every step; AdamW itself would refuse one that is not a number.
        optimizer = torch.optim.AdamW([flat], lr=0.0, weight_decay=config.weight_decay, fused=True)
        batches = view_batches([len(e) for e in encoded], config.batch_views, seed)
        losses: list[float] = []
        tokens = 0
        for step in range(num_steps):
            batch = [encoded[i] for i in next(batches)]
            loss = self._gradient(batch, derive_seed(seed, "dropout", step), deadline)
            if loss is None:
                return FitReport(step, tuple(losses), tokens, "deadline")
            rate = learning_rate(step, num_steps, config)
            if not (math.isfinite(loss) and self._update(optimizer, rate)):
                return FitReport(step, tuple(losses), tokens, "nan")
            losses.append(loss)
            tokens += sum(map(len, batch))
        return FitReport(num_steps, tuple(losses), tokens, "done")

    @torch.no_grad()
    def _update(self, optimizer: torch.optim.Optimizer, rate: float) -> bool:
        """One clipped step; False, and nothing changed, if it would leave finite numbers."""
        flat = self._parameters.flat
        assert flat.grad is not None
        norm = float(flat.grad.norm())
        if norm > self._config.max_grad_norm:
            flat.grad.mul_(self._config.max_grad_norm / norm)
        self._last_finite.copy_(flat)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        if math.isfinite(norm) and bool(torch.isfinite(flat.sum())):
            return True
        flat.copy_(self._last_finite)
        return False

    def _gradient(self, batch: Sequence[Encoded], seed: int, deadline: Deadline) -> float | None:
        """Mean loss in nats per target token; leaves its gradient in the flat vector's `grad`.

        Works through the batch in packs; None if the deadline comes, or is expected to come,
        before the last one is done.
        """
        grad = self._parameters.flat.grad
        assert grad is not None
        grad.zero_()
        masks = [loss_mask(e, self._config.loss_on) for e in batch]
        count = int(sum(mask.sum() for mask in masks))
        total = 0.0
        for pack in _packs([len(e) for e in batch]):
            num_tokens = sum(len(batch[i]) for i in pack)
            if deadline.remaining_s() <= num_tokens * self._s_per_token:
                return None
            began_s = deadline.clock.now_s()
            loss = self._pack_loss([batch[i] for i in pack], [masks[i] for i in pack], seed) / count
            loss.backward()
            total += loss.item()
            self._s_per_token = (deadline.clock.now_s() - began_s) / num_tokens
        return total

    def _pack_loss(self, pack: Sequence[Encoded], masks: Sequence[np.ndarray], seed: int) -> Tensor:
        """Cross-entropy summed over the targets of views that lie behind each other."""
        model, lengths = self._model, [len(e) for e in pack]
        tokens = torch.from_numpy(np.concatenate([e.tokens for e in pack])).to(model.device)
        positions = torch.from_numpy(np.concatenate([e.positions for e in pack]))
        targets = torch.from_numpy(np.flatnonzero(np.concatenate(masks))).to(model.device)
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
        return F.cross_entropy(logits, tokens[targets], reduction="sum")


def _packs(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of neighbours that together stay below PACK_TOKENS, or are alone."""
    pack: list[int] = []
    size = 0
    for index, length in enumerate(lengths):
        if pack and size + length > PACK_TOKENS:
            yield pack
            pack, size = [], 0
        pack.append(index)
        size += length
    yield pack


class _FlatLeaves:
    """One float32 vector and its gradient, with leaves of autograd that are views of both.

    Slices of a vector that is itself a leaf would do the same, but the gradient of each slice is
    then a vector of full length: for small tasks that was two thirds of a training step.

    Attributes:
        flat: the vector; its `grad` is where the leaves' gradients are summed up.
        leaves: tensors of the given sizes, one behind the other in `flat`.
    """

    def __init__(self, sizes: Sequence[tuple[int, ...]], device: str) -> None:
        total = sum(math.prod(size) for size in sizes)
        self.flat = torch.zeros(total, device=device)
        self.flat.grad = torch.zeros_like(self.flat)
        self.leaves: list[Tensor] = []
        at = 0
        for size in sizes:
            here = slice(at, at + math.prod(size))
            leaf = self.flat[here].view(size).detach().requires_grad_()
            leaf.grad = self.flat.grad[here].view(size)
            self.leaves.append(leaf)
            at = here.stop


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
        slots = [(i, name) for i in range(model.shape.num_layers) for name in config.targets]
        pairs = [((r, sizes[name][1]), (sizes[name][0], r)) for _, name in slots]
        vector = _FlatLeaves([size for pair in pairs for size in pair], model.device)
        self.flat = vector.flat
        matrices = zip(vector.leaves[::2], vector.leaves[1::2], strict=True)
        self._pairs: dict[Slot, tuple[Tensor, Tensor]] = dict(zip(slots, matrices, strict=True))
        self._merging = config.dropout == 0 and merging_is_cheaper(model.shape, r)

    def reset(self, seed: int) -> None:
        """A drawn as every trainer of the kit draws it, B zero."""
        with torch.no_grad():
            for slot, (a, b) in self._pairs.items():
                a.copy_(torch.from_numpy(initial_lora_a(seed, module_path(slot), *a.shape)))
                b.zero_()

    def live(self, num_tokens: int, seed: int) -> tuple[Weights, MixedLoras | None]:
        """What a training forward pass needs: merged weights, or the base and an addition."""
        lora = Lora(self._pairs, self._config.alpha / self._config.rank)
        if self._merging:
            return merge(self._model.weights, self._model.shape, lora), None
        dropout = (self._config.dropout, seed) if self._config.dropout else None
        stretches = [(0, num_tokens, lora)]
        return self._model.weights, MixedLoras(self._model.shape, stretches, dropout)

    def write(self, task_id: str, out: Path) -> Adapter:
        """A PEFT folder."""
        tensors = {}
        for slot, pair in self._pairs.items():
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
        base = list(model.weights.tensors())
        self._base = torch.cat([t.detach().reshape(-1).float() for t in base])
        vector = _FlatLeaves([tuple(t.shape) for t in base], model.device)
        self.flat, self._leaves = vector.flat, vector.leaves
        self.reset(0)

    def reset(self, seed: int) -> None:
        """The base weights; `seed` is not needed."""
        with torch.no_grad():
            self.flat.copy_(self._base)

    def live(self, num_tokens: int, seed: int) -> tuple[Weights, None]:
        """Weights that are views of the vector."""
        leaves = iter(self._leaves)
        return self._model.weights.map(lambda old: next(leaves).to(old.dtype)), None

    def write(self, task_id: str, out: Path) -> Adapter:
        """A folder with all weights."""
        with torch.no_grad():
            named = to_named_tensors(self.live(0, 0)[0], self._model.shape)
        arrays = {name: tensor.float().cpu().numpy() for name, tensor in named.items()}
        return write_full_adapter(out, task_id, arrays)
