"""Ways of choosing by name: hand-worked cases, no dependence on order, nothing ever raised.

pytest tests/rank/test_rules.py              1,000 random pools
pytest tests/rank/test_rules.py -m slow      100,000
"""

from __future__ import annotations

import random

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence, ViewScore
from kit.augment.transform import DIHEDRAL_NAMES, IDENTITY_COLOURS
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry, joined_pool
from kit.rank.rules import JOIN_RULES, RULES, SAMPLE_RULES, first_views, rule_named, samples_of
from kit.rank.selector import FEATURES, Selector, grid_features
from tests.rank.offered import is_offered

A, B, C, D = ((1,),), ((2,),), ((3,),), ((4,),)


def sample(grid, group="identity", view=None, nats=-1.0) -> Candidate:
    return Candidate("t", 0, grid, "sample", group, nats, view=view, colours=IDENTITY_COLOURS)


def program(grid) -> Candidate:
    evidence = ProgramEvidence("lines", 9.0, 2, 2, None, 0.9)
    return Candidate("t", 0, grid, "search", "program", program="p", evidence=evidence)


# What six rules say of one pool, worked by hand. Votes: A 3 (transpose alone), B 2 (identity and
# flip_lr), C 1 (identity, asked first). Scores: D was never proposed; C has the best.
POOL = CandidatePool(
    (
        sample(C, "identity", 0),
        sample(B, "identity", 1),
        sample(B, "flip_lr", 2),
        *(sample(A, "transpose", view) for view in (3, 4, 5)),
    ),
    (
        ViewScore("t", 0, A, (-3.0, -3.0)),
        ViewScore("t", 0, B, (-1.5, -1.5)),
        ViewScore("t", 0, C, (-1.0, -1.0)),
    ),
)


@pytest.mark.parametrize(
    ("name", "attempts"),
    [
        ("one_view", (C, B)),
        ("only_transpose", (A,)),
        ("only_flip_lr", (B,)),
        ("only_rotate90", ()),
        ("flat", (A, B)),
        # B is sent up by two symmetries; A and C by one each, and C has votes of the identity.
        ("two_level", (B, C)),
        ("experts", (C, B)),
        # 3 - 3 = 0 for A, 2 - 1.5 = 0.5 for B, 1 - 1 = 0 for C: A before C by votes.
        ("views_minus_nll", (B, A)),
        ("ttt_only", (C, B)),
        ("program_only", ()),
    ],
)
def test_rules_by_hand(name: str, attempts: tuple) -> None:
    assert rule_named(name)(POOL).grids[:2] == attempts


def test_released_code_by_hand() -> None:
    """All six votes together send A, B, C; identity B, C (one vote each; smaller grid first) and
    a filler of its rows, which is B again as the first; flip_lr B three times; transpose A three
    times. B leads."""
    assert rule_named("two_level_released")(POOL).grids[0] == B


def test_programs_count_in_joining_rules_only() -> None:
    pool = POOL.add([program(D)])
    for name, rule in SAMPLE_RULES.items():
        assert rule(pool) == rule(POOL), name
    assert JOIN_RULES["induction_first"](pool).grids[:2] == (D, C)
    assert JOIN_RULES["press"](pool).grids[:2] == (D, C)
    assert JOIN_RULES["program_only"](pool).grids == (D,)
    assert JOIN_RULES["ttt_only"](pool).grids[:2] == (C, B)


def test_fewer_views_have_fewer_scores_too() -> None:
    """C is the better of two grids under the first two views, B under all three."""
    scores = (ViewScore("t", 0, B, (-2.0, -2.0, -0.1)), ViewScore("t", 0, C, (-1.0, -1.0, -9.0)))
    pool, experts = CandidatePool(POOL.candidates, scores), rule_named("experts")
    assert experts(pool).grids[0] == B
    assert experts(first_views(pool, 2)).grids == (C, B)
    assert [s.logprobs_nats for s in first_views(pool, 1).scores] == [(-1.0,)]


def test_first_views_leave_out_later_ones_and_their_scores() -> None:
    few = first_views(POOL.add([program(D)]), 2)
    assert [c.grid for c in few.candidates] == [C, B]
    assert [s.grid for s in few.scores] == [B, C]
    assert first_views(POOL, 99) == POOL
    # Pools from before views were numbered: by place.
    old = CandidatePool(tuple(sample(grid) for grid in (A, B, C)))
    assert [c.grid for c in first_views(old, 2).candidates] == [A, B]


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no rule 'expert' \(did you mean 'experts'\?\)"):
        rule_named("expert")


def shuffled(pool: CandidatePool, rng: random.Random) -> CandidatePool:
    candidates, scores = list(pool.candidates), list(pool.scores)
    rng.shuffle(candidates)
    rng.shuffle(scores)
    return CandidatePool(tuple(candidates), tuple(scores))


IN_ORDER = {"one_view"}
"""Rules that read the order of the pool, which is the order of the views."""

GUESSED = Selector({name: (i % 5 - 2) / 2 for i, name in enumerate(FEATURES)}, "made up")


def test_no_rule_depends_on_the_order_of_a_pool(random_pool) -> None:
    rng = random.Random(5)
    for _ in range(300):
        pool = random_pool(rng)
        other = shuffled(pool, rng)
        for name, rule in RULES.items():
            if name not in IN_ORDER:
                assert rule(pool) == rule(other), name
        assert grid_features(pool) == grid_features(other)
        assert GUESSED.rank(pool) == GUESSED.rank(other)


def odd_pool(rng: random.Random, random_pool) -> CandidatePool:
    """A random pool with whatever log-probabilities, views and evidence a file may hold."""
    pool = random_pool(rng)
    strange = (None, 0.0, -0.0, 3.0, -1e308, float("nan"), float("inf"), -float("inf"))
    for _ in range(rng.randrange(3)):
        grid = rng.choice([c.grid for c in pool.candidates] or [A])
        view, nats = rng.choice((None, 0, -3, 10**9)), rng.choice(strange)
        group = rng.choice((*DIHEDRAL_NAMES, "program", "a name"))
        pool = pool.add(
            [Candidate("t", 0, grid, "sample", group, nats, view=view)],
            [ViewScore("t", 0, grid, tuple(rng.choices(strange[1:], k=rng.randrange(3))), 1)],
        )
    if rng.random() < 0.3:
        confidence = rng.choice((0.0, 0.5, 1.0, -1.0, float("nan")))
        evidence = ProgramEvidence("f", rng.random(), rng.randrange(3), 2, None, confidence)
        pool = pool.add([Candidate("t", 0, B, "search", "program", program="p", evidence=evidence)])
    return pool


def check_random_pools(count: int, random_pool) -> None:
    """Every rule answers every pool with distinct grids, all of them offered."""
    rng = random.Random(count)
    for _ in range(count):
        pool = odd_pool(rng, random_pool)
        known = {*pool.grids(), *(score.grid for score in pool.scores)}
        samples = samples_of(pool).candidates
        for name, rule in {**RULES, "learned": GUESSED.rank}.items():
            ranking = rule(pool)
            assert len(set(ranking.grids)) == len(ranking.grids), name
            assert 0.0 <= ranking.margin <= 1.0, name
            for grid in ranking.grids:
                assert grid in known or is_offered(samples, grid), name
        joined_pool([PoolEntry("t", "a", 0, pool), PoolEntry("t", "b", 0, random_pool(rng))])


def test_random_pools_raise_nothing(random_pool) -> None:
    check_random_pools(1_000, random_pool)


@pytest.mark.slow
def test_many_random_pools_raise_nothing(random_pool) -> None:
    check_random_pools(100_000, random_pool)
