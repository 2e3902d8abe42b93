"""The reference trainer: transformers and stock peft with a plain loop, for any causal model.

Trains on right-padded batches, on a base model in 4 bits where that is asked for. The kit's own
engine has a faster trainer for Llama-family models; both start from the same adapter and read
views in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn

from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import Encoding
from kit.engine.machine import free_device_bytes
from kit.engine.transformers_model import logits_at, open_transformers_model
from kit.finetune.adapter_dir import LoraSettings, write_full_adapter
from kit.finetune.batches import IGNORE, Batch
from kit.finetune.lora_modules import LoraModules, activation_sizes, check_targets, use_nf4
from kit.finetune.padded_loop import PaddedLoop
from kit.finetune.trainer import Adapter, FinetuneConfig, FitReport


class PeftTrainer:
    """Implements `Trainer`; see the module docstring.

    Args:
        model_path: a Hugging Face folder.
        dtype: of the base model: "auto", "float32", "bfloat16" or "float16". LoRA weights are
            float32 in any case. Method "full" always trains in float32, because small steps
            vanish in the rounding of shorter formats, and never in 4 bits.
        device: where torch runs it, e.g. "cpu" or "cuda".
    Raises:
        FileNotFoundError, ModelError: the folder cannot be loaded.
        ValueError: a target that is no linear layer of the model, or a base model in 4 bits that
            should be trained as a whole.
    """

    def __init__(
        self,
        model_path: Path,
        dtype: str,
        encoding: Encoding,
        config: FinetuneConfig,
        device: str = "cpu",
    ) -> None:
        self.model: nn.Module
        trained: _FullWeights | LoraModules
        if config.method == "full":
            if config.quantize == "nf4":
                raise ValueError("finetune.quantize=nf4 is for method lora, got method full")
            self.model = open_transformers_model(model_path, "float32", device)
            trained = _FullWeights(self.model)
        else:
            four_bits = use_nf4(config, model_path, device)
            base = open_transformers_model(model_path, dtype, device, four_bits)
            self.model = _with_lora(base, config)
            settings = LoraSettings(config.rank, config.alpha, config.targets, str(model_path))
            trained = LoraModules(self.model, settings)
        compute = _StockCompute(self.model, device)
        self._loop = PaddedLoop(trained, compute, encoding, config)

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
        return self._loop.fit(task_id, views, num_steps, seed, out, deadline)

    def close(self) -> None:
        """Free the model."""
        del self._loop, self.model


def _with_lora(base: nn.Module, config: FinetuneConfig) -> PeftModel:
    check_targets(base, config.targets)
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=list(config.targets),
    )
    # peft draws a start of its own, which every fit replaces: keep that off the global generator.
    with torch.random.fork_rng():
        return get_peft_model(base, lora).train()


class _StockCompute:
    """A transformers model as it is; implements `kit.finetune.padded_loop.Compute`."""

    def __init__(self, model: nn.Module, device: str) -> None:
        self._model = model
        self._sizes = activation_sizes(model.config)
        self.device = device
        self.scaled = model.dtype == torch.float16

    def loss_sum(self, batch: Batch) -> Tensor:
        columns = (batch.labels != IGNORE).any(0).nonzero().squeeze(1)
        logits = logits_at(
            self._model,
            columns,
            tokens=batch.tokens,
            attention=batch.attention,
            positions=batch.positions,
        )
        targets = batch.labels[:, columns].flatten()
        return F.cross_entropy(logits.flatten(0, 1), targets, ignore_index=IGNORE, reduction="sum")

    def kept_bytes(self, num_tokens: int) -> int:
        return self._sizes.kept_bytes(num_tokens)

    def free_bytes(self) -> int:
        return free_device_bytes(self.device)

    def set_checkpointing(self, on: bool) -> None:
        if on:
            self._model.gradient_checkpointing_enable({"use_reentrant": False})
        elif self._model.is_gradient_checkpointing:
            self._model.gradient_checkpointing_disable()


class _FullWeights:
    """All weights, put back from a copy after every fit."""

    def __init__(self, base: nn.Module) -> None:
        base.train().requires_grad_(True)
        # A tied output head is listed once, under the embedding's name.
        self._named = list(base.named_parameters())
        self.parameters = [parameter for _, parameter in self._named]
        self._base = [parameter.detach().clone() for parameter in self.parameters]

    def reset(self, seed: int) -> None:
        """Nothing is drawn: the start is the base model, which `restore` has put back."""

    @torch.no_grad()
    def restore(self) -> None:
        torch._foreach_copy_(self.parameters, self._base)
        for parameter in self.parameters:
            parameter.grad = None

    def write(self, out: Path, task_id: str) -> Adapter:
        changed = {
            name: parameter.detach().cpu().numpy()
            for (name, parameter), base in zip(self._named, self._base, strict=True)
            if not torch.equal(parameter, base)
        }
        return write_full_adapter(out, task_id, changed)
