"""Forward pass of Llama-family models over packed sequences: no padding anywhere.

Tokens of all sequences lie behind each other in one (T, D) array, so every linear layer is one
matrix product over useful tokens only; attention runs per sequence. The same function trains
(no cache) and decodes (with a `KVCache`). Letters: T tokens of all sequences, D hidden, F ffn,
h heads, k key/value heads, e head dimension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from kit.engine.shape import ModelShape
from kit.engine.weights import LayerWeights, Weights


class Attend(Protocol):
    """Causal attention of each sequence to itself (and to what a cache holds of it)."""

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(T, h, e), (T, k, e), (T, k, e) -> (T, h, e)."""
        ...


class Adapt(Protocol):
    """Low-rank additions to a layer's linear maps, for batches that mix several adapters."""

    def __call__(self, layer: int, name: str, x: Tensor, y: Tensor) -> Tensor:
        """`y` plus the additions for input `x` of linear map `name` ("qkv", "o", ...)."""
        ...


class RotaryTable:
    """Cosines and sines for position ids, (T, e / 2) each, in float32."""

    def __init__(self, shape: ModelShape, device: str) -> None:
        half = torch.arange(0, shape.head_dim, 2, dtype=torch.float32, device=device)
        frequency = shape.rope_theta ** (-half / shape.head_dim)
        if shape.rope_scaling is not None:
            frequency = _scale_llama3(frequency, shape)
        self._frequency = frequency

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(T,) position ids -> cosines and sines."""
        angles = positions[:, None].float() * self._frequency
        return angles.cos(), angles.sin()


def _scale_llama3(frequency: Tensor, shape: ModelShape) -> Tensor:
    """Llama 3.1's frequency scaling: long waves slowed by `factor`, a ramp between."""
    scaling = shape.rope_scaling
    assert scaling is not None
    wavelength = 2 * math.pi / frequency
    smooth = (scaling.original_context / wavelength - scaling.low_freq_factor) / (
        scaling.high_freq_factor - scaling.low_freq_factor
    )
    smooth = smooth.clamp(0.0, 1.0)
    return frequency * (smooth + (1 - smooth) / scaling.factor)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of x (T, n, e) in Hugging Face's half-split layout."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos[:, None].to(x.dtype), sin[:, None].to(x.dtype)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class PackedCausal:
    """Attention for training: sequences of the given lengths, nothing cached."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self._lengths = list(lengths)

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(T, h, e) attention output, sequence by sequence."""
        parts = [
            causal_attention(qs, ks, vs)
            for qs, ks, vs in zip(
                q.split(self._lengths), k.split(self._lengths), v.split(self._lengths), strict=True
            )
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class PaddedCausal:
    """The same attention as `PackedCausal` in one call over a padded rectangle: for GPUs.

    What lies behind a sequence's end is zeros, which causality hides from its tokens.
    """

    def __init__(self, lengths: Sequence[int], device: str) -> None:
        sizes = torch.tensor(lengths, device=device)
        self._there = torch.arange(max(lengths), device=device) < sizes[:, None]

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(T, h, e) attention output, all sequences at once."""
        gqa = k.shape[1] != q.shape[1]
        padded = [self._pad(x).transpose(1, 2) for x in (q, k, v)]
        out = F.scaled_dot_product_attention(*padded, is_causal=True, enable_gqa=gqa)
        return out.transpose(1, 2)[self._there]

    def _pad(self, x: Tensor) -> Tensor:
        """(T, n, e) -> (B, longest, n, e)."""
        rectangle = x.new_zeros(*self._there.shape, *x.shape[1:])
        return rectangle.masked_scatter(self._there[..., None, None], x)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of one sequence: (t, h, e), (t, k, e), (t, k, e) -> (t, h, e)."""
    out = F.scaled_dot_product_attention(
        q.transpose(0, 1)[None],
        k.transpose(0, 1)[None],
        v.transpose(0, 1)[None],
        is_causal=True,
        enable_gqa=k.shape[1] != q.shape[1],
    )
    return out[0].transpose(0, 1)


def forward(
    shape: ModelShape,
    weights: Weights,
    rotary: RotaryTable,
    tokens: Tensor,
    positions: Tensor,
    attend: Attend,
    adapt: Adapt | None = None,
    recompute: bool = False,
) -> Tensor:
    """Hidden states after the final norm, (T, D).

    Args:
        tokens, positions: (T,) int64 of all sequences, one behind the other.
        attend: keeps sequences apart.
        adapt: None when `weights` already hold the adapter.
        recompute: keep no activations inside blocks; the backward pass computes them again.
    """
    x = F.embedding(tokens, weights.embed)
    cos_sin = rotary(positions)
    for i, layer in enumerate(weights.layers):
        block = (shape, layer, i, x, cos_sin, attend, adapt)
        x = checkpoint(_block, *block, use_reentrant=False) if recompute else _block(*block)
    return F.rms_norm(x, (shape.hidden,), weights.norm, shape.norm_eps)


def _block(
    shape: ModelShape,
    layer: LayerWeights,
    index: int,
    x: Tensor,
    cos_sin: tuple[Tensor, Tensor],
    attend: Attend,
    adapt: Adapt | None,
) -> Tensor:
    """One transformer block, (T, D) -> (T, D)."""

    def linear(name: str, source: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        y = F.linear(source, weight, bias)
        return y if adapt is None else adapt(index, name, source, y)

    h, kv, e = shape.num_heads, shape.num_kv_heads, shape.head_dim
    normed = F.rms_norm(x, (shape.hidden,), layer.input_norm, shape.norm_eps)
    qkv = linear("qkv", normed, layer.qkv, layer.qkv_bias).view(-1, h + 2 * kv, e)
    if layer.q_norm is not None and layer.k_norm is not None:
        q, k, v = qkv.split((h, kv, kv), dim=1)
        q = rotate(F.rms_norm(q, (e,), layer.q_norm, shape.norm_eps), *cos_sin)
        k = rotate(F.rms_norm(k, (e,), layer.k_norm, shape.norm_eps), *cos_sin)
    else:
        qk, v = qkv.split((h + kv, kv), dim=1)
        q, k = rotate(qk, *cos_sin).split((h, kv), dim=1)
    mixed = attend(index, q, k, v).reshape(-1, h * e)
    x = x + linear("o", mixed, layer.o)
    normed = F.rms_norm(x, (shape.hidden,), layer.post_norm, shape.norm_eps)
    gate, up = linear("gate_up", normed, layer.gate_up).chunk(2, dim=-1)
    return x + linear("down", F.silu(gate) * up, layer.down)
