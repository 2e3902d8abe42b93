"""Adapter folders on disk: written whole or not at all, read only when their checksum is right.

A LoRA adapter is a PEFT folder that stock peft and vLLM open; method "full" is a folder with
model.safetensors. Weights are stored as float32: numpy has no bfloat16, and adapters are small.
Does not train, and never opens a pickle. Needs numpy and safetensors only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from kit.arc.whole_file import sync_folder
from kit.finetune.trainer import Adapter

WEIGHT_FILES = {"lora": "adapter_model.safetensors", "full": "model.safetensors"}
CONFIG_FILE = "adapter_config.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


class AdapterError(ValueError):
    """An adapter that cannot be written or used; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """What adapter_config.json says, one rank and alpha for all layers.

    Attributes:
        targets: last names of the adapted linear layers, e.g. "q_proj".
        base_model: folder or name of the model it was trained on.
    """

    rank: int
    alpha: float
    targets: tuple[str, ...]
    base_model: str

    @property
    def scale(self) -> float:
        """Factor of B @ A in the adapted weight, alpha / rank."""
        return self.alpha / self.rank


def write_lora_adapter(
    out: Path, task_id: str, weights: Mapping[str, np.ndarray], settings: LoraSettings
) -> Adapter:
    """Write a PEFT folder `out`, replacing an older one.

    Args:
        weights: A (rank, inputs) and B (outputs, rank) of every adapted layer under PEFT's names,
            "base_model.model." + path of the layer + ".lora_A.weight" or ".lora_B.weight"; kept
            as float16 where they are, else as float32.
    Raises:
        AdapterError: a name or shape that PEFT would not read, a value that is not finite, or
            the folder cannot be written.
    """
    _check_lora(out, weights, settings)
    config = json.dumps(_peft_config(settings), indent=2) + "\n"
    return _write(out, task_id, "lora", weights, {CONFIG_FILE: config.encode()})


def write_full_adapter(out: Path, task_id: str, weights: Mapping[str, np.ndarray]) -> Adapter:
    """Write folder `out` with changed weights under the base model's own names.

    Raises:
        AdapterError: a value is not finite, or the folder cannot be written.
    """
    return _write(out, task_id, "full", weights, {})


def open_adapter(path: Path, task_id: str, method: Literal["lora", "full"]) -> Adapter:
    """An adapter written earlier, as it lies there now.

    Raises:
        AdapterError: no such folder or no weights in it.
    """
    found = Adapter(task_id, path, method, "")
    return replace(found, sha256=hashlib.sha256(_weights_path(found).read_bytes()).hexdigest())


