"""Which tokens of an encoded view carry loss. Works for any format: it looks at spans, not ids."""

from __future__ import annotations

from typing import get_args

import numpy as np

from kit.arc.names import did_you_mean
from kit.encode.encoding import Encoded
from kit.finetune.trainer import LossOn


def loss_mask(encoded: Encoded, loss_on: LossOn) -> np.ndarray:
    """(T,) bool, True where token t is a target: the model must predict it from tokens before t.

    A model's output at position t predicts token t + 1, so a target at t takes the logits of
    position t - 1. With "outputs" the first demonstration's output carries no loss, since nothing
    before it shows the rule; the answer always does.

    Raises:
        ValueError: unknown `loss_on`, or a view without answer where the answer is needed.
    Source: Akyurek et al. 2024, arXiv 2411.07279, loss on all outputs.
    """
    if loss_on not in get_args(LossOn):
        raise ValueError(
            f"loss_on must be one of {', '.join(get_args(LossOn))}, got {loss_on!r}"
            f"{did_you_mean(str(loss_on), get_args(LossOn))}"
        )
    mask = np.zeros(len(encoded), dtype=bool)
    if loss_on == "all":
        mask[1:] = True
        return mask
    *shown, answer = encoded.output_spans or [(0, 0)]
    if answer[1] != len(encoded):
        raise ValueError(f"loss_on={loss_on} needs a view with an answer at its end, got none")
    for start, end in [*(shown[1:] if loss_on == "outputs" else []), answer]:
        mask[start:end] = True
    return mask
