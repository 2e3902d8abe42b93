"""Low-rank adapters of the engine: parameters, merging into weights, mixing in one batch.

Two ways to run W x + s B A x give the same result: merge s B A into a copy of W (one product per
layer, gradients through the merged matrix), or add the low-rank product behind W x. Merging is
cheaper for matrices that are small against the rank, the other for large ones; see
`merging_is_cheaper`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kit.engine.shape import ModelShape
from kit.engine.weights import LayerWeights, Weights

FUSED = {
    "qkv": ("q_proj", "k_proj", "v_proj"),
    "o": ("o_proj",),
    "gate_up": ("gate_proj", "up_proj"),
    "down": ("down_proj",),
}
"""Fused linear map of the engine -> the Hugging Face projections it is made of."""

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")

Slot = tuple[int, str]
"""(layer, projection name)."""


def projection_sizes(shape: ModelShape) -> dict[str, tuple[int, int]]:
    """(rows, columns) of each projection's weight."""
    d, e, f = shape.hidden, shape.head_dim, shape.ffn
    q, kv = shape.num_heads * e, shape.num_kv_heads * e
    return {
        "q_proj": (q, d),
        "k_proj": (kv, d),
        "v_proj": (kv, d),
        "o_proj": (d, q),
        "gate_proj": (f, d),
        "up_proj": (f, d),
        "down_proj": (d, f),
    }


def module_path(slot: Slot) -> str:
    """Path of a projection in the Hugging Face model."""
    layer, name = slot
    block = "self_attn" if name in _ATTENTION else "mlp"
    return f"model.layers.{layer}.{block}.{name}"


def peft_names(slot: Slot) -> tuple[str, str]:
    """PEFT's tensor names of A and B of one projection."""
    prefix = f"base_model.model.{module_path(slot)}"
    return f"{prefix}.lora_A.weight", f"{prefix}.lora_B.weight"


@dataclass(frozen=True, slots=True)
class Lora:
    """One adapter: pairs (A, B) per adapted projection.

    Attributes:
        pairs: (layer, projection) -> A (r, columns), B (rows, r).
        scale: alpha / r.
    """

    pairs: Mapping[Slot, tuple[Tensor, Tensor]]
    scale: float


def lora_from_peft(tensors: Mapping[str, Tensor], shape: ModelShape, scale: float) -> Lora:
    """The adapter held by PEFT-named tensors.

    Raises:
        ValueError: a tensor the engine does not know, or a pair of the wrong shape.
    """
    left = dict(tensors)
    pairs: dict[Slot, tuple[Tensor, Tensor]] = {}
    for layer in range(shape.num_layers):
        for name, (rows, columns) in projection_sizes(shape).items():
            slot = (layer, name)
            a, b = (left.pop(n, None) for n in peft_names(slot))
            if a is None or b is None:
                continue
            if a.shape[1] != columns or b.shape[0] != rows or a.shape[0] != b.shape[1]:
                got = f"{tuple(a.shape)} and {tuple(b.shape)}"
                raise ValueError(
                    f"adapter: {module_path(slot)} has A and B of {got}, the map {rows, columns}"
                )
            pairs[slot] = (a, b)
    if left:
        raise ValueError(f"adapter: tensor {next(iter(left))} is not one the engine can apply")
    return Lora(pairs, scale)


def merge(weights: Weights, shape: ModelShape, lora: Lora) -> Weights:
    """Weights with the adapter added; gradients flow to its A and B."""
    layers = tuple(_merge_layer(layer, i, shape, lora) for i, layer in enumerate(weights.layers))
    return replace(weights, layers=layers)


def _merge_layer(layer: LayerWeights, index: int, shape: ModelShape, lora: Lora) -> LayerWeights:
    sizes = projection_sizes(shape)
    changed = {}
    for fused, names in FUSED.items():
        if not any((index, name) in lora.pairs for name in names):
            continue
        weight = getattr(layer, fused)
        parts = []
        for name in names:
            pair = lora.pairs.get((index, name))
            zero = weight.new_zeros(sizes[name]) if pair is None else None
            parts.append(zero if pair is None else (pair[1] @ pair[0]).to(weight.dtype))
        delta = parts[0] if len(parts) == 1 else torch.cat(parts)
        changed[fused] = torch.add(weight, delta, alpha=lora.scale)
    return replace(layer, **changed)


def merging_is_cheaper(shape: ModelShape, rank: int) -> bool:
    """Whether training through merged matrices needs fewer operations per token.

    Merged: forward, input gradient and weight gradient, 6 per weight. Low-rank beside a frozen
    matrix: 4 per weight and 6 r (rows + columns) for the pair.
    """
    sizes = projection_sizes(shape).values()
    return sum(2 * m * n for m, n in sizes) < sum(6 * rank * (m + n) for m, n in sizes)


class MixedLoras:
    """Adds different adapters to different stretches of one packed batch (an `Adapt`).

    Args:
        stretches: (start, end, adapter) token ranges; None for the base model.
        dropout: (probability, seed) of dropping inputs of the low-rank maps in training.
    """

    def __init__(
        self,
        shape: ModelShape,
        stretches: Sequence[tuple[int, int, Lora | None]],
        dropout: tuple[float, int] | None = None,
    ) -> None:
        self._stretches = stretches
        self._dropout = dropout
        self._generator = None if dropout is None else torch.Generator().manual_seed(dropout[1])
        self._sizes = projection_sizes(shape)

    def __call__(self, layer: int, name: str, x: Tensor, y: Tensor) -> Tensor:
        """`y` (T, rows) plus each stretch's low-rank product for map `name`."""
        parts = []
        for start, end, lora in self._stretches:
            part = y[start:end]
            if lora is not None:
                part = self._add(layer, name, x[start:end], part, lora)
            parts.append(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _add(self, layer: int, name: str, x: Tensor, y: Tensor, lora: Lora) -> Tensor:
        columns = []
        for projection in FUSED[name]:
            pair = lora.pairs.get((layer, projection))
            rows = self._sizes[projection][0]
            if pair is None:
                columns.append(x.new_zeros(x.shape[0], rows))
            else:
                low = self._drop(x) @ pair[0].T.to(x.dtype)
                columns.append(low @ pair[1].T.to(x.dtype))
        delta = columns[0] if len(columns) == 1 else torch.cat(columns, dim=-1)
        return torch.add(y, delta, alpha=lora.scale)

    def _drop(self, x: Tensor) -> Tensor:
        if self._dropout is None:
            return x
        keep = 1.0 - self._dropout[0]
        mask = torch.rand(x.shape, generator=self._generator) < keep
        return x * mask.to(x.device, x.dtype) / keep
