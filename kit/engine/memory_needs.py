"""What a trainer and a server of one model take of a card's memory, counted part by part.

What it does: bytes from the model's shape, the adapter's rank and the longest sequence. What it
does not: decide what is done with them (`kit.engine.memory_plan`), or measure a GPU. Counts are
meant to be a little high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from kit.engine.cards import GIB
from kit.engine.memory import ActivationSizes
from kit.engine.shape import ModelShape

NF4_BYTES = 0.56
"""Bytes of a weight in NF4: 4 bits, one 8-bit scale per 64 weights, a second level of scales."""

STATE_BYTES = 16
"""Of a trained number, in float32, that a fit takes up to the end of its first step: 4 the last
good value, to which a broken step goes back (`kit.finetune.stepping`), 4 the gradient, 8 two
moments of AdamW."""

TRAINED_BYTES = 4 + STATE_BYTES
"""Of a trained number at the peak of a step: itself in float32, and what a fit adds."""

PROCESS_BYTES = int(0.6 * GIB)
"""What CUDA, its libraries and their kernels take of a card for each process."""

SERVED_TOKENS = 1024
"""Room for an answer behind the longest sequence."""

_STEP_TOKENS = 8192
_GRAPHS_BYTES = int(1.0 * GIB)
_LOSS_BYTES = 256 * 2**20
"""Logits are made in parts of so many bytes; two parts exist at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What training and serving are asked to do, or what is left of it.

    Attributes:
        rank: of the adapters.
        batch_views: sequences of one optimiser step.
        tokens: of the longest sequence.
        quantize: "auto" takes 4 bits where 16-bit weights would fill too much of the card.
        checkpointing: "auto" keeps activations where they fit.
        max_loras: adapters that one batch of the server may hold.
    """

    rank: int
    batch_views: int
    tokens: int
    quantize: Literal["auto", "none", "nf4"] = "auto"
    checkpointing: Literal["auto", "on", "off"] = "auto"
    max_loras: int = 8


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes on a card of one process.

    Attributes:
        weights: of the base model.
        adapters: with gradients and optimiser state, or all that a server holds.
        work: activations and logits, or a server's largest step and its graphs.
        cache: keys and values of a server.
    """

    weights: int
    adapters: int
    work: int
    cache: int = 0

    @property
    def total(self) -> int:
        """Of all, what CUDA takes included."""
        return self.weights + self.adapters + self.work + self.cache + PROCESS_BYTES

    def text(self) -> str:
        """In GiB, for messages."""
        parts = [("weights", self.weights), ("adapters", self.adapters), ("work", self.work)]
        parts += [("cache", self.cache)] if self.cache else []
        listed = " + ".join(f"{name} {size / GIB:.2f}" for name, size in parts)
        return f"{self.total / GIB:.2f} GiB ({listed} + CUDA {PROCESS_BYTES / GIB:.2f})"


def lora_parameters(shape: ModelShape, rank: int) -> int:
    """Numbers in an adapter of all seven linear layers."""
    inner, key = shape.num_heads * shape.head_dim, shape.num_kv_heads * shape.head_dim
    sides = 2 * (shape.hidden + inner) + 2 * (shape.hidden + key) + 3 * (shape.hidden + shape.ffn)
    return rank * shape.num_layers * sides


def weight_bytes(shape: ModelShape, nf4: bool, value_bytes: int = 2) -> int:
    """Of the base model; embeddings stay in 16 bits."""
    if not nf4:
        return value_bytes * shape.num_parameters()
    embeddings = shape.vocab * shape.hidden * (1 if shape.tied else 2)
    return math.ceil(NF4_BYTES * (shape.num_parameters() - embeddings)) + 2 * embeddings


def train_need(shape: ModelShape, wish: Wish, nf4: bool, checkpointing: bool) -> Need:
    """What a trainer takes at the peak of a step.

    The views of a batch go through the model together; each layer's activations are kept, or only
    its input and one layer's activations at a time.
    """
    inner = (shape.num_heads + 2 * shape.num_kv_heads) * shape.head_dim
    one = ActivationSizes(1, shape.hidden, shape.ffn, inner, 2)
    tokens = wish.batch_views * wish.tokens
    kept = one.kept_bytes(tokens)
    inputs = 2 * shape.hidden * tokens * shape.num_layers
    work = kept + inputs if checkpointing else kept * shape.num_layers
    logits = 2 * min(_LOSS_BYTES, 4 * shape.vocab * tokens)
    # One layer's weights are unpacked from 4 bits at a time.
    layer = weight_bytes(shape, nf4=False) // shape.num_layers if nf4 else 0
    adapters = TRAINED_BYTES * lora_parameters(shape, wish.rank)
    return Need(weight_bytes(shape, nf4), adapters, work + logits + layer)


def serve_need(shape: ModelShape, wish: Wish, nf4: bool, requests: int) -> Need:
    """What a server takes that holds so many requests of full length."""
    per_token = 2 * shape.num_layers * shape.num_kv_heads * shape.head_dim * 2
    step = _STEP_TOKENS * (4 * shape.hidden + 3 * shape.ffn) * 2
    logits = 256 * shape.vocab * 4
    adapters = wish.max_loras * lora_parameters(shape, wish.rank) * 2
    cache = requests * (wish.tokens + SERVED_TOKENS) * per_token
    return Need(weight_bytes(shape, nf4), adapters, step + logits + _GRAPHS_BYTES, cache)
