"""How far to trust programs: the probability that the answers of each are right.

A logistic model for each family over the length of the program, the share of left-out
demonstrations that its family predicts, its place among the family's own answers, and the
demonstrations it does not reproduce. Answers that several families give are pooled in
`kit.induce.search.pooled`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.arc.grid import Grid
from kit.induce.search import Found
from kit.induce.trust import (
    ALL_FAMILIES,
    FAMILIES,
    POOL_BASE,
    POOL_PROGRAMS,
    POOL_RIVALS,
    Trust,
)

MOST_GAP_BITS = 20.0
"""A program that is longer than its family's best by more than this is trusted no less."""

MOST_LOG_ODDS = 8.0
"""No evidence is trusted beyond this."""

UNEQUAL_GAP_BITS = 10.0
"""Stands for the gap between programs that reproduce different numbers of demonstrations."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a program stands beside the others of its family.

    Attributes:
        first: whether its answers are those of the family's best program.
        gap_bits: how much longer it is than the best one.
    """

    first: bool
    gap_bits: float


def confidences(found: Sequence[Found], num_pairs: int) -> dict[int, float]:
    """Index of a program -> probability that its answers are right.

    Args:
        found: all programs of one task.
        num_pairs: its demonstrations.
    """
    return {
        index: confidence(found[index], num_pairs, standing)
        for index, standing in _standings(found)
    }


def confidence(item: Found, num_pairs: int, standing: Standing) -> float:
    """Probability that one program's answers are right."""
    trust = FAMILIES.get(item.family, ALL_FAMILIES)
    return _probability(_log_odds(trust, item, num_pairs, standing))


def settled(pool: Mapping[Grid, float]) -> dict[Grid, float]:
    """Probabilities of answers that know of each other.

    Families are not as independent as `kit.induce.search.pooled` takes them to be, and where
    several answers are well supported, at most one is right.

    Args:
        pool: answer -> probability that not all of its families err.
    """
    whole = math.fsum(pool.values())
    return {
        answer: _probability(
            POOL_BASE + POOL_PROGRAMS * _logit(chance) + POOL_RIVALS * (whole - chance)
        )
        for answer, chance in pool.items()
    }


def _probability(log_odds: float) -> float:
    """The probability of log-odds, which count up to a bound only."""
    return 1.0 / (1.0 + math.exp(-max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, log_odds))))


def _logit(chance: float) -> float:
    """Log-odds of a probability, within the same bound."""
    inside = min(_probability(MOST_LOG_ODDS), max(_probability(-MOST_LOG_ODDS), chance))
    return math.log(inside / (1 - inside))


def _log_odds(trust: Trust, item: Found, num_pairs: int, standing: Standing) -> float:
    """The model's sum, in nats."""
    score = trust.base + trust.per_ten_bits * item.bits / 10
    score += trust.per_ten_gap_bits * standing.gap_bits / 10
    if not standing.first:
        score += trust.not_first
    if item.pairs < num_pairs:
        return score + trust.partial + trust.missed * (1 - item.pairs / num_pairs)
    if item.left_out is not None:
        score += trust.left_out * (item.left_out - 0.5)
    return score


def _standings(found: Sequence[Found]) -> Iterator[tuple[int, Standing]]:
    """Every program's standing: by demonstrations reproduced, then by length."""
    order = sorted(range(len(found)), key=lambda i: (-found[i].pairs, found[i].bits, i))
    best: dict[str, Found] = {}
    for index in order:
        item = found[index]
        leader = best.setdefault(item.family, item)
        gap = min(item.bits - leader.bits, MOST_GAP_BITS)
        if item.pairs < leader.pairs:
            gap = UNEQUAL_GAP_BITS
        yield index, Standing(item.answers == leader.answers, gap)
