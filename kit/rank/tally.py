"""Counting votes so that their order never matters, and the result every rule hands back.

Letters: a vote is (key, nats), with key a grid, a row or a shape and nats <= 0 the evidence
behind it. Sums use `math.fsum`, which is exact, so any order of the same votes gives equal bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kit.arc.candidate import Candidate
from kit.arc.grid import Grid

Key = TypeVar("Key", bound=tuple)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Distinct grids for one test input, best first.

    Attributes:
        margin: 0..1, lead of the first over the second in the rule's own measure.
        reason: the rule and what put the first grid first, for the report.
    """

    grids: tuple[Grid, ...]
    margin: float
    reason: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What one key has behind it.

    Attributes:
        count: number of votes.
        nats: sum of their log-probabilities.
    """

    count: int
    nats: float


_LEAST_NATS = -1e290

NO_VOTES = Tally(0, -math.inf)


def clean_nats(nats: float | None) -> float:
    """A log-probability that can be summed and compared.

    None (a program, which either prints a grid or not) counts as 0, a NaN as impossible, and so
    does what no sum of many could hold.
    """
    if nats is None:
        return 0.0
    return min(0.0, nats) if nats > _LEAST_NATS else -math.inf


def grid_votes(candidates: Iterable[Candidate]) -> list[tuple[Grid, float]]:
    """One vote per candidate, for its grid."""
    return [(c.grid, clean_nats(c.logprob_nats)) for c in candidates]


def tally_votes(votes: Iterable[tuple[Key, float]]) -> dict[Key, Tally]:
    """Count and evidence of each key."""
    nats: dict[Key, list[float]] = {}
    for key, value in votes:
        nats.setdefault(key, []).append(value)
    return {key: Tally(len(values), math.fsum(values)) for key, values in nats.items()}


def most_common(votes: Iterable[tuple[Key, float]]) -> list[Key]:
    """Distinct keys by count, then summed log-probability, then their own (tuple) order."""
    tallies = tally_votes(votes)
    return sorted(tallies, key=lambda key: (-tallies[key].count, -tallies[key].nats, key))


def lead(first: float, second: float, whole: float) -> float:
    """(first - second) / whole within 0..1; 0 where there is nothing to compare."""
    return min(1.0, max(0.0, (first - second) / whole)) if whole > 0 else 0.0


def distinct(grids: Iterable[Grid]) -> tuple[Grid, ...]:
    """Each grid once, in order of first appearance."""
    return tuple(dict.fromkeys(grids))


def count_lead(grids: Sequence[Grid], tallies: dict[Grid, Tally], whole: int) -> float:
    """Lead in votes of the first of `grids` over the second, as a share of `whole` votes."""
    counts = [tallies.get(grid, NO_VOTES).count for grid in grids[:2]] + [0, 0]
    return lead(counts[0], counts[1], whole)
