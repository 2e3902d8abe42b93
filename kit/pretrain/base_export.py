"""What fine-tuning a base model leaves behind: a Hugging Face folder, for LoRA an adapter too.

`model/` is what the main job takes as `--model`; `adapter/` is a PEFT folder that belongs beside
the untouched base. Adapters are merged file by file, in float32, whatever the architecture; a base
that was held in 4 bits during training is merged as it lies in its folder, in full precision.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from kit.encode import FORMAT_FILE, open_encoding
from kit.engine.weights import INDEX_FILE, weight_files
from kit.finetune.adapter_dir import LoraSettings, write_lora_adapter
from kit.pretrain.base_learner import Learner

_PREFIX = "base_model.model."
_BESIDE = ("*.json", "*.jinja", "*.txt", "*.model", "LICENSE*", "NOTICE*")
"""Files beside the weights that belong to a model: settings, tokenizer, licence."""
_NOT_COPIED = (INDEX_FILE, "adapter_config.json")


class MergeError(ValueError):
    """An adapter that does not fit the weights in a folder; the message says which tensor."""


@dataclass(frozen=True, slots=True)
class Written:
    """The folders that were written; `adapter` is None where all weights were trained."""

    model: Path
    adapter: Path | None


def export(learner: Learner, base: Path, format_name: str, out: Path, card: str) -> Written:
    """Write `out/model`, and `out/adapter` for LoRA, each replaced as a whole.

    Args:
        base: folder that was fine-tuned.
        format_name: text format of the training, noted in arc_format.json.
        card: text of the model card (README.md).
    Raises:
        MergeError: the adapter fits no tensor of the base's files; `out/adapter` is there by then.
    """
    matrices, config = learner.trained.adapter(), learner.config
    adapter = out / "adapter" if matrices else None
    if adapter is not None:
        targets = tuple(dict.fromkeys(name.split(".")[-3] for name in matrices))
        settings = LoraSettings(config.rank, config.alpha, targets, str(base))
        write_lora_adapter(adapter, "base", matrices, settings)
        (adapter / "README.md").write_text(card, encoding="utf-8")
    temporary = out / "model.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    if not learner.step:
        rewrite_weights(base, temporary, lambda _, tensor: tensor)
    elif matrices:
        merge_adapter(base, temporary, matrices, config.alpha / config.rank)
    else:
        learner.trained.save_weights(temporary, stored_dtype(base))
    _copy_beside(base, temporary)
    _name_format(base, temporary, format_name)
    (temporary / "README.md").write_text(card, encoding="utf-8")
    model = out / "model"
    shutil.rmtree(model, ignore_errors=True)
    temporary.rename(model)
    return Written(model, adapter)


def merge_adapter(base: Path, out: Path, matrices: Mapping[str, np.ndarray], scale: float) -> None:
    """Write the base's safetensors files with `scale` * B @ A added to the adapted weights.

    Args:
        matrices: A (r, inputs) and B (outputs, r) under PEFT's names.
    Raises:
        MergeError: a matrix without a weight of its shape in the files.
    """
    left = {n.removeprefix(_PREFIX).partition(".lora_")[0] for n in matrices}

    def add(name: str, tensor: Tensor) -> Tensor:
        module = name.removesuffix(".weight")
        if not name.endswith(".weight") or module not in left:
            return tensor
        left.discard(module)
        a, b = (torch.from_numpy(matrices[f"{_PREFIX}{module}.lora_{k}.weight"]) for k in "AB")
        if (b.shape[0], a.shape[1]) != tuple(tensor.shape):
            raise MergeError(
                f"{base}: {name} has shape {tuple(tensor.shape)}, the adapter is for "
                f"{(b.shape[0], a.shape[1])}"
            )
        return (tensor.float() + scale * (b @ a)).to(tensor.dtype)

    rewrite_weights(base, out, add)
    if left:
        raise MergeError(
            f"{base}: no tensor {min(left)}.weight in its files to merge the adapter into"
        )


def rewrite_weights(base: Path, out: Path, change: Callable[[str, Tensor], Tensor]) -> None:
    """Write every safetensors file of `base` to `out`, each tensor as `change` makes it."""
    for path in weight_files(base):
        with safe_open(path, framework="pt") as file:
            changed = {
                name: change(name, file.get_tensor(name)).contiguous()
                for name in file.keys()  # noqa: SIM118
            }
        save_file(changed, out / path.name, metadata={"format": "pt"})
    if (base / INDEX_FILE).is_file():
        shutil.copyfile(base / INDEX_FILE, out / INDEX_FILE)


def stored_dtype(folder: Path) -> torch.dtype:
    """Format of the first floating-point tensor in a folder's files; float32 without one."""
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                tensor = file.get_tensor(name)
                if tensor.is_floating_point():
                    return tensor.dtype
    return torch.float32


def _copy_beside(base: Path, out: Path) -> None:
    """Settings, tokenizer and licence as they are with the base."""
    found = sorted({path for pattern in _BESIDE for path in base.glob(pattern)})
    for path in found:
        if path.is_file() and path.name not in _NOT_COPIED:
            shutil.copyfile(path, out / path.name)


def _name_format(base: Path, out: Path, format_name: str) -> None:
    """arc_format.json: the format that was trained, with the base's settings for it if any."""
    path = base / FORMAT_FILE
    settings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if settings.get("format", format_name) != format_name:
        settings = {name: settings[name] for name in ("chat",) if name in settings}
    text = json.dumps({**settings, "format": format_name}, indent=1) + "\n"
    (out / FORMAT_FILE).write_text(text, encoding="utf-8")
    open_encoding(out)  # refuses what could not be opened later