def load_adapter_weights(adapter: Adapter) -> dict[str, np.ndarray]:
    """Weights of an adapter by name, in float32, after comparing its checksum.

    Raises:
        AdapterError: missing, changed since it was written, or not a safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors_numpy

    path = _weights_path(adapter)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AdapterError(f"{path}: cannot be read ({error.strerror or error})") from error
    found = hashlib.sha256(data).hexdigest()
    if found != adapter.sha256:
        raise AdapterError(
            f"{path}: checksum {found[:12]}... is not the {adapter.sha256[:12]}... it was written "
            "with; the file is damaged or another adapter took its place"
        )
    try:
        held = safetensors_numpy.load(data)
        return {name: array.astype(np.float32, copy=False) for name, array in held.items()}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise AdapterError(f"{path}: not a readable safetensors file ({error})") from error


def read_lora_settings(adapter: Adapter) -> LoraSettings:
    """Rank, alpha and targets of a LoRA adapter.

    Raises:
        AdapterError: no readable adapter_config.json, or one with ranks that differ by layer.
    """
    path = adapter.path / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        settings = LoraSettings(
            rank=config["r"],
            alpha=config["lora_alpha"],
            targets=tuple(config["target_modules"]),
            base_model=config["base_model_name_or_path"] or "",
        )
    except OSError as error:
        raise AdapterError(f"{path}: cannot be read ({error.strerror or error})") from error
    except KeyError as error:
        raise AdapterError(f"{path}: key {error} is missing") from error
    except (ValueError, TypeError) as error:
        raise AdapterError(f"{path}: not a PEFT configuration ({error})") from error
    if config.get("rank_pattern") or config.get("alpha_pattern") or config.get("use_rslora"):
        raise AdapterError(f"{path}: rank_pattern, alpha_pattern and use_rslora must be empty")
    return settings


def _peft_config(settings: LoraSettings) -> dict[str, object]:
    # vLLM reads lora_alpha as an integer, so a whole number is written as one.
    alpha = int(settings.alpha) if float(settings.alpha).is_integer() else settings.alpha
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": settings.base_model,
        "r": settings.rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": list(settings.targets),
        "bias": "none",
        "fan_in_fan_out": False,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "use_rslora": False,
        "use_dora": False,
        "inference_mode": True,
    }


def _check_lora(out: Path, weights: Mapping[str, np.ndarray], settings: LoraSettings) -> None:
    for name, array in weights.items():
        module, _, kind = name.removesuffix(".weight").rpartition(".")
        if not name.startswith("base_model.model.") or kind not in ("lora_A", "lora_B"):
            raise AdapterError(
                f"{out}: {name!r} is no name that PEFT reads, "
                "such as 'base_model.model.PATH.lora_A.weight'"
            )
        twin = f"{module}.{'lora_B' if kind == 'lora_A' else 'lora_A'}.weight"
        if twin not in weights:
            raise AdapterError(f"{out}: {name} has no {twin} beside it")
        rank_axis = 0 if kind == "lora_A" else 1
        if array.ndim != 2 or array.shape[rank_axis] != settings.rank:
            raise AdapterError(
                f"{out}: {name} has shape {array.shape}, expected {settings.rank} "
                f"(the rank) on axis {rank_axis}"
            )


def _weights_path(adapter: Adapter) -> Path:
    path = adapter.path / WEIGHT_FILES[adapter.method]
    if path.is_file():
        return path
    if not adapter.path.is_dir():
        raise AdapterError(f"{adapter.path}: no such adapter folder")
    pickles = sorted(file.name for kind in _PICKLES for file in adapter.path.glob(kind))
    hint = f"; {pickles[0]} may be a pickle and is never opened" if pickles else ""
    raise AdapterError(f"{adapter.path}: no {path.name}{hint}")


def _write(
    out: Path,
    task_id: str,
    method: Literal["lora", "full"],
    weights: Mapping[str, np.ndarray],
    texts: Mapping[str, bytes],
) -> Adapter:
    """Fill a folder beside `out`, then move it into place."""
    from safetensors import numpy as safetensors_numpy

    # safetensors copies the buffer as it lies, so arrays must be contiguous.
    arrays = {name: np.ascontiguousarray(weights[name]) for name in sorted(weights)}
    for name, array in arrays.items():
        if array.dtype != np.float16:
            arrays[name] = array.astype(np.float32, copy=False)
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise AdapterError(f"{out}: {broken[0]} holds values that are not finite")
    data = safetensors_numpy.save(arrays, metadata={"format": "pt"})
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, content in {WEIGHT_FILES[method]: data, **texts}.items():
            _write_synced(temporary / name, content)
        sync_folder(temporary)
        _replace_folder(temporary, out)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise AdapterError(
            f"{out}: the adapter cannot be written ({error.strerror or error})"
        ) from error
    return Adapter(task_id, out, method, hashlib.sha256(data).hexdigest())


def _replace_folder(new: Path, out: Path) -> None:
    """Move `new` to `out`; a folder that is already there goes aside first, then away."""
    if out.exists():
        old = out.with_name(f".{out.name}.{os.getpid()}.old")
        shutil.rmtree(old, ignore_errors=True)
        out.rename(old)
        new.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.rename(out)
    sync_folder(out.parent)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
