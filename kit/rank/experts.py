"""Product of experts: every view of a task is asked how likely it finds each grid.

What it does: ranks the distinct grids of ONE test input by log-probabilities under shared scoring
views (`ViewScore`), and in rounds that scored nothing, because all samples agreed or the time was
up, by what those samples say themselves; grids without either follow by votes. What it does not:
compute scores.
No result depends on the order of candidates or scores.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.arc.candidate import Candidate, ViewScore
from kit.arc.grid import Grid
from kit.rank.programs import is_program
from kit.rank.tally import (
    NO_VOTES,
    Ranking,
    Tally,
    clean_nats,
    distinct,
    grid_votes,
    lead,
    tally_votes,
)
from kit.rank.vote import flat_order

_LEAST_LEFT = 1e-9
"""What a view that is sure leaves for other answers: log-probabilities are no more exact."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the scoring views say about one grid.

    Attributes:
        mean_nats: mean over rounds of the round's mean over views, <= 0.
        num_views: scoring views in all rounds together.
    """

    mean_nats: float
    num_views: int


def view_evidence(
    scores: Iterable[ViewScore], candidates: Iterable[Candidate] = ()
) -> dict[Grid, Evidence]:
    """Evidence of each grid that was scored under at least one view, and of each that `candidates`
    propose in a round without scores (`_own_evidence`), where other rounds have some.

    The product of experts is the sum over views v of log p_v(grid). All grids of one round share
    their views, so the mean over the round's views orders them as the sum does. Several rounds
    (r of R, N_r views each) are combined as

        mean_nats = (1 / R) * sum over r of (1 / N_r) * sum over v of log p_rv(grid)

    which makes rounds with different numbers of views count alike. Over grids that were scored in
    the same rounds this is the order of the plain sum of per-round means; the division by R keeps
    a grid that was scored in more rounds than another from paying for it with every round.

    Source: Franzen et al. 2025, "Product of Experts with LLMs: Boosting Performance on ARC Is a
    Matter of Perspective" (one round: the sum over views); the mean over rounds is ours.
    """
    views: dict[Grid, dict[int, list[float]]] = {}
    for score in scores:
        if score.logprobs_nats:
            rounds = views.setdefault(score.grid, {})
            rounds.setdefault(score.round, []).extend(map(clean_nats, score.logprobs_nats))
    scored = {round_ for rounds in views.values() for round_ in rounds}
    # Where no round was scored votes decide, and there is nothing to stand beside.
    for grid, round_, nats in _own_evidence(candidates, scored) if scored else ():
        views.setdefault(grid, {})[round_] = nats
    return {grid: _over_rounds(rounds) for grid, rounds in views.items()}


def _own_evidence(
    candidates: Iterable[Candidate], scored: Container[int]
) -> Iterator[tuple[Grid, int, list[float]]]:
    """(Grid, round, log-probability per view) of samples in rounds that scored nothing.

    A view that did not give a grid finds it at most as likely as what its own answers leave over;
    this bound stands in for a score, so that few samples of many do not count as if all agreed.
    """
    rounds: dict[int, dict[object, dict[Grid, float]]] = {}
    for number, c in enumerate(candidates):
        if c.round not in scored and not is_program(c):
            # A sample of an unknown view is a view of its own.
            view = ("view", c.view) if c.view is not None else ("sample", number)
            said = rounds.setdefault(c.round, {}).setdefault(view, {})
            said[c.grid] = max(clean_nats(c.logprob_nats), said.get(c.grid, -math.inf))
    for round_, views in rounds.items():
        for grid in {grid for said in views.values() for grid in said}:
            yield grid, round_, [said.get(grid, _left_over(said)) for said in views.values()]


def _left_over(said: Mapping[Grid, float]) -> float:
    """Log of the probability that a view's answers leave for all others."""
    return math.log(max(_LEAST_LEFT, 1.0 - math.fsum(map(math.exp, said.values()))))


def _over_rounds(rounds: Mapping[int, Sequence[float]]) -> Evidence:
    means = [math.fsum(nats) / len(nats) for nats in rounds.values()]
    return Evidence(math.fsum(means) / len(means), sum(map(len, rounds.values())))


def product_of_experts(
    candidates: Sequence[Candidate], scores: Iterable[ViewScore] = ()
) -> Ranking:
    """Grids by their probability under all scoring views together.

    Ties go to more votes, then the larger summed log-probability of the samples, then tuple order.
    The margin is the difference of the two best geometric-mean probabilities per view, so an only
    grid has its own probability as margin: what else could have been found stays a rival.
    """
    evidence = view_evidence(scores, candidates)
    measure = {grid: e.mean_nats for grid, e in evidence.items()}
    order = _by_measure(measure, tally_votes(grid_votes(candidates)))
    if not order:
        return _by_votes(candidates)
    nats = [measure[grid] for grid in order[:2]] + [-math.inf]
    best = evidence[order[0]]
    return Ranking(
        distinct([*order, *flat_order(candidates)]),
        lead(math.exp(nats[0]), math.exp(nats[1]), 1.0),
        f"experts: mean {best.mean_nats:.3f} nats over {best.num_views} views",
    )


def views_minus_nll(candidates: Sequence[Candidate], scores: Iterable[ViewScore] = ()) -> Ranking:
    """Grids by number of candidates that proposed them minus mean negative log-probability.

    The number of views that produced a grid equals its candidates when each view is sampled once.
    Ties as in `product_of_experts`; the margin is x / (1 + x) for a lead of x, an only grid leading
    by its own measure.

    Source: NVARC 2025, the selector its authors call "kgmon".
    """
    tallies = tally_votes(grid_votes(candidates))
    measure = {
        grid: tallies.get(grid, NO_VOTES).count + e.mean_nats
        for grid, e in view_evidence(scores, candidates).items()
    }
    order = _by_measure(measure, tallies)
    if not order:
        return _by_votes(candidates)
    best = measure[order[0]]
    return Ranking(
        distinct([*order, *flat_order(candidates)]),
        _squashed(best - measure[order[1]] if len(order) > 1 else best),
        f"views minus mean NLL: {best:.3f}",
    )


def _by_measure(measure: Mapping[Grid, float], tallies: Mapping[Grid, Tally]) -> list[Grid]:
    """Grids with the largest measure first."""

    def key(grid: Grid) -> tuple[float, int, float, Grid]:
        votes = tallies.get(grid, NO_VOTES)
        return -measure[grid], -votes.count, -votes.nats, grid

    return sorted(measure, key=key)


def _by_votes(candidates: Sequence[Candidate]) -> Ranking:
    """The ranking where nothing was scored; its margin is 0, for the rule measured nothing."""
    return Ranking(tuple(flat_order(candidates)), 0.0, "experts: nothing scored, by votes")


def _squashed(value: float) -> float:
    """A lead of any size as 0..1: x / (1 + x)."""
    if math.isnan(value) or value <= 0:
        return 0.0
    return 1.0 if math.isinf(value) else value / (1.0 + value)
