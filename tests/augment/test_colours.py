"""Colour permutations are bijections, and each mode keeps its promise."""

from __future__ import annotations

import random

import pytest

from kit.arc.task import Pair, Task
from kit.augment.colours import (
    draw_colours,
    paper_permutation,
    uniform_permutation,
    used_colours,
)
from kit.augment.transform import IDENTITY_COLOURS

TEN = list(range(10))


def test_every_draw_is_a_bijection() -> None:
    rng = random.Random(0)
    for _ in range(10_000):
        used = rng.sample(TEN, rng.randrange(11))
        assert sorted(paper_permutation(rng, used)) == TEN
        assert sorted(uniform_permutation(rng)) == TEN
        assert sorted(uniform_permutation(rng, keep_zero=True)) == TEN


def test_zero_stays_where_promised_and_moves_otherwise() -> None:
    rng = random.Random(1)
    for _ in range(200):
        assert uniform_permutation(rng, keep_zero=True)[0] == 0
        assert paper_permutation(rng, rng.sample(TEN, 5))[0] == 0
    images_of_zero = {uniform_permutation(rng)[0] for _ in range(500)}
    assert images_of_zero == set(TEN)


def test_uniform_reaches_every_place_about_equally() -> None:
    rng = random.Random(2)
    counts = [[0] * 10 for _ in TEN]
    for _ in range(5_000):
        for colour, image in enumerate(uniform_permutation(rng)):
            counts[colour][image] += 1
    assert all(400 < count < 600 for row in counts for count in row)


@pytest.mark.parametrize("num_used", range(1, 10))
def test_paper_shows_unused_colours_first(num_used: int) -> None:
    rng = random.Random(num_used)
    for _ in range(200):
        used = frozenset(rng.sample(TEN[1:], num_used))
        images = paper_permutation(rng, {0, *used})
        fresh = [colour for colour in used if images[colour] not in used]
        assert len(fresh) == min(num_used, 9 - num_used)
        stale = used.difference(fresh)
        assert {images[colour] for colour in stale} == stale
        assert sum(images[colour] == colour for colour in stale) == len(stale) % 2


def test_paper_is_not_one_fixed_map() -> None:
    rng = random.Random(3)
    assert len({paper_permutation(rng, (0, 1, 2)) for _ in range(100)}) > 50


def test_modes() -> None:
    rng = random.Random(4)
    assert draw_colours(rng, "none", (1, 2)) == IDENTITY_COLOURS
    assert draw_colours(rng, "keep_zero", (1, 2))[0] == 0
    paper = draw_colours(rng, "paper", (1, 2))
    assert {paper[1], paper[2]}.isdisjoint({0, 1, 2})


def test_used_colours_count_test_inputs_but_nothing_else() -> None:
    task = Task("t", (Pair(((3,),), ((1,),)),), (((7, 1),),))
    assert used_colours(task) == (1, 3, 7)
