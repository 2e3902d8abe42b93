"""Draws are distinct, balanced over the symmetries, and the same for the same seed."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from kit.augment.colours import ColourMode
from kit.augment.draw import (
    ALL_ELEMENTS,
    PAPER_ELEMENTS,
    draw_order,
    stratified,
    take_distinct,
    transform_stream,
)
from kit.augment.transform import DIHEDRAL_NAMES, IDENTITY, IDENTITY_COLOURS, Transform


def draw_transforms(
    rng: random.Random, num: int, dihedral: bool = True, colours: ColourMode = "uniform"
) -> tuple[Transform, ...]:
    """Up to `num` distinct transforms of a stream."""
    elements = ALL_ELEMENTS if dihedral else (IDENTITY.dihedral,)
    stream = transform_stream(rng, elements, colours)
    return take_distinct(num, stream, key=lambda transform: transform)


@pytest.mark.parametrize("num", [0, 1, 5, 8, 9, 64, 300])
def test_transforms_are_distinct_balanced_and_start_with_identity(num: int) -> None:
    drawn = draw_transforms(random.Random(0), num)
    assert len(drawn) == len(set(drawn)) == num
    assert drawn[:1] == (IDENTITY,)[:num]
    counts = [Counter(t.dihedral for t in drawn)[d] for d in range(8)]
    assert max(counts) - min(counts) <= 1


def test_fewer_transforms_where_there_are_no_more() -> None:
    rng = random.Random(1)
    only_turns = draw_transforms(rng, 50, colours="none")
    assert sorted(t.dihedral for t in only_turns) == list(range(8))
    assert draw_transforms(rng, 50, dihedral=False, colours="none") == (IDENTITY,)
    only_colours = draw_transforms(rng, 50, dihedral=False)
    assert len(only_colours) == 50
    assert {t.dihedral for t in only_colours} == {0}
    assert len({t.colours for t in only_colours}) == 50


def test_a_longer_draw_begins_with_the_shorter_one() -> None:
    shorter = draw_transforms(random.Random(7), 20)
    assert draw_transforms(random.Random(7), 40)[:20] == shorter
    assert draw_transforms(random.Random(8), 20) != shorter


def test_paper_elements() -> None:
    names = {DIHEDRAL_NAMES[element] for element in PAPER_ELEMENTS}
    assert names == {"identity", "transpose", "flip_ud", "flip_lr", "rotate90", "rotate180"}
    stream = transform_stream(random.Random(0), PAPER_ELEMENTS, "none")
    two_rounds = list(itertools.islice(stream, 12))
    assert {t.colours for t in two_rounds} == {IDENTITY_COLOURS}
    assert set(Counter(t.dihedral for t in two_rounds).values()) == {2}


def test_stratified_rounds() -> None:
    items = ("a", "b", "c")
    drawn = list(itertools.islice(stratified(random.Random(0), items), 300))
    rounds = [tuple(drawn[i : i + 3]) for i in range(0, 300, 3)]
    assert all(sorted(one) == list(items) for one in rounds)
    assert len(set(rounds)) == 6
    assert list(stratified(random.Random(0), ())) == []


def test_order_is_a_uniform_permutation() -> None:
    rng = random.Random(0)
    counts = Counter(draw_order(rng, (0, 1, 2)) for _ in range(3_000))
    assert len(counts) == 6
    assert all(400 < count < 600 for count in counts.values())


def test_take_distinct_gives_up_on_a_stream_that_repeats_itself() -> None:
    assert take_distinct(5, itertools.cycle("ab"), key=str) == ("a", "b")
    assert take_distinct(5, "aba", key=str) == ("a", "b")
    assert take_distinct(0, itertools.cycle("ab"), key=str) == ()
    with pytest.raises(ValueError, match="0 or more, got -1"):
        take_distinct(-1, "ab", key=str)
