"""Key/value caches of many sequences, and attention that reads and extends them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from kit.engine.shape import ModelShape


class SequenceCache:
    """Keys and values of one sequence in every layer, in one preallocated block.

    `length` tokens are valid; shortening it forgets the tail (rejected guesses) at no cost.
    """

    def __init__(self, shape: ModelShape, capacity: int, like: Tensor) -> None:
        self._block = like.new_empty(
            shape.num_layers, 2, shape.num_kv_heads, capacity, shape.head_dim
        )
        self.length = 0

    @property
    def capacity(self) -> int:
        """Tokens that fit without growing."""
        return self._block.shape[3]

    @property
    def nbytes(self) -> int:
        """Bytes of the block."""
        return self._block.numel() * self._block.element_size()

    def reserve(self, tokens: int) -> None:
        """Make room for `tokens` in all; grows by half, so that growing stays rare."""
        if tokens <= self.capacity:
            return
        size = (*self._block.shape[:3], max(tokens, self.capacity * 3 // 2), self._block.shape[4])
        block = self._block.new_empty(size)
        block[:, :, :, : self.length] = self._block[:, :, :, : self.length]
        self._block = block

    def copy(self, other: SequenceCache) -> None:
        """Hold what another cache of the same model holds."""
        self.length = 0
        self.reserve(other.length)
        self._block[:, :, :, : other.length] = other._block[:, :, :, : other.length]
        self.length = other.length

    def tail_mask(self, new: int) -> Tensor:
        """(new, length + new) True where `new` tokens behind the valid ones may attend."""
        size = (new, self.length + new)
        return torch.ones(size, dtype=torch.bool, device=self._block.device).tril(self.length)

    def layer(self, index: int) -> tuple[Tensor, Tensor]:
        """Keys and values of a layer, (k, capacity, e) each."""
        keys, values = self._block[index]
        return keys, values


class CachedCausal:
    """Attention for decoding: each sequence attends to its cache and to its own new tokens.

    New keys and values are written behind the cached ones; the caller moves `length` forward
    after the forward pass. One cache may appear several times in `caches` (several answers to one
    prompt): each occurrence then overwrites the tail of the one before, so nothing is copied.
    """

    def __init__(self, caches: Sequence[SequenceCache], lengths: Sequence[int]) -> None:
        self._caches = caches
        self._lengths = list(lengths)
        self._masks = [
            None if cache.length == 0 or n == 1 else cache.tail_mask(n)
            for cache, n in zip(caches, lengths, strict=True)
        ]

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(T, h, e), (T, k, e), (T, k, e) -> (T, h, e)."""
        out = torch.empty_like(q)
        begin = 0
        for cache, n, mask in zip(self._caches, self._lengths, self._masks, strict=True):
            here = slice(begin, begin + n)
            begin += n
            keys, values = cache.layer(layer)
            start, end = cache.length, cache.length + n
            keys[:, start:end] = k[here].transpose(0, 1)
            values[:, start:end] = v[here].transpose(0, 1)
            mixed = F.scaled_dot_product_attention(
                q[here].transpose(0, 1)[None],
                keys[None, :, :end],
                values[None, :, :end],
                attn_mask=mask,
                is_causal=start == 0 and n > 1,
                enable_gqa=k.shape[1] != q.shape[1],
            )
            out[here] = mixed[0].transpose(0, 1)
        return out
