"""Adapters loaded from their folders into the engine, the last few kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import TypeVar

import torch
from torch import Tensor

from kit.engine.lora import Lora, MixedLoras, lora_from_peft, merge
from kit.engine.model import Model
from kit.engine.weights import Weights, replace_named
from kit.finetune.adapter_dir import load_adapter_weights, read_lora_settings
from kit.finetune.trainer import Adapter

_T = TypeVar("_T")
_KEEP_LORAS = 64
_KEEP_MERGED = 2


class AdapterCache:
    """Turns `Adapter` folders into weights of one model; nothing is loaded twice in a row."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loras: OrderedDict[str, Lora] = OrderedDict()
        self._merged: OrderedDict[str, Weights] = OrderedDict()

    def clear(self) -> None:
        """Forget all adapters."""
        self._loras.clear()
        self._merged.clear()

    def lora(self, adapter: Adapter) -> Lora:
        """The low-rank matrices of a LoRA adapter."""
        return _cached(self._loras, adapter.sha256, _KEEP_LORAS, lambda: self._load(adapter))

    def merged(self, adapter: Adapter | None) -> Weights:
        """The base weights with the adapter in them; the base itself for None."""
        if adapter is None:
            return self._model.weights
        return _cached(self._merged, adapter.sha256, _KEEP_MERGED, lambda: self._merge(adapter))

    def mixed(
        self, adapters: Sequence[Adapter | None], lengths: Sequence[int]
    ) -> tuple[Weights, MixedLoras | None]:
        """Weights for a batch of stretches, each of its length in tokens under its own adapter:
        merged ones where all have the same, else the base with additions per stretch."""
        distinct = {adapter_key(adapter): adapter for adapter in adapters}
        if len(distinct) == 1:
            return self.merged(next(iter(distinct.values()))), None
        loras = [None if a is None else self.lora(a) for a in adapters]
        ends = pairwise(accumulate(lengths, initial=0))
        stretches = [(*span, lora) for span, lora in zip(ends, loras, strict=True)]
        return self._model.weights, MixedLoras(self._model.shape, stretches)

    def _merge(self, adapter: Adapter) -> Weights:
        model = self._model
        if adapter.method == "full":
            return replace_named(model.weights, model.shape, self._tensors(adapter))
        return merge(model.weights, model.shape, self.lora(adapter))

    def _load(self, adapter: Adapter) -> Lora:
        scale = read_lora_settings(adapter).scale
        return lora_from_peft(self._tensors(adapter), self._model.shape, scale)

    def _tensors(self, adapter: Adapter) -> dict[str, Tensor]:
        return {
            name: torch.from_numpy(array).to(self._model.device, self._model.dtype)
            for name, array in load_adapter_weights(adapter).items()
        }


def _cached(store: OrderedDict[str, _T], key: str, limit: int, make: Callable[[], _T]) -> _T:
    """The value under `key`, made if missing; the least recently used one is dropped."""
    if key in store:
        store.move_to_end(key)
        return store[key]
    store[key] = make()
    if len(store) > limit:
        store.popitem(last=False)
    return store[key]


def full_key(adapter: Adapter | None) -> str:
    """Adapters with different keys cannot share a batch."""
    return adapter.sha256 if adapter is not None and adapter.method == "full" else ""


def adapter_key(adapter: Adapter | None) -> str:
    """Tells adapters apart; "" for the base model."""
    return "" if adapter is None else adapter.sha256
