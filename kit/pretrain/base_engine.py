"""A Llama-family base model in the kit's own engine: all weights or LoRA trained, no padding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kit.arc.seeds import derive_seed
from kit.encode.encoding import Encoded
from kit.engine.lora import (
    Lora,
    MixedLoras,
    merge,
    merging_is_cheaper,
    module_path,
    peft_names,
    projection_sizes,
)
from kit.engine.machine import choose_dtype
from kit.engine.model import open_model
from kit.engine.weights import Weights, save_shards, to_named_tensors
from kit.finetune.lora_init import initial_lora_a
from kit.pretrain.base_settings import BaseConfig
from kit.pretrain.loss import sum_loss
from kit.pretrain.settings import TYPICAL_CONTEXT

SHARD_BYTES = 4_000_000_000


class EngineBase:
    """Implements `kit.pretrain.base_learner.Trainable`.

    Raises:
        FileNotFoundError, ModelError: the folder cannot be loaded.
    """

    def __init__(self, path: Path, dtype: str, device: str, config: BaseConfig) -> None:
        model = open_model(path, "float32" if config.method == "full" else dtype, device)
        self._model, self._config = model, config
        self._dtype = choose_dtype(dtype, device)
        self.parameters: dict[str, Tensor] = {}
        self._pairs = {}
        if config.method == "full":
            self._leaves = model.weights.map(lambda t: t.detach().requires_grad_())
            self.parameters = {f"w{i}": t for i, t in enumerate(self._leaves.tensors())}
        else:
            self._draw_lora()
        self.num_weights = model.shape.num_parameters()
        # Backward is twice the forward pass; without gradients of frozen weights, once.
        passes = 3 if config.method == "full" else 2
        self.flops_per_token = passes * model.shape.flops_per_token(TYPICAL_CONTEXT)

    def _draw_lora(self) -> None:
        """A as every trainer of the kit draws it, B zero."""
        shape, rank = self._model.shape, self._config.rank
        seed = derive_seed(self._config.seed, "base", "adapter")
        for name, (rows, columns) in projection_sizes(shape).items():
            for layer in range(shape.num_layers):
                slot = (layer, name)
                start = torch.from_numpy(initial_lora_a(seed, module_path(slot), rank, columns))
                a = start.to(self._model.device).requires_grad_()
                b = torch.zeros(rows, rank, device=self._model.device, requires_grad=True)
                self._pairs[slot] = (a, b)
                self.parameters |= zip(peft_names(slot), (a, b), strict=True)

    def loss(self, pack: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
        """See `Trainable.loss`."""
        model = self._model
        weights, adapt = self._live(sum(map(len, pack)))
        recompute = self._config.recompute and torch.is_grad_enabled()
        return sum_loss(model.shape, weights, model.rotary, pack, model.device, adapt, recompute)

    def _live(self, num_tokens: int) -> tuple[Weights, MixedLoras | None]:
        """What a forward pass needs: changed weights, or the base and an addition."""
        if not self._pairs:
            return self._leaves.map(lambda t: t.to(self._dtype)), None
        shape = self._model.shape
        lora = Lora(self._pairs, self._config.alpha / self._config.rank)
        if merging_is_cheaper(shape, self._config.rank):
            return merge(self._model.weights, shape, lora), None
        return self._model.weights, MixedLoras(shape, [(0, num_tokens, lora)])

    def adapter(self) -> dict[str, np.ndarray]:
        """See `Trainable.adapter`."""
        if not self._pairs:
            return {}
        return {n: t.detach().float().cpu().numpy() for n, t in self.parameters.items()}

    def save_weights(self, folder: Path, dtype: torch.dtype) -> None:
        """See `Trainable.save_weights`."""
        named = to_named_tensors(self._leaves, self._model.shape)
        save_shards({n: t.to(dtype).cpu() for n, t in named.items()}, folder, SHARD_BYTES)
