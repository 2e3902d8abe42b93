"""The LoRA matrices inside a peft model, reset in place for every task.

Knows peft's names, and imports neither peft nor transformers: Unsloth must be the first of them
that a process imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from kit.arc.names import did_you_mean
from kit.engine.memory import ActivationSizes
from kit.engine.memory_plan import NF4_ABOVE
from kit.finetune.adapter_dir import LoraSettings, write_lora_adapter
from kit.finetune.lora_init import initial_lora_a
from kit.finetune.trainer import Adapter, FinetuneConfig

_WRAPPER = "base_model.model."

_SHORT = {torch.float16, torch.bfloat16, torch.uint8}
"""Of base weights in 16 or 4 bits: who serves those computes in 16 bits, so adapters are kept in as
many; at rank 256 of a 4B model that is 1 GB a task instead of 2."""


class LoraModules:
    """One adapter of a peft model; implements `kit.finetune.padded_loop.Trained`."""

    def __init__(self, model: nn.Module, settings: LoraSettings) -> None:
        """Take over what the model trains, in float32 whatever the base model's dtype is."""
        self._settings = settings
        base = {parameter.dtype for parameter in model.parameters() if not parameter.requires_grad}
        self._kept = torch.float16 if base & _SHORT else torch.float32
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        self._named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        self.parameters = [parameter for _, parameter in self._named]

    @torch.no_grad()
    def reset(self, seed: int) -> None:
        """A drawn as every trainer of the kit draws it, B zero."""
        for name, parameter in self._named:
            module, _, rest = name.removeprefix(_WRAPPER).rpartition(".lora_")
            if rest.startswith("A."):
                start = initial_lora_a(seed, module, *parameter.shape)
                parameter.copy_(torch.from_numpy(start))
            else:
                parameter.zero_()
            parameter.grad = None

    def restore(self) -> None:
        """Nothing: the base weights were never touched."""

    def write(self, out: Path, task_id: str) -> Adapter:
        """A PEFT folder. In files peft leaves the adapter's name out of a tensor's name."""
        weights = {
            name.replace(".default.", "."): parameter.detach().to(self._kept).cpu().numpy()
            for name, parameter in self._named
        }
        return write_lora_adapter(out, task_id, weights, self._settings)


def check_targets(model: nn.Module, targets: Sequence[str]) -> None:
    """Refuse targets that peft would silently skip.

    Raises:
        ValueError: a target that is no linear layer of the model; names those that are.
    """
    linear = sorted(
        {name.rpartition(".")[2] for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    )
    for target in targets:
        if target not in linear:
            raise ValueError(
                f"finetune.targets: {target!r} is no linear layer of this model"
                f"{did_you_mean(target, linear)}; "
                f"it has {', '.join(linear)}"
            )


def activation_sizes(config: object) -> ActivationSizes:
    """What decides how much a transformers model keeps for its backward pass, from its config."""

    def read(*names: str) -> int:
        found = [getattr(config, name, None) for name in names]
        return next((int(value) for value in found if value), 0)

    hidden, heads = read("hidden_size"), read("num_attention_heads")
    head_dim = read("head_dim") or hidden // max(1, heads)
    dtype = getattr(config, "dtype", None) or torch.float32
    return ActivationSizes(
        num_layers=read("num_hidden_layers"),
        hidden=hidden,
        ffn=read("intermediate_size") or 4 * hidden,
        attention=(heads + 2 * (read("num_key_value_heads") or heads)) * head_dim,
        value_bytes=torch.empty(0, dtype=dtype).element_size(),
    )


def use_nf4(config: FinetuneConfig, model_path: Path, device: str) -> bool:
    """Whether the base model is held in 4 bits: as the options say, or because the weights, about
    as large in 16 bits as their files, would take too much of a GPU."""
    if config.quantize != "auto":
        return config.quantize == "nf4"
    if torch.device(device).type != "cuda":
        return False
    size = sum(path.stat().st_size for path in model_path.glob("*.safetensors"))
    return size > NF4_ABOVE * torch.cuda.get_device_properties(device).total_memory
