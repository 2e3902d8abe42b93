"""Probabilities of answers: numbers of the calibrated rule, and where they are from.

What it does: turns what speaks for an answer into log-odds by a small table of weights, and adds
the log-odds of both legs. What it does not: fit the weights; `python -m kit bench join --fit` does,
on tasks that neither leg was tuned or trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kit.rank.programs import ProgramAnswer

_MOST_LOGIT = 8.0
"""No evidence is trusted beyond this."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a logistic model, by feature; a feature that is not named weighs nothing.

    Attributes:
        provenance: what the numbers were fitted on.
    """

    program: Mapping[str, float]
    sample: Mapping[str, float]
    provenance: str


WEIGHTS = Weights(
    program={
        "bias": -0.5,
        "confidence": 1.0,
        "uncovered": -2.0,
        "left_out": 1.0,
        "more_families": 0.5,
    },
    sample={"bias": -3.0, "share": 3.0, "first": 0.5, "margin": 2.0},
    provenance="set by hand, not fitted: run `python -m kit bench join --fit`",
)


def program_features(answer: ProgramAnswer) -> dict[str, float]:
    """What speaks for a program's answer: "confidence" in log-odds; "uncovered" 0 or 1;
    "left_out" -0.5..0.5 around a share of one half, 0 where it was not tried; "more_families"
    log2 of their number."""
    return {
        "bias": 1.0,
        "confidence": logit(answer.confidence),
        "uncovered": 0.0 if answer.covers else 1.0,
        "left_out": 0.0 if answer.left_out is None else answer.left_out - 0.5,
        "more_families": math.log2(len(answer.families)),
    }


def sample_features(share: float, place: int, margin: float) -> dict[str, float]:
    """What speaks for a sampled answer.

    Args:
        share: of the votes that it has, 0..1.
        place: in the ranking of the samples, from 0.
        margin: of that ranking.
    """
    first = float(place == 0)
    return {"bias": 1.0, "share": share, "first": first, "margin": margin * first}


def log_odds(features: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The model's log-odds of being right, within +-8."""
    value = math.fsum(weights.get(name, 0.0) * amount for name, amount in features.items())
    return min(_MOST_LOGIT, max(-_MOST_LOGIT, value))


def logit(probability: float) -> float:
    """Log-odds of a probability, within +-8."""
    odds = min(1 - 1e-9, max(1e-9, probability))
    return min(_MOST_LOGIT, max(-_MOST_LOGIT, math.log(odds / (1 - odds))))


def probability(log_odds_: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + math.exp(-log_odds_))
