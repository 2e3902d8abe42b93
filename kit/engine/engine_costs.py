"""What training and serving would take on a card, for engines that are not there.

What it does: seconds per token from a model's shape, a card's data sheet and the share of it that
published runs have reached. What it does not: measure; every figure comes with a source and with
how far off it may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.engine.cards import SPEEDS
from kit.engine.memory_plan import MemoryPlan, keeps_activations
from kit.engine.shape import ModelShape

_CONTEXT = 2500
"""Tokens that a token sees on average, for the cost of attention."""

_PREFILL_SHARE, _DECODE_SHARE, _BANDWIDTH_SHARE = 0.35, 0.1, 0.6
"""Of a card's best, when prompts are read and answers are made. Judgement, not measured."""

_ADAPTER_FACTOR = 1.5
"""Serving with adapters over without. Source: users of LoRA servers report 50% slower answers."""

_STEP_S, _DECODE_STEP_S = 0.05, 0.008
"""Launching the kernels of an optimiser step, and of a decoding step."""

_NF4_FACTOR = 1.3
"""Training on weights that are unpacked from 4 bits first."""

_READ_BYTES_PER_S = 0.3e9
"""Weights from a notebook's attached data, cold."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What published runs have reached of a card in test-time training.

    Attributes:
        share: of the data sheet's operations per second.
        sigma: of the logarithm: how far off the share may be for another model or kit.
    """

    share: float
    sigma: float
    source: str


REACHED: Mapping[str, Reached] = {
    "T4": Reached(0.18, 0.35, "ARChitects 2024: 8B in 4 bits, 5 h 20 on two T4 for half of a run"),
    "L4": Reached(0.24, 0.25, "NVARC 2025 on L4: 350 to 410 s for 128 steps of a large task, 4B"),
    "H100": Reached(0.15, 0.2, "NVARC 2025 on H100: 30.8 s a task on average, 128 steps, 4B"),
    "H200": Reached(0.15, 0.35, "taken from the H100, which computes as fast"),
    "RTX-PRO-6000": Reached(0.18, 0.5, "a guess between L4 and H100"),
}


@dataclass(frozen=True, slots=True)
class EngineCosts:
    """Seconds of one worker's work.

    Attributes:
        train_token_s, train_step_s: of a training token, and of each optimiser step besides.
        prompt_token_s: of a token that is read in bulk.
        answer_token_s: of a token that is made, besides
        decode_step_s: of a step that makes one token of each of up to `requests` answers.
        open_train_s, open_serve_s: until an engine has started.
        run_sigma: of the logarithm of a whole run's speed, so that runs differ from each other.
        task_sigma: the same of single tasks.
        source: of these figures.
    """

    train_token_s: float
    train_step_s: float
    prompt_token_s: float
    answer_token_s: float
    decode_step_s: float
    requests: int
    open_train_s: float
    open_serve_s: float
    run_sigma: float
    task_sigma: float
    source: str

    def step_s(self, tokens: float) -> float:
        """Of an optimiser step on so many tokens."""
        return self.train_step_s + self.train_token_s * tokens

    def answers_s(self, answer_tokens: float, longest: float, requests: int) -> float:
        """Of making answers side by side."""
        waves = -(-requests // self.requests)
        return self.answer_token_s * answer_tokens + self.decode_step_s * longest * waves

    def text(self) -> str:
        """In units that people can judge."""
        return (
            f"trains {1 / self.train_token_s:.0f} tokens/s, reads {1 / self.prompt_token_s:.0f}, "
            f"{1000 * self.decode_step_s:.1f} ms a decoding step of up to {self.requests}, starts "
            f"in {self.open_train_s:.0f} and {self.open_serve_s:.0f} s; a run's speed off by "
            f"{self.run_sigma:.2f}, a task's by {self.task_sigma:.2f} (sigma of the logarithm); "
            f"{self.source}"
        )


def predict_costs(shape: ModelShape, card: str, plan: MemoryPlan) -> EngineCosts:
    """The costs of a card in CARDS with the engines set up as planned.

    Raises:
        KeyError: nothing is known of that card.
    """
    speed, reached = SPEEDS[card], REACHED[card]
    forward = shape.flops_per_token(_CONTEXT)
    # Backward of the activations alone: the base model's weights get no gradient.
    # Views of usual length may keep their activations where the longest cannot.
    passes = 2 if keeps_activations(shape, plan, _CONTEXT) else 3
    train = passes * forward / (reached.share * speed.flops) * (_NF4_FACTOR if plan.nf4 else 1)
    reading_s = 2 * shape.num_parameters() / _READ_BYTES_PER_S
    step_s = plan.serve.weights / (_BANDWIDTH_SHARE * speed.bytes_per_s)
    return EngineCosts(
        train_token_s=train,
        train_step_s=_STEP_S,
        prompt_token_s=_ADAPTER_FACTOR * forward / (_PREFILL_SHARE * speed.flops),
        answer_token_s=_ADAPTER_FACTOR * forward / (_DECODE_SHARE * speed.flops),
        decode_step_s=_ADAPTER_FACTOR * step_s + _DECODE_STEP_S,
        requests=max(1, 4 * plan.requests),
        open_train_s=60.0 + reading_s,
        open_serve_s=90.0 + reading_s,
        run_sigma=reached.sigma,
        task_sigma=0.15,
        source=reached.source,
    )
