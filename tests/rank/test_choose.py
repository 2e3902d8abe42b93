"""The decision: distinct attempts from the pool, guesses only behind it, no vote crosses inputs."""

from __future__ import annotations

import random

import pytest

from kit.arc.candidate import Candidate, ViewScore
from kit.arc.task import Pair, Task
from kit.rank.choose import RankConfig, choose, rank
from kit.rank.experts import product_of_experts
from kit.rank.guess import guess_outputs
from kit.rank.pool import CandidatePool
from kit.rank.vote import flat_vote, two_level_vote
from tests.rank.offered import is_offered

A = ((1,),)
B = ((2,),)
C = ((3,),)
IDENTITY_TASK = Task("t", (Pair(((5, 6),), ((5, 6),)),), (((7, 8),), ((9, 9),)))
METHODS = [
    RankConfig("experts"),
    RankConfig("vote"),
    RankConfig("vote", legacy_vote=True),
    RankConfig("flat"),
]


def attempts(predictions):
    return [p.attempts for p in predictions]


@pytest.mark.parametrize("config", METHODS)
def test_votes_of_one_test_input_never_reach_another(propose, config):
    pool = CandidatePool(
        (*[propose(A, test_index=0)] * 9, propose(B, test_index=1)),
        (ViewScore("t", 0, A, (-0.1,)), ViewScore("t", 1, B, (-5.0,))),
    )
    first, second = choose(pool, IDENTITY_TASK, config)
    assert (first.test_index, second.test_index) == (0, 1)
    assert first.attempts[0] == A and B not in first.attempts
    assert second.attempts[0] == B and A not in second.attempts
    # What the other input's pool holds changes nothing at all.
    alone = choose(CandidatePool(pool.candidates[-1:], pool.scores[-1:]), IDENTITY_TASK, config)
    assert alone[1] == second


@pytest.mark.parametrize("config", METHODS)
def test_attempt_two_is_the_best_other_candidate(propose, config):
    pool = CandidatePool((*[propose(A)] * 3, propose(B)))
    assert choose(pool, IDENTITY_TASK, config)[0].attempts == (A, B)


@pytest.mark.parametrize("config", METHODS)
def test_a_guess_stands_in_only_where_the_pool_runs_out(propose, config):
    one, none = choose(CandidatePool((propose(A),)), IDENTITY_TASK, config)
    assert one.attempts == (A, ((7, 8),))
    assert one.reason.endswith("; attempt 2 guessed")
    assert none.attempts == guess_outputs(IDENTITY_TASK, 1)
    assert (none.margin, none.reason) == (0.0, "guess: no candidate")


def test_the_stand_in_is_never_attempt_one_again(propose):
    pool = CandidatePool((propose(((7, 8),)),))
    first, second = choose(pool, IDENTITY_TASK, RankConfig())[0].attempts
    assert first == ((7, 8),) and second != first


def test_candidates_of_another_task_are_ignored():
    stranger = Candidate("other", 0, A, "sample", "identity", -1.0)
    assert attempts(choose(CandidatePool((stranger,)), IDENTITY_TASK, RankConfig())) == [
        guess_outputs(IDENTITY_TASK, 0),
        guess_outputs(IDENTITY_TASK, 1),
    ]


def test_each_method_is_its_rule(propose):
    pool = CandidatePool(
        (*[propose(A)] * 5, propose(B, "flip_lr"), propose(B, "rotate90"), propose(C)),
        (ViewScore("t", 0, A, (-4.0,)), ViewScore("t", 0, C, (-1.0,))),
    )
    assert rank(pool, RankConfig("flat")) == flat_vote(pool.candidates)
    assert rank(pool, RankConfig("vote")) == two_level_vote(pool.candidates)
    assert rank(pool, RankConfig("vote", True)) == two_level_vote(pool.candidates, legacy=True)
    assert rank(pool, RankConfig("experts")) == product_of_experts(pool.candidates, pool.scores)
    assert [rank(pool, RankConfig(m)).grids[0] for m in ("flat", "vote", "experts")] == [A, B, C]


def test_experts_without_scores_is_the_two_level_vote(propose):
    pool = CandidatePool((*[propose(A)] * 5, propose(B, "flip_lr"), propose(B, "rotate90")))
    assert rank(pool, RankConfig("experts")) == two_level_vote(pool.candidates)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="must be one of experts, vote, flat, got 'best'"):
        RankConfig("best")


def test_twenty_thousand_random_pools(random_pool):
    rng = random.Random(13)
    for i in range(20_000):
        pool = random_pool(rng, tests=2)
        predictions = choose(pool, IDENTITY_TASK, METHODS[i % len(METHODS)])
        assert [p.test_index for p in predictions] == [0, 1]
        for prediction in predictions:
            assert prediction.attempts[0] != prediction.attempts[1]
            assert 0.0 <= prediction.margin <= 1.0


def test_what_the_pool_offers_never_depends_on_its_order_and_is_all_that_is_chosen(random_pool):
    rng = random.Random(17)
    for i in range(1000):
        pool = random_pool(rng)
        scored = {c.grid for c in pool.candidates}
        pool = CandidatePool(pool.candidates, tuple(s for s in pool.scores if s.grid in scored))
        config = METHODS[i % len(METHODS)]
        shuffled = CandidatePool(
            tuple(rng.sample(pool.candidates, len(pool.candidates))),
            tuple(rng.sample(pool.scores, len(pool.scores))),
        )
        assert choose(shuffled, IDENTITY_TASK, config) == choose(pool, IDENTITY_TASK, config)
        assert all(is_offered(pool.candidates, grid) for grid in rank(pool, config).grids)
