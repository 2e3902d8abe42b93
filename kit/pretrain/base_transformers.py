"""A base model of any architecture through transformers, with peft for LoRA, also in 4 bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from kit.arc.seeds import derive_seed
from kit.encode.encoding import Encoded
from kit.engine.machine import choose_dtype
from kit.engine.transformers_model import logits_at, open_transformers_model
from kit.finetune.adapter_dir import LoraSettings
from kit.finetune.batches import IGNORE, pad_batch
from kit.finetune.lora_modules import LoraModules
from kit.pretrain.base_settings import BaseConfig
from kit.pretrain.loss import answer_len

_OUTPUT_HEADS = ("lm_head", "embed_out", "output", "score")
"""Linear layers that LoRA leaves alone: samplers do not load adapters of the output head."""


class TransformersBase:
    """Implements `kit.pretrain.base_learner.Trainable`.

    Raises:
        FileNotFoundError, ModelError: the folder cannot be loaded, or not in 4 bits.
    """

    def __init__(self, path: Path, dtype: str, device: str, config: BaseConfig) -> None:
        full = config.method == "full"
        base = open_transformers_model(
            path, "float32" if full else dtype, device, config.method == "4bit"
        )
        self.num_weights = _num_weights(base)
        self.targets: tuple[str, ...] = () if full else linear_layers(base)
        self._device = device
        kind = torch.device(device).type
        compute = choose_dtype(dtype, device)
        self._autocast = torch.autocast(kind, compute, enabled=full and compute != torch.float32)
        self._base = base
        self._model: nn.Module
        if full:
            self._model = base.requires_grad_(True)
        else:
            self._model = _with_lora(base, config, self.targets)
        if config.recompute:
            base.gradient_checkpointing_enable({"use_reentrant": False})
        self.parameters: dict[str, Tensor] = {
            n: p for n, p in self._model.named_parameters() if p.requires_grad
        }
        # Two operations a weight; backward is twice the forward pass, or once beside frozen ones.
        self.flops_per_token = 2.0 * self.num_weights * (3 if full else 2)

    def loss(self, pack: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
        """See `Trainable.loss`."""
        # Checkpointing of transformers works in training mode only; there is no dropout to start.
        self._model.train(torch.is_grad_enabled())
        batch = pad_batch(pack, "outputs", self._device)
        columns = (batch.labels != IGNORE).any(0).nonzero().squeeze(1)
        with self._autocast:
            logits = logits_at(
                self._model,
                columns,
                tokens=batch.tokens,
                attention=batch.attention,
                positions=batch.positions,
            )
        labels = batch.labels[:, columns]
        loss = F.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="sum"
        )
        right = logits.argmax(-1) == labels
        exact = [
            row[wanted != IGNORE][-answer_len(e) :].all()
            for row, wanted, e in zip(right, labels, pack, strict=True)
        ]
        return loss, torch.stack(exact)

    def adapter(self) -> dict[str, np.ndarray]:
        """See `Trainable.adapter`."""
        if not self.targets:
            return {}
        # In files peft leaves the adapter's name out of a tensor's name.
        named = {n.replace(".default.", "."): p for n, p in self.parameters.items()}
        return {name: p.detach().float().cpu().numpy() for name, p in named.items()}

    def save_weights(self, folder: Path, dtype: torch.dtype) -> None:
        """See `Trainable.save_weights`; the model is of no use afterwards."""
        self._base.to(dtype).save_pretrained(folder)


def linear_layers(model: nn.Module) -> tuple[str, ...]:
    """Last names of all linear layers inside the blocks, in the order of the model.

    Raises:
        ValueError: there are none, so LoRA has nothing to stand beside.
    """
    found = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    names = dict.fromkeys(name.rpartition(".")[2] for name in found)
    inside = tuple(name for name in names if name not in _OUTPUT_HEADS)
    if not inside:
        raise ValueError(
            f"{type(model).__name__} has no linear layers that LoRA could adapt; "
            f"train all weights with --method full"
        )
    return inside


def _with_lora(base: nn.Module, config: BaseConfig, targets: Sequence[str]) -> nn.Module:
    """The model with fresh adapters: A as every trainer of the kit draws it, B zero."""
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        target_modules=list(targets),
    )
    # peft draws a start of its own: keep that off the global generator.
    with torch.random.fork_rng():
        model = get_peft_model(base, lora)
    settings = LoraSettings(config.rank, config.alpha, tuple(targets), "")
    LoraModules(model, settings).reset(derive_seed(config.seed, "base", "adapter"))
    return model


def _num_weights(model: nn.Module) -> int:
    """Weights of the model; those packed two to a byte are counted as two."""
    packed = [p for p in model.parameters() if p.dtype == torch.uint8]
    return sum(p.numel() for p in model.parameters()) + sum(p.numel() for p in packed)
