"""The sequences of a training step, and how they are dealt to threads."""

from __future__ import annotations

import random
from collections.abc import Sequence

from kit.arc.seeds import python_rng
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoded
from kit.encode.positions import PAIR_STRIDE
from kit.pretrain.corpus import Corpus, view_tokens
from kit.pretrain.settings import PretrainConfig

ALIGNED, CONTIGUOUS = CellEncoding("aligned"), CellEncoding("contiguous")


def draw_batch(corpus: Corpus, config: PretrainConfig, step: int) -> list[Encoded]:
    """The sequences of one step; a function of (seed, step) alone."""
    rng = python_rng(config.seed, "batch", step)
    batch: list[Encoded] = []
    total = 0
    while True:
        view = corpus.draw(rng)
        total += view_tokens(view)
        if batch and total > config.batch_tokens:
            return batch
        if rng.random() < config.contiguous_share:
            batch.append(CONTIGUOUS.encode(view))
        else:
            batch.append(_shift_pairs(ALIGNED.encode(view), rng))


def _shift_pairs(encoded: Encoded, rng: random.Random) -> Encoded:
    """The same sequence starting at a later pair index, so that all indices get trained."""
    shift = rng.choice((0, 0, 1, 2, 3, 4)) * PAIR_STRIDE
    return Encoded(encoded.tokens, encoded.positions + shift, encoded.output_spans)


def deal(batch: Sequence[Encoded], parts: int) -> list[list[Encoded]]:
    """The batch dealt out so that every part has about the same number of tokens."""
    dealt: list[list[Encoded]] = [[] for _ in range(parts)]
    sizes = [0] * parts
    for encoded in sorted(batch, key=len, reverse=True):
        smallest = sizes.index(min(sizes))
        dealt[smallest].append(encoded)
        sizes[smallest] += len(encoded)
    return [part for part in dealt if part]


def chunks(batch: Sequence[Encoded], max_tokens: int) -> list[list[Encoded]]:
    """Consecutive sequences in groups of at most `max_tokens`, a longer one alone."""
    groups: list[list[Encoded]] = []
    total = 0
    for encoded in batch:
        if not groups or total + len(encoded) > max_tokens:
            groups.append([])
            total = 0
        groups[-1].append(encoded)
        total += len(encoded)
    return groups
