"""Optimiser steps that never leave broken weights behind, in float32 or with scaled float16.

What it does: AdamW on a list of parameters. A step whose loss, gradient or weights are not finite
is taken back to the last state whose loss was finite, and the next one is half as long; after a
few such steps the fit is given up. Where float16 activations need it, losses are scaled up so that
small gradients do not vanish, and a gradient that overflows only lowers the scale.
What it does not: compute losses, choose batches or rates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from kit.finetune.trainer import FinetuneConfig

MAX_REFUSALS = 3
"""So many refused steps without two good ones in a row between them end a fit."""

FIRST_SCALE = 2.0**12
"""Of float16 losses. Lower than torch's 2**16: every overflow costs a pass, and a fit is short."""

_LEAST_SCALE = 1.0
"""A gradient that overflows at this scale is broken, not badly scaled."""

Outcome = Literal["taken", "again", "refused"]
"""The step was taken; it should be tried again at a lower scale; it was taken back."""


class GuardedSteps:
    """See the module docstring; one object per fit.

    Args:
        parameters: float32 leaves.
        scaled: float16 is computed with; losses are scaled.
        device: kind of device the parameters lie on, "cpu" or "cuda".
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        config: FinetuneConfig,
        scaled: bool = False,
        device: str = "cpu",
    ) -> None:
        self._parameters = list(parameters)
        self._max_norm = config.max_grad_norm
        # The rate is set before each step. Tensor by tensor, because foreach, which torch takes on
        # GPUs, makes temporary lists as large as all parameters, and nothing has planned for them.
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=0.0, weight_decay=config.weight_decay, foreach=False
        )
        self._scaler = torch.amp.GradScaler(
            device, init_scale=FIRST_SCALE, growth_interval=200, enabled=scaled
        )
        self._good = [parameter.detach().clone() for parameter in self._parameters]
        self._shrink = 1.0
        self._refusals = 0
        self._last_taken = True

    @property
    def is_hopeless(self) -> bool:
        """Whether so many steps were refused that there is no point in going on."""
        return self._refusals >= MAX_REFUSALS

    def zero(self) -> None:
        """Forget gradients, before the passes of a step."""
        self._optimizer.zero_grad(set_to_none=True)

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of a part of the step's loss."""
        self._scaler.scale(loss).backward()

    def take(self, loss: float, rate: float) -> Outcome:
        """Step along the gradients that were added up.

        Args:
            loss: before the step, in nats per token; says whether the current weights are sound.
            rate: of AdamW.
        """
        if not math.isfinite(loss):
            return self._refuse()
        can_shrink = self._scaler.get_scale() > _LEAST_SCALE
        if not math.isfinite(self._clipped_norm()):
            self._scaler.update()  # half the scale, where there is one
            return "again" if self._scaler.is_enabled() and can_shrink else self._refuse()
        with torch.no_grad():
            torch._foreach_copy_(self._good, self._parameters)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * self._shrink
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if not all(bool(parameter.isfinite().all()) for parameter in self._parameters):
            return self._refuse()
        if self._last_taken:
            self._refusals = 0
        self._last_taken = True
        return "taken"

    def _clipped_norm(self) -> float:
        """Norm of the gradients before they were clipped."""
        self._scaler.unscale_(self._optimizer)
        return float(nn.utils.clip_grad_norm_(self._parameters, self._max_norm))

    def _refuse(self) -> Outcome:
        """Back to the last weights whose loss was finite; the next step is half as long."""
        with torch.no_grad():
            torch._foreach_copy_(self._parameters, self._good)
        self._shrink /= 2
        self._refusals += 1
        self._last_taken = False
        return "refused"
