"""Every way of choosing by name, to be tried on saved pools without a model.

What it does: maps names to rules that order the grids of ONE test input. What it does not: fill in
guesses (`kit.rank.choose`), or know which grid is right.

    one_view            the first untransformed view's answer (symmetry and colours), then the
                        second's, which has another order of demonstrations
    only_SYMMETRY       whole boards by votes of the views of one symmetry, e.g. only_transpose
    flat                whole boards by votes of all views
    two_level           the paper's vote, inside each symmetry and then across
    two_level_released  the same as its released code does it
    experts             product of experts over the scoring views
    views_minus_nll     number of views minus mean negative log-probability
    program_only, ttt_only, press, induction_first, calibrated
                        samples by `experts`, programs joined by `kit.rank.arbitrate`

Rules of the first group look at samples only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import get_args

from kit.arc.candidate import Candidate
from kit.arc.names import did_you_mean
from kit.augment.transform import DIHEDRAL_NAMES
from kit.rank.arbitrate import Arbitration
from kit.rank.choose import RankConfig, join
from kit.rank.experts import product_of_experts, views_minus_nll
from kit.rank.pool import CandidatePool
from kit.rank.programs import is_program
from kit.rank.tally import Ranking, distinct
from kit.rank.vote import flat_vote, only_group, single_view, two_level_vote

Rule = Callable[[CandidatePool], Ranking]
"""Orders the grids of a pool that holds a single test input."""

ONE_VIEWS = 2
"""Attempts of `one_view`: the paper's vanilla baseline has two answers, one per example order."""


def samples_of(pool: CandidatePool) -> CandidatePool:
    """The pool without programs."""
    return CandidatePool(tuple(c for c in pool.candidates if not is_program(c)), pool.scores)


def first_views(pool: CandidatePool, count: int) -> CandidatePool:
    """The pool as if only the first `count` views of each round had been asked, and had scored.

    Scores are those of the remaining grids under the first `count` scoring views. Samples whose
    view is not known are kept only if they stand among the first `count` of their test input and
    round.
    """
    places: dict[tuple[str, int, int], int] = {}
    kept: list[Candidate] = []
    for candidate in samples_of(pool).candidates:
        key = candidate.task_id, candidate.test_index, candidate.round
        place = places[key] = places.get(key, -1) + 1
        if (place if candidate.view is None else candidate.view) < count:
            kept.append(candidate)
    held = {(c.task_id, c.test_index, c.grid) for c in kept}
    scores = tuple(
        replace(score, logprobs_nats=score.logprobs_nats[:count])
        for score in pool.scores
        if (score.task_id, score.test_index, score.grid) in held
    )
    return CandidatePool(tuple(kept), scores)


def _one_view(pool: CandidatePool) -> Ranking:
    # In the order of the views, and not by votes: that is what one view means.
    grids = distinct(c.grid for c in single_view(pool.candidates, ONE_VIEWS))
    return Ranking(grids, 0.0, f"one view: the first {ONE_VIEWS} untransformed views")


def _only(group: str) -> Rule:
    def rule(pool: CandidatePool) -> Ranking:
        """Votes of one symmetry."""
        return flat_vote(only_group(pool.candidates, group))

    return rule


def _joined(arbitration: Arbitration) -> Rule:
    config = RankConfig(arbitration=arbitration)

    def rule(pool: CandidatePool) -> Ranking:
        """Samples and programs."""
        return join(pool, config)

    return rule


def _of_samples(rule: Rule) -> Rule:
    def of_samples(pool: CandidatePool) -> Ranking:
        """The rule on the samples alone."""
        return rule(samples_of(pool))

    return of_samples


SAMPLE_RULES: Mapping[str, Rule] = {
    name: _of_samples(rule)
    for name, rule in {
        "one_view": _one_view,
        **{f"only_{group}": _only(group) for group in DIHEDRAL_NAMES},
        "flat": lambda pool: flat_vote(pool.candidates),
        "two_level": lambda pool: two_level_vote(pool.candidates),
        "two_level_released": lambda pool: two_level_vote(pool.candidates, legacy=True),
        "experts": lambda pool: product_of_experts(pool.candidates, pool.scores),
        "views_minus_nll": lambda pool: views_minus_nll(pool.candidates, pool.scores),
    }.items()
}

JOIN_RULES: Mapping[str, Rule] = {name: _joined(name) for name in get_args(Arbitration)}

RULES: Mapping[str, Rule] = {**SAMPLE_RULES, **JOIN_RULES}


def rule_named(name: str) -> Rule:
    """The rule of that name.

    Raises:
        ValueError: there is none; names the nearest.
    """
    if name not in RULES:
        raise ValueError(
            f"no rule {name!r}{did_you_mean(name, RULES)}; there are {', '.join(RULES)}"
        )
    return RULES[name]
