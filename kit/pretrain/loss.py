"""The loss of sequences packed behind each other, for everything that pre-training trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kit.encode.encoding import Encoded
from kit.engine.llama import Adapt, Attend, PackedCausal, PaddedCausal, RotaryTable, forward
from kit.engine.shape import ModelShape
from kit.engine.weights import Weights
from kit.finetune.loss_mask import loss_mask


def sum_loss(
    shape: ModelShape,
    weights: Weights,
    rotary: RotaryTable,
    pack: Sequence[Encoded],
    device: str = "cpu",
    adapt: Adapt | None = None,
    recompute: bool = False,
) -> tuple[Tensor, Tensor]:
    """(cross-entropy in nats summed over targets, (B,) whether each answer is all right).

    Args:
        pack: views with answers; the loss is on all outputs from the second on.
        recompute: see `kit.engine.llama.forward`.
    """
    lengths = [len(e) for e in pack]
    tokens = torch.from_numpy(np.concatenate([e.tokens for e in pack])).to(device)
    positions = torch.from_numpy(np.concatenate([e.positions for e in pack])).to(device)
    masks = [loss_mask(e, "outputs") for e in pack]
    targets = torch.from_numpy(np.flatnonzero(np.concatenate(masks))).to(device)
    # One call over a padded rectangle suits GPUs, one per sequence saves work on CPUs.
    attend: Attend = PackedCausal(lengths) if device == "cpu" else PaddedCausal(lengths, device)
    hidden = forward(shape, weights, rotary, tokens, positions, attend, adapt, recompute=recompute)
    logits = F.linear(hidden[targets - 1], weights.head).float()
    loss = F.cross_entropy(logits, tokens[targets], reduction="sum")
    right = (logits.argmax(-1) == tokens[targets]).split([int(m.sum()) for m in masks])
    answers = [r[-answer_len(e) :].all() for r, e in zip(right, pack, strict=True)]
    return loss, torch.stack(answers)


def num_targets(encoded: Encoded) -> int:
    """Tokens of a sequence that carry loss: all outputs from the second on."""
    return int(loss_mask(encoded, "outputs").sum())


def answer_len(encoded: Encoded) -> int:
    """Tokens of a view's answer, its end included."""
    start, end = encoded.output_spans[-1]
    return end - start
