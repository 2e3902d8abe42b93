"""Product of experts: worked sums, several rounds, grids without scores, order of input."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from kit.arc.candidate import ViewScore
from kit.rank.experts import product_of_experts, view_evidence, views_minus_nll

A = ((1,),)
B = ((2,),)
C = ((3,),)
D = ((4,),)


def score(grid, *nats, round=0):
    return ViewScore("t", 0, grid, nats, round)


def test_the_product_over_views_decides_not_the_number_of_votes(propose):
    pool = [propose(A)] * 5 + [propose(B)]
    # A is likely under one view and impossible-looking under the other.
    ranking = product_of_experts(pool, [score(A, -0.1, -8.0), score(B, -1.0, -2.0)])
    assert ranking.grids == (B, A)
    assert ranking.margin == pytest.approx(math.exp(-1.5) - math.exp(-4.05))
    assert ranking.reason == "experts: mean -1.500 nats over 2 views"


def test_rounds_with_different_numbers_of_views_count_alike():
    scores = [score(A, -1.0, -3.0), score(A, -1.0, -1.0, -1.0, -1.0, round=1)]
    evidence = view_evidence(scores)[A]
    assert evidence.mean_nats == (-2.0 + -1.0) / 2
    assert evidence.num_views == 6


def test_a_grid_scored_in_more_rounds_does_not_pay_for_them(propose):
    scores = [score(A, -1.0), score(A, -1.0, round=1), score(B, -1.5, round=1)]
    assert product_of_experts([propose(A), propose(B)], scores).grids == (A, B)


def test_a_round_that_was_unanimous_is_not_behind_one_that_doubted(propose):
    """Nothing is scored where all samples agree: their own probabilities speak for the grid."""
    sure = [replace(propose(C), round=1, view=view, logprob_nats=-0.01) for view in range(16)]
    doubted = [replace(propose(grid), view=view) for view, grid in enumerate((A, B))]
    ranking = product_of_experts([*doubted, *sure], [score(A, -9.0, -8.0), score(B, -9.0, -9.0)])
    assert ranking.grids == (C, A, B)
    assert ranking.reason == "experts: mean -0.010 nats over 16 views"


def test_a_round_cut_before_scoring_counts_views_that_disagree(propose):
    """By hand: two views give C (0.8 and 0.5), one gives D (0.9), which leaves 0.1 for C."""
    said = [(C, 0, 0.8), (C, 1, 0.5), (D, 2, 0.9)]
    cut = [
        replace(propose(grid), round=1, view=view, logprob_nats=math.log(p))
        for grid, view, p in said
    ]
    evidence = view_evidence([score(A, -3.0)], cut)
    assert evidence[C].mean_nats == pytest.approx(math.log(0.8 * 0.5 * 0.1) / 3)
    assert evidence[D].mean_nats == pytest.approx(math.log(0.2 * 0.5 * 0.9) / 3)
    # The answers of one view share its probability (threshold search, temperatures).
    both = [replace(c, view=0) for c in cut[1:]]
    assert view_evidence([score(A, -3.0)], both)[C].mean_nats == pytest.approx(math.log(0.5))
    third = replace(cut[0], view=1)
    left = view_evidence([score(A, -3.0)], [*both, third])[D].mean_nats
    assert left == pytest.approx(math.log(0.9 * 0.2) / 2)


def test_grids_without_scores_follow_by_votes(propose):
    pool = [propose(C), propose(D), propose(D), propose(A), propose(B)]
    ranking = product_of_experts(pool, [score(A, -9.0), score(B, -5.0), score(C)])
    assert ranking.grids == (B, A, D, C)


def test_without_any_score_votes_rank_and_the_margin_is_zero(propose):
    for rule in (product_of_experts, views_minus_nll):
        ranking = rule([propose(A), propose(B), propose(B)])
        assert ranking.grids == (B, A)
        assert ranking.margin == 0.0
        assert rule([]).grids == ()


def test_ties_go_to_votes_then_log_probability_then_grid_order(propose):
    scores = [score(g, -1.0) for g in (A, B, C, D)]
    pool = [propose(D), propose(D), propose(C, nats=-0.5), propose(B), propose(A)]
    assert product_of_experts(pool, scores).grids == (D, C, A, B)


def test_an_only_grid_has_its_own_probability_as_margin(propose):
    assert product_of_experts([propose(A)], [score(A, -0.5)]).margin == pytest.approx(
        math.exp(-0.5)
    )


def test_broken_numbers_rank_last_and_raise_nothing(propose):
    pool = [propose(A), propose(B), propose(C)]
    scores = [score(A, float("nan"), -1.0), score(B, -math.inf), score(C, -800.0)]
    for rule in (product_of_experts, views_minus_nll):
        ranking = rule(pool, scores)
        assert ranking.grids == (C, A, B)
        assert 0.0 <= ranking.margin <= 1.0


def test_views_minus_nll_adds_one_per_view_that_proposed_the_grid(propose):
    pool = [propose(A), propose(A, "flip_lr"), propose(B)]
    scores = [score(A, -3.0, -2.0), score(B, -1.0, -1.0)]
    # A: 2 - 2.5 = -0.5; B: 1 - 1 = 0.
    ranking = views_minus_nll(pool, scores)
    assert ranking.grids == (B, A)
    assert ranking.margin == pytest.approx(0.5 / 1.5)
    assert product_of_experts(pool, scores).grids == (B, A)


def slow_sum(scores, grid, rounds):
    """The paper's sum over all views where each round has the same ones."""
    return sum(n for s in scores if s.grid == grid and s.round in rounds for n in s.logprobs_nats)


def test_one_round_is_the_plain_sum_over_views_and_input_order_does_not_matter(propose):
    rng = random.Random(5)
    for _ in range(500):
        grids = [A, B, C, D][: rng.randint(1, 4)]
        scores = [score(g, *(rng.uniform(-9, 0) for _ in range(7))) for g in grids]
        pool = [propose(rng.choice(grids)) for _ in range(6)]
        by_sum = sorted(grids, key=lambda g: -slow_sum(scores, g, {0}))
        ranking = product_of_experts(pool, scores)
        assert list(ranking.grids) == by_sum
        rng.shuffle(scores)
        rng.shuffle(pool)
        assert product_of_experts(pool, scores) == ranking
