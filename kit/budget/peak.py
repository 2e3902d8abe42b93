"""How much memory a training step takes, and which sequences fit: predicted before it is tried.

What it does: counts what autograd keeps of one forward pass of a Llama-family model in float32, and
turns the memory of a worker into a number of tokens. What it does not: know the memory of a GPU, or
be exact; what runs out all the same is stepped down (`RunState.fits_tokens`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_FLOAT_BYTES = 4

_HIDDEN_KEPT = 12
"""Vectors of the hidden size kept per token and layer: two norms and their inputs, q, k, v, the
attention's output, both residual sums, and copies that rotary embedding makes."""

_INNER_KEPT = 5
"""Vectors of the inner size: gate, its activation, up, their product, and a gradient on its way."""

_LOGITS_KEPT = 3
"""Copies of the logits that a loss holds, at most one row per token."""

_PASS_COPY = 1.5
"""Peak over what is kept: gradients on their way back, and what the allocator cannot reuse."""

LEAST_TOKENS = 256
"""No prediction is so sure of itself that less than this is not tried."""


def bytes_per_token(config: Mapping[str, Any]) -> float | None:
    """Memory that one token of a training pass takes; None where the model does not say its sizes.

    Args:
        config: of the model, as in its config.json.
    """
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
    sizes = [config.get(name) for name in names]
    if not all(type(size) is int and size > 0 for size in sizes):
        return None
    hidden, inner, layers, vocab = sizes
    kept = layers * (_HIDDEN_KEPT * hidden + _INNER_KEPT * inner) + _LOGITS_KEPT * vocab
    return _FLOAT_BYTES * _PASS_COPY * kept


def fitting_tokens(config: Mapping[str, Any], room_bytes: float) -> float:
    """Longest sequence that a training pass has room for; inf where that is not known.

    Args:
        room_bytes: of one worker, without what its model and its interpreter hold.
    """
    each = bytes_per_token(config)
    return math.inf if each is None else max(LEAST_TOKENS, room_bytes / each)
