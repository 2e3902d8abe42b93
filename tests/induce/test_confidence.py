"""How far programs are trusted."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.induce import confidence as module
from kit.induce.confidence import Standing, confidence, confidences
from kit.induce.program import single
from kit.induce.search import Found
from kit.induce.trust import ALL_FAMILIES, FAMILIES, Trust

A, B = ((1,),), ((2,),)
BEST = Standing(True, 0.0)
ODD = Trust(1.0, -1.0, 4.0, -2.0, -3.0, -2.0, -1.0)

bits = st.floats(0, 20)
shares = st.one_of(st.none(), st.floats(0, 1))


@pytest.fixture(autouse=True)
def families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FAMILIES", {"odd": ODD})


def found(length=0.0, pairs=3, left_out=None, answer=A, family="odd") -> Found:
    return Found(family, single("rotate90"), length, pairs, left_out, (answer,))


@settings(deadline=None)
@given(st.floats(0, 1e300), st.integers(1, 3), shares)
def test_it_is_a_probability(length: float, pairs: int, left_out: float | None) -> None:
    assert 0 < confidence(found(length, pairs, left_out), 3, BEST) < 1


@settings(deadline=None)
@given(bits, bits, st.integers(1, 3), shares)
def test_longer_programs_are_trusted_less(
    a: float, b: float, pairs: int, left_out: float | None
) -> None:
    low, high = (confidence(found(n, pairs, left_out), 3, BEST) for n in sorted((a, b)))
    assert low >= high


@settings(deadline=None)
@given(bits, st.integers(1, 2))
def test_every_missed_pair_costs_trust(length: float, pairs: int) -> None:
    less, more = (confidence(found(length, n), 3, BEST) for n in (pairs, pairs + 1))
    assert less < more


def test_predicted_pairs_speak_for_a_program_others_against_it() -> None:
    by_share = {s: confidence(found(5, left_out=s), 3, BEST) for s in (None, 0.0, 0.5, 1.0)}
    assert by_share[0.0] < by_share[0.5] == by_share[None] < by_share[1.0]


def test_left_out_pairs_say_nothing_of_a_program_that_does_not_even_cover() -> None:
    low, high = (confidence(found(5, 2, share), 3, BEST) for share in (0.0, 1.0))
    assert low == high


def test_the_model_is_logistic() -> None:
    odds = math.exp(1.0 - 1.2 + 4.0 * 0.25)
    assert confidence(found(12, left_out=0.75), 3, BEST) == pytest.approx(odds / (1 + odds))
    odds = math.exp(1.0 - 1.2 - 2.0 - 3.0 / 3 - 2.0 - 0.5)
    second = Standing(False, 5.0)
    assert confidence(found(12, pairs=2), 3, second) == pytest.approx(odds / (1 + odds))


def test_an_unmeasured_family_is_trusted_like_all() -> None:
    odds = math.exp(ALL_FAMILIES.base + ALL_FAMILIES.per_ten_bits * 0.8)
    assert confidence(found(8, family="new"), 3, BEST) == pytest.approx(odds / (1 + odds))


def test_the_best_of_a_family_is_told_from_the_others() -> None:
    items = [found(9, answer=B), found(5), found(7), found(6, family="new"), found(1, pairs=2)]
    trust = confidences(items, 3)
    assert sorted(trust) == [0, 1, 2, 3, 4]
    assert trust[1] == confidence(items[1], 3, BEST)
    assert trust[2] == confidence(items[2], 3, Standing(True, 2.0))
    assert trust[0] == confidence(items[0], 3, Standing(False, 4.0))
    assert trust[3] == confidence(items[3], 3, BEST)
    assert trust[4] < trust[1], "one that misses a pair stands behind those that do not"


@settings(deadline=None)
@given(st.permutations(range(4)))
def test_the_order_of_the_programs_does_not_matter(order: list[int]) -> None:
    items = [found(9, answer=B), found(5), found(7), found(6, pairs=2)]
    trust = confidences(items, 3)
    shuffled = confidences([items[i] for i in order], 3)
    assert [shuffled[place] for place in range(4)] == [trust[i] for i in order]


@pytest.mark.parametrize("family", [*FAMILIES, "new"])
def test_the_fitted_numbers_point_the_right_way(family: str) -> None:
    trust = FAMILIES.get(family, ALL_FAMILIES)
    assert trust.partial < 0 and trust.not_first < 0 and trust.left_out > 0
    assert replace(trust, base=0.0) != trust


def test_rivals_and_families_that_err_together_make_an_answer_less_sure() -> None:
    alone = module.settled({A: 0.98})[A]
    rivalled = module.settled({A: 0.98, B: 0.7})
    assert rivalled[B] < rivalled[A] < alone < 0.98


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_settling_keeps_the_order_and_gives_probabilities(chances: list[float]) -> None:
    pool = {((i,),): chance for i, chance in enumerate(chances)}
    after = module.settled(pool)
    assert all(0 < chance < 1 for chance in after.values())
    order = sorted(pool, key=lambda grid: pool[grid])
    assert all(after[a] <= after[b] + 1e-12 for a, b in itertools.pairwise(order))
