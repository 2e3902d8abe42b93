"""Length, learning rate and order of views of a fit: the same for every trainer, so that their fits
compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from kit.arc.seeds import numpy_rng
from kit.finetune.trainer import FinetuneConfig

BUCKET_BATCHES = 8
"""Batches that are sorted by length together: more would tie an epoch's order to lengths."""


def steps_to_take(num_steps: int, num_views: int, config: FinetuneConfig) -> int:
    """Optimiser steps of a fit: those planned, or fewer where all epochs take fewer.

    Args:
        num_views: that are trained on.
    """
    if config.epochs == 0:
        return num_steps
    return min(num_steps, config.epochs * _batches_per_epoch(num_views, config.batch_views))


def learning_rate(step: int, num_steps: int, config: FinetuneConfig) -> float:
    """Rate of step 0 .. num_steps - 1: linear warm-up to `lr`, then a cosine towards zero.

    The first step is already above zero and the peak is reached once, after the warm-up.
    """
    warmup = int(num_steps * config.warmup_fraction)
    if step < warmup:
        return config.lr * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, num_steps - warmup)
    return config.lr * 0.5 * (1.0 + math.cos(math.pi * progress))


def view_batches(lengths: Sequence[int], batch_views: int, seed: int) -> Iterator[tuple[int, ...]]:
    """Endless batches of view indices; each epoch holds every view exactly once.

    Views of similar length meet in one batch, to save padding; the order of batches is drawn.
    Batches of an epoch differ in size by at most one.

    Args:
        lengths: tokens of each view.
    Raises:
        ValueError: no views, or fewer than one view per batch.
    """
    if not lengths or batch_views < 1:
        raise ValueError(
            f"need at least 1 view and 1 view per batch, got {len(lengths)} and {batch_views}"
        )
    return _epochs(np.asarray(lengths), batch_views, numpy_rng(seed, "view_order"))


def _epochs(
    lengths: np.ndarray, batch_views: int, rng: np.random.Generator
) -> Iterator[tuple[int, ...]]:
    num_batches = _batches_per_epoch(len(lengths), batch_views)
    num_buckets = -(-num_batches // BUCKET_BATCHES)
    while True:
        # Stable sorts keep the drawn order among views of equal length.
        order = rng.permutation(len(lengths))
        buckets = np.array_split(order, num_buckets)
        ordered = np.concatenate([b[np.argsort(lengths[b], kind="stable")] for b in buckets])
        batches = np.array_split(ordered, num_batches)
        for index in rng.permutation(num_batches):
            yield tuple(batches[index].tolist())


def _batches_per_epoch(num_views: int, batch_views: int) -> int:
    return -(-num_views // batch_views)
