"""A learned way of choosing: a logistic model of what speaks for each sampled grid.

What it does: describes every distinct grid of ONE test input by a few numbers of the pool, and
orders grids by a weighted sum of them. What it does not: fit the weights (`python -m kit pools
fit` does, on tasks whose solutions are known), or look at the grids' contents, so that it can be
fitted on few tasks and used on any.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.arc.grid import Grid, shape
from kit.rank.calibration import log_odds, probability
from kit.rank.experts import view_evidence
from kit.rank.pool import CandidatePool
from kit.rank.rules import SAMPLE_RULES, samples_of
from kit.rank.tally import Ranking, grid_votes, lead, most_common, tally_votes

FEATURES = (
    "bias",
    "share",
    "symmetries",
    "untouched",
    "shape_share",
    "unscored",
    "mean_nats",
    "behind",
    "best_nats",
    "first_experts",
    "first_vote",
    "rivals",
)
"""share of the votes; of the symmetries that propose it; whether the first view does; share of
votes with its shape; 1 if it was not scored; geometric mean probability per view; nats per view
behind the best scored grid (at most 10); best probability of a sample; 1 if product of experts, or
the two-level vote, puts it first; log2 of the number of distinct grids."""

_MOST_BEHIND = 10.0


class SelectorError(ValueError):
    """A file of weights that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Weights by feature; a feature that is not named weighs nothing.

    Attributes:
        provenance: what they were fitted on.
    """

    weights: Mapping[str, float]
    provenance: str

    def rank(self, pool: CandidatePool) -> Ranking:
        """The sampled grids of a pool that holds a single test input, most probable first; ties
        go to the grid's own order. The margin is the difference of the two best probabilities."""
        odds = {
            grid: log_odds(features, self.weights) for grid, features in grid_features(pool).items()
        }
        order = sorted(odds, key=lambda grid: (-odds[grid], grid))
        if not order:
            return Ranking((), 0.0, "learned: no candidate")
        chances = [probability(odds[grid]) for grid in order[:2]] + [0.0]
        reason = f"learned: probability {chances[0]:.2f}"
        return Ranking(tuple(order), lead(chances[0], chances[1], 1.0), reason)

    def to_json(self) -> str:
        """The text of a file that `read_selector` reads."""
        return json.dumps({"weights": dict(self.weights), "provenance": self.provenance}, indent=2)


def read_selector(path: Path) -> Selector:
    """The weights in a file.

    Raises:
        OSError: it cannot be read.
        SelectorError: it holds no weights of known features.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        weights = {str(name): float(weight) for name, weight in value["weights"].items()}
        provenance = str(value["provenance"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SelectorError(f"{path}: no weights of a selector ({error})") from error
    unknown = sorted(set(weights) - set(FEATURES))
    if unknown or not all(map(math.isfinite, weights.values())):
        named = f"no feature {unknown[0]!r}" if unknown else "a weight is not finite"
        raise SelectorError(f"{path}: {named}; features are {', '.join(FEATURES)}")
    return Selector(weights, provenance)


def grid_features(pool: CandidatePool) -> dict[Grid, dict[str, float]]:
    """FEATURES of every distinct sampled grid of a pool that holds a single test input."""
    pool = samples_of(pool)
    votes = tally_votes(grid_votes(pool.candidates))
    if not votes:
        return {}
    shapes = tally_votes((shape(grid), nats) for grid, nats in grid_votes(pool.candidates))
    groups: dict[Grid, set[str]] = {}
    for candidate in pool.candidates:
        groups.setdefault(candidate.grid, set()).add(candidate.group)
    num_groups = len({candidate.group for candidate in pool.candidates})
    first = {candidate.grid for candidate in pool.candidates if candidate.view == 0}
    best_nats = {grid: max(held) for grid, held in _nats(pool).items()}
    measured = view_evidence(pool.scores, pool.candidates)
    means = {grid: measured[grid].mean_nats for grid in votes if grid in measured}
    top = max(means.values(), default=0.0)
    leaders = [SAMPLE_RULES[name](pool).grids[:1] for name in ("experts", "two_level")]
    whole = len(pool.candidates)
    found = {}
    for grid in most_common(grid_votes(pool.candidates)):
        mean = means.get(grid, -math.inf)
        # Two grids that no view believes in are equally far behind, not NaN.
        behind = _MOST_BEHIND if mean == -math.inf else min(_MOST_BEHIND, top - mean)
        found[grid] = {
            "bias": 1.0,
            "share": votes[grid].count / whole,
            "symmetries": len(groups[grid]) / num_groups,
            "untouched": float(grid in first),
            "shape_share": shapes[shape(grid)].count / whole,
            "unscored": float(grid not in means),
            "mean_nats": math.exp(mean),
            "behind": behind if grid in means else 0.0,
            "best_nats": math.exp(best_nats[grid]),
            "first_experts": float((grid,) == leaders[0]),
            "first_vote": float((grid,) == leaders[1]),
            "rivals": math.log2(len(votes)),
        }
    return found


def _nats(pool: CandidatePool) -> dict[Grid, list[float]]:
    held: dict[Grid, list[float]] = {}
    for grid, nats in grid_votes(pool.candidates):
        held.setdefault(grid, []).append(nats)
    return held
