"""How fast this machine is, before any work was done on it: one matrix product, timed.

A few hundredths of a second at start-up. What it does not: replace measurements of work, which take
over with the first finished plan.
"""

from __future__ import annotations

import math
import time

import numpy as np

USUAL_FLOPS = 57e9
"""Floating point operations per second of one core in float32 matrix products, on the machine whose
training speed is the prior (`kit.budget.cost.TRAIN_S_PER_BYTE`)."""

GPU_SPEED = 60.0
"""A GPU over one core of that machine, for small models that do not fill it; careful on purpose,
for the first plan is to fit."""

_SIDE = 384
_TRIES = 3
_BOUNDS = (0.1, 10.0)


def machine_speed(cores: int, has_gpu: bool = False) -> float:
    """Speed of one core over that of the prior's; of a GPU where there is one.

    Args:
        cores: that a matrix product of numpy may use at once.
    """
    if has_gpu:
        return GPU_SPEED
    side = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    best_s = math.inf
    for _ in range(_TRIES):
        began_s = time.perf_counter()
        side @ side
        best_s = min(best_s, time.perf_counter() - began_s)
    flops = 2 * _SIDE**3 / max(best_s, 1e-9)
    return min(_BOUNDS[1], max(_BOUNDS[0], flops / max(1, cores) / USUAL_FLOPS))
