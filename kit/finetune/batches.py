"""Views to tokens, and to padded tensors for models that take rectangular batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kit.augment.views import View
from kit.encode.encoding import ContextError, Encoded, Encoding
from kit.finetune.loss_mask import loss_mask
from kit.finetune.trainer import LossOn

IGNORE = -100
"""Label of a position without loss; what torch's cross entropy skips."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B views, padded on the right to T tokens.

    Attributes:
        tokens, positions: (B, T) int64; 0 behind a view's end.
        attention: (B, T) int64, 1 on real tokens. Never leave it out: positions with jumps and no
            mask are read by transformers as several packed sequences that do not see each other.
        labels: (B, T) int64, ALREADY SHIFTED: at t the token t + 1 when it is a target, else
            IGNORE.
        num_tokens: real tokens.
    """

    tokens: Tensor
    positions: Tensor
    attention: Tensor
    labels: Tensor
    num_tokens: int


def encode_views(task_id: str, views: Sequence[View], encoding: Encoding) -> list[Encoded]:
    """Views that fit the context.

    Raises:
        ValueError: none does, with the reason of the last.
    """
    encoded = []
    reason = "there were no views"
    for view in views:
        try:
            encoded.append(encoding.encode(view))
        except ContextError as error:
            reason = str(error)
    if not encoded:
        raise ValueError(
            f"task {task_id}: none of {len(views)} training views can be used: {reason}"
        )
    return encoded


def shifted_labels(encoded: Encoded, loss_on: LossOn) -> np.ndarray:
    """(T,) int64: at t the token t + 1 if it is a target, else IGNORE."""
    labels = np.full(len(encoded), IGNORE, dtype=np.int64)
    labels[:-1] = np.where(loss_mask(encoded, loss_on)[1:], encoded.tokens[1:], IGNORE)
    return labels


def pad_batch(views: Sequence[Encoded], loss_on: LossOn, device: str = "cpu") -> Batch:
    """One batch of views with answers; see `loss_mask` for what is refused."""

    def padded(rows: list[np.ndarray], fill: int) -> Tensor:
        table = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
        for index, row in enumerate(rows):
            table[index, : len(row)] = row
        return torch.from_numpy(table).to(device)

    return Batch(
        tokens=padded([view.tokens for view in views], 0),
        positions=padded([view.positions for view in views], 0),
        attention=padded([np.ones(len(view), dtype=np.int64) for view in views], 0),
        labels=padded([shifted_labels(view, loss_on) for view in views], IGNORE),
        num_tokens=sum(map(len, views)),
    )
