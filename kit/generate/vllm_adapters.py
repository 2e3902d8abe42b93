"""Adapters put where vLLM reads them: checked, copied, and never twice under one name.

vLLM's prefix cache knows an adapter by its name and its weights by number and path, so that a name,
a number or a path used again would answer with the weights of before. What it does: gives every
version (by checksum) its own. What it does not: load anything into the engine.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kit.engine.shape import ModelShape
from kit.finetune.adapter_dir import (
    CONFIG_FILE,
    WEIGHT_FILES,
    AdapterError,
    LoraSettings,
    load_adapter_weights,
    read_lora_settings,
    write_lora_adapter,
)
from kit.finetune.trainer import LINEAR_LAYERS, Adapter

SHARED_MEMORY = Path("/dev/shm")

_RESERVE_BYTES = 256 << 20
"""Shared memory left to others: torch passes tensors through it."""

_PREFIX = "kit-adapters-"
"""Of folders with copies; the number of the process follows."""

_NUMBERS = itertools.count(1)
"""Of all versions in this process: engines that follow each other never meet a number twice."""

KEPT_VERSIONS = 8
"""Copies that outlive the call they were made for: those of the tasks that are served together. At
rank 256 of a 4B model each takes 1 GB of the machine's memory."""


@dataclass(frozen=True, slots=True)
class ServedAdapter:
    """One version of an adapter under which vLLM knows it.

    Attributes:
        number: vLLM's id, 1 or more.
    """

    name: str
    number: int
    path: Path


class AdapterShelf:
    """Copies of adapters for one engine.

    Args:
        max_rank: largest rank that the engine has room for.
        shared: where copies go while there is room; otherwise they are links beside the adapters,
            which take no room.
    """

    def __init__(self, max_rank: int, shared: Path = SHARED_MEMORY) -> None:
        self._max_rank = max_rank
        self._shared = shared
        self._folders: dict[Path, Path] = {}
        self._served: OrderedDict[str, ServedAdapter] = OrderedDict()
        self._neutral: ServedAdapter | None = None

    def serve(self, adapter: Adapter) -> ServedAdapter:
        """The copy of an adapter; made when its checksum is new.

        Raises:
            AdapterError: damaged, or nothing that vLLM serves.
        """
        served = self._served.get(adapter.sha256)
        if served is None:
            self._served[adapter.sha256] = served = self._copy(adapter)
        self._served.move_to_end(adapter.sha256)
        return served

    def neutral(self, shape: ModelShape) -> ServedAdapter:
        """An adapter of zeros: the base model for engines that cannot go without an adapter."""
        if self._neutral is None:
            outputs = shape.num_heads * shape.head_dim
            layer = "base_model.model.model.layers.0.self_attn.q_proj"
            weights = {
                f"{layer}.lora_A.weight": np.zeros((1, shape.hidden), np.float32),
                f"{layer}.lora_B.weight": np.zeros((outputs, 1), np.float32),
            }
            settings = LoraSettings(1, 1.0, ("q_proj",), "")
            with tempfile.TemporaryDirectory() as folder:
                written = write_lora_adapter(Path(folder) / "zeros", "base", weights, settings)
                self._neutral = self._copy(written)
        return self._neutral

    def forget_others(self, wanted: Collection[str]) -> None:
        """Delete copies beyond KEPT_VERSIONS, the oldest first, but none of the `wanted`
        checksums."""
        for sha in [sha for sha in self._served if sha not in wanted]:
            if len(self._served) <= KEPT_VERSIONS:
                return
            shutil.rmtree(self._served.pop(sha).path, ignore_errors=True)

    def close(self) -> None:
        """Delete all copies."""
        self._served.clear()
        self._neutral = None
        for folder in self._folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        self._folders.clear()

    def _copy(self, adapter: Adapter) -> ServedAdapter:
        check_servable(adapter, self._max_rank)
        files = [adapter.path / WEIGHT_FILES["lora"], adapter.path / CONFIG_FILE]
        try:
            need = sum(file.stat().st_size for file in files) + _RESERVE_BYTES
            number = next(_NUMBERS)
            name = f"{number}-{adapter.sha256[:16]}"
            in_memory = _free_bytes(self._shared) >= need
            path = self._folder(self._shared if in_memory else adapter.path.parent) / name
            path.mkdir()
            for file in files:
                (shutil.copyfile if in_memory else _link)(file, path / file.name)
        except OSError as error:
            raise AdapterError(
                f"{adapter.path}: cannot be copied for vLLM ({error.strerror or error})"
            ) from error
        try:
            # Checked behind the copy: what is served is what was read.
            _check_tensors(replace(adapter, path=path))
        except AdapterError:
            shutil.rmtree(path)
            raise
        return ServedAdapter(name, number, path)

    def _folder(self, parent: Path) -> Path:
        if parent not in self._folders:
            remove_orphans(parent)
            folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)
            self._folders[parent] = Path(folder)
        return self._folders[parent]


def _link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the disk knows no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def remove_orphans(parent: Path) -> None:
    """Delete the copies of processes that were killed: shared memory outlives them."""
    for folder in sorted(parent.glob(f"{_PREFIX}*-*")):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def check_servable(adapter: Adapter, max_rank: int) -> None:
    """Refuse an adapter that vLLM would refuse, or serve wrongly, with the reason.

    Raises:
        AdapterError: see there.
    """
    if adapter.method != "lora":
        raise AdapterError(
            f"{adapter.path}: vLLM serves LoRA adapters, not all weights (finetune.method=full); "
            "use solve.sampler=torch for those"
        )
    settings = read_lora_settings(adapter)
    if settings.rank > max_rank:
        raise AdapterError(
            f"{adapter.path}: rank {settings.rank} is above {max_rank}, which the engine was "
            "started for"
        )
    config = _read_config(adapter.path / CONFIG_FILE)
    if config.get("modules_to_save"):
        raise AdapterError(
            f"{adapter.path}: modules_to_save is {config['modules_to_save']}: vLLM cannot swap "
            "whole copies of layers with an adapter; merge them into the base model, or adapt "
            f"{', '.join(LINEAR_LAYERS)} only"
        )
    for key, allowed in (("use_dora", False), ("bias", "none"), ("layer_replication", None)):
        if config.get(key) not in (allowed, None):
            raise AdapterError(
                f"{adapter.path}: {key} is {config[key]!r}; vLLM serves adapters with {allowed!r}"
            )
    others = [name for name in settings.targets if name not in LINEAR_LAYERS]
    if others:
        raise AdapterError(
            f"{adapter.path}: adapts {', '.join(others)}; served by vLLM are "
            f"{', '.join(LINEAR_LAYERS)}"
        )


def _check_tensors(adapter: Adapter) -> None:
    """Refuse a damaged file, and tensors that are no part of a low-rank product."""
    for name in load_adapter_weights(adapter):
        if not name.endswith((".lora_A.weight", ".lora_B.weight")):
            raise AdapterError(
                f"{adapter.path}: holds {name}, which is no LoRA matrix (from modules_to_save?); "
                "vLLM cannot serve it"
            )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterError(f"{path}: cannot be read ({error})") from error


def _free_bytes(folder: Path) -> int:
    """Free space; 0 where there is no such folder."""
    return shutil.disk_usage(folder).free if folder.is_dir() else 0
