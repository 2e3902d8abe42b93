"""Training the bundled model from nothing; `kit.pretrain.command` is its command line.

Runs on the CPU in float32. One step is a batch of whole sequences, split over threads that each
run forward and backward on their own sequences (better than two threads inside every small
operation). The learning rate warms up, stays, and decays at the end (WSD), so a run can be
stopped at any time and resumed; every draw depends on (seed, step) alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kit.arc.seeds import python_rng
from kit.augment.views import View
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoded
from kit.encode.positions import PAIR_STRIDE
from kit.pretrain.corpus import Corpus, view_tokens
from kit.pretrain.run import PretrainConfig, Run

LOG_EVERY = 25
SAVE_EVERY = 100


def draw_batch(
    corpus: Corpus, encoding: CellEncoding, config: PretrainConfig, step: int
) -> list[Encoded]:
    """The sequences of one step; a function of (seed, step) alone."""
    rng = python_rng(config.seed, "batch", step)
    batch: list[Encoded] = []
    total = 0
    while True:
        view = corpus.draw(rng)
        total += view_tokens(view)
        if batch and total > config.batch_tokens:
            return batch
        batch.append(_shift_pairs(encoding.encode(view), rng))


def _shift_pairs(encoded: Encoded, rng: random.Random) -> Encoded:
    """The same sequence starting at a later pair index, so that all indices get trained."""
    shift = rng.choice((0, 0, 1, 2, 3, 4)) * PAIR_STRIDE
    return Encoded(encoded.tokens, encoded.positions + shift, encoded.output_spans)


def lr_scale(config: PretrainConfig, step: int, num_steps: int) -> float:
    """Share of the peak rate: warm-up, then 1, then linear decay over the last steps."""
    warm = min(1.0, (step + 1) / config.warmup_steps)
    left = (num_steps - step) / max(1.0, config.decay_share * num_steps)
    return warm * min(1.0, left)


def train(
    run: Run,
    corpus: Corpus,
    held_out: Mapping[str, Sequence[View]],
    num_steps: int,
    out: Path,
    max_s: float = float("inf"),
) -> bool:
    """Train up to step `num_steps`; False if `max_s` seconds were over before.

    Args:
        held_out: questions nothing is trained on, under the names that they are printed with.

    Writes a checkpoint to `out` now and then and at the end. To finish a run early, resume it
    with fewer steps: the decay then begins earlier.
    """
    encoding = CellEncoding()
    validation = {name: [encoding.encode(v) for v in views] for name, views in held_out.items()}
    begin, first_tokens = time.monotonic(), run.tokens
    recent: list[float] = []
    while run.step < num_steps and time.monotonic() - begin < max_s:
        batch = draw_batch(corpus, encoding, run.config, run.step)
        recent.append(run.train_step(batch, lr_scale(run.config, run.step, num_steps)))
        if run.step % LOG_EVERY == 0:
            rate = (run.tokens - first_tokens) / (time.monotonic() - begin)
            print(
                f"step {run.step}/{num_steps}  tokens {run.tokens / 1e6:.2f}M  "
                f"loss {np.mean(recent[-LOG_EVERY:]):.4f}  {rate:.0f} tok/s",
                flush=True,
            )
        if run.step % SAVE_EVERY == 0:
            for name, questions in validation.items():
                loss, exact = run.evaluate(questions)
                print(f"held-out {name}: loss {loss:.4f}  exact {exact:.3f}", flush=True)
            run.save(out)
    run.save(out)
    return run.step >= num_steps
