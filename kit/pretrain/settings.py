"""Sizes of models, hyper-parameters and learning-rate schedule of pre-training. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.encode.cells import VOCAB
from kit.engine.shape import ModelShape


def _shape(hidden: int, num_layers: int, num_heads: int, ffn: int) -> ModelShape:
    """A Llama of the kit: heads of 64, all of them with keys of their own, tied head."""
    return ModelShape(
        family="llama",
        vocab=VOCAB,
        hidden=hidden,
        num_layers=num_layers,
        num_heads=num_heads,
        num_kv_heads=num_heads,
        head_dim=64,
        ffn=ffn,
        norm_eps=1e-6,
        rope_theta=10000.0,
        rope_scaling=None,
        qkv_bias=False,
        qk_norm=False,
        tied=True,
        max_positions=32768,
    )


SIZES = {
    "1m": _shape(128, 6, 2, 384),
    "4m": _shape(192, 8, 3, 512),
    "18m": _shape(384, 10, 6, 1024),
}
"""By name: for experiments, for two CPU cores in hours, for a GPU in a quarter of an hour."""


TYPICAL_CONTEXT = 300
"""Tokens that a token sees on average in sequences of about 600, for counting operations."""


CPU_BATCH_TOKENS, GPU_BATCH_TOKENS = 8192, 262_144
"""Of a step: many small steps where tokens are dear; on a GPU what keeps it busy."""


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """Hyper-parameters of a run.

    Attributes:
        batch_tokens: tokens of a step over all threads.
        lr_matrices: Muon's; lr_rest: AdamW's for embedding and norms.
        warmup_steps: linear; decay_share: last share of a run, linear to zero.
        contiguous_share: share of sequences with contiguous positions (and the token LINE), so
            that engines which take no position ids can use the same weights.
        ema_decay: of the running average of the weights, which is what gets exported.
    """

    batch_tokens: int = CPU_BATCH_TOKENS
    lr_matrices: float = 0.02
    lr_rest: float = 3e-3
    warmup_steps: int = 30
    decay_share: float = 0.35
    contiguous_share: float = 0.1
    ema_decay: float = 0.998
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Data:
    """What a run is trained on, from one step on.

    Attributes:
        sources: for a person.
        digest: of all their rules and pairs.
        mixture: fields of `CorpusConfig`.
    """

    from_step: int
    sources: str
    digest: str
    mixture: Mapping[str, float | bool]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Warm-up, stable, decay: the rate stays at its peak until a decay of given length begins.

    Attributes:
        decay_begin: step at which the decay begins; None while nobody knows when the time is up.
        decay_steps: its length.
    """

    warmup_steps: int
    decay_begin: int | None = None
    decay_steps: int = 0

    def lr_scale(self, step: int) -> float:
        """Share of the peak rate in `step`, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        if self.decay_begin is None or step < self.decay_begin:
            return warm
        return warm * max(0.0, 1.0 - (step - self.decay_begin) / max(1, self.decay_steps))

    def is_over(self, step: int) -> bool:
        """Whether the decay has reached its end before `step`."""
        return self.decay_begin is not None and step >= self.decay_begin + self.decay_steps


def schedule_of_steps(config: PretrainConfig, num_steps: int, done: int = 0) -> Schedule:
    """A schedule whose end is known: the decay takes its share of all steps.

    Args:
        done: steps that were taken already at the peak rate: no decay begins before.
    """
    decay_steps = min(round(config.decay_share * num_steps), num_steps - done)
    return Schedule(config.warmup_steps, num_steps - decay_steps, decay_steps)


def schedule_from_now(config: PretrainConfig, step: int, steps_done: int) -> Schedule:
    """A schedule whose decay begins now, sized by the `steps_done` of this stretch so far."""
    share = config.decay_share
    return Schedule(config.warmup_steps, step, max(1, round(steps_done * share / (1 - share))))
