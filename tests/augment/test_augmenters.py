"""Size laws and contents of the training-only augmenters."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from kit.arc.grid import as_array, check_grid, from_array, shape
from kit.arc.task import Pair
from kit.augment.augmenters import (
    MAX_SHIFT,
    PLAIN,
    Augmenter,
    Translate,
    draw_shift,
    paper_augmenters,
)

ALL = paper_augmenters(Translate(1, 2))
BY_NAME = {augmenter.name: augmenter for augmenter in ALL}


def augmented(augmenter: Augmenter, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """All pairs changed alike; empty when one result would exceed 30 x 30."""
    if not augmenter.fits(pairs):
        return ()
    return tuple(
        Pair(*(from_array(augmenter.apply_array(as_array(g))) for g in (pair.input, pair.output)))
        for pair in pairs
    )


GRID = ((1, 2), (3, 4), (5, 6))  # 3 x 2

SHAPES = {
    "reflect_down": (6, 2),
    "reflect_up": (6, 2),
    "reflect_right": (3, 4),
    "reflect_left": (3, 4),
    "translate": (3, 2),
    "scale": (6, 4),
    "scale_height": (6, 2),
    "scale_width": (3, 4),
    "repeat_down": (6, 2),
    "repeat_right": (3, 4),
    "repeat_both": (6, 4),
    "rotate90": (2, 3),
    "rotate180": (3, 2),
    "transpose+scale": (4, 6),
    "flip_ud+scale": (6, 4),
}


def test_there_are_23_with_distinct_names_and_12_of_them_turn() -> None:
    assert len(ALL) == len(BY_NAME) == 23
    assert sum(augmenter.turns for augmenter in ALL) == 12
    assert len(paper_augmenters(Translate(0, 0), turns=False)) == 11


@pytest.mark.parametrize("augmenter", ALL, ids=lambda a: a.name)
def test_size_law_and_validity(augmenter, random_grid) -> None:
    rng = random.Random(0)
    for _ in range(20):
        grid = random_grid(rng, rng.randint(1, 15), rng.randint(1, 15))
        (pair,) = augmented(augmenter, (Pair(grid, grid[::-1]),))
        assert shape(pair.input) == augmenter.shape_after(shape(grid))
        assert check_grid(pair.input, "result") == pair.input
    if augmenter.name in SHAPES:
        assert augmenter.shape_after(shape(GRID)) == SHAPES[augmenter.name]


@pytest.mark.parametrize("name", [n for n in BY_NAME if n != "translate"])
def test_colours_keep_their_share_of_the_cells(name: str) -> None:
    ((changed,),) = [
        [pair.input for pair in augmented(BY_NAME[name], (Pair(GRID, GRID),))],
    ]
    counts = Counter(cell for row in changed for cell in row)
    assert len(set(counts.values())) == 1
    assert set(counts) == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("reflect_down", [[1, 2], [3, 4], [3, 4], [1, 2]]),
        ("reflect_up", [[3, 4], [1, 2], [1, 2], [3, 4]]),
        ("reflect_right", [[1, 2, 2, 1], [3, 4, 4, 3]]),
        ("reflect_left", [[2, 1, 1, 2], [4, 3, 3, 4]]),
        ("translate", [[3, 4], [1, 2]]),
        ("scale_height", [[1, 2], [1, 2], [3, 4], [3, 4]]),
        ("scale_width", [[1, 1, 2, 2], [3, 3, 4, 4]]),
        ("repeat_both", [[1, 2, 1, 2], [3, 4, 3, 4], [1, 2, 1, 2], [3, 4, 3, 4]]),
        ("rotate90+scale", [[2, 2, 4, 4], [2, 2, 4, 4], [1, 1, 3, 3], [1, 1, 3, 3]]),
    ],
)
def test_golden(name: str, image: list[list[int]]) -> None:
    assert BY_NAME[name].apply_array(as_array(((1, 2), (3, 4)))).tolist() == image


def test_one_shift_moves_inputs_and_outputs_of_all_pairs(random_grid) -> None:
    rng = random.Random(3)
    pairs = [Pair(grid, grid) for grid in (random_grid(rng, 6, 5) for _ in range(3))]
    for pair in augmented(BY_NAME["translate"], pairs):
        assert pair.input == pair.output


def test_shift_is_limited_by_the_smallest_side_and_by_the_papers_range(random_grid) -> None:
    rng = random.Random(4)
    large, low = random_grid(rng, 9, 9), random_grid(rng, 2, 9)
    shifts = {draw_shift(rng, (Pair(large, low),)) for _ in range(300)}
    assert {shift.rows for shift in shifts} == {0, 1}
    assert {shift.columns for shift in shifts} == set(range(MAX_SHIFT))


def test_the_whole_set_is_discarded_when_one_grid_gets_too_large(random_grid) -> None:
    rng = random.Random(5)
    small, tall = random_grid(rng, 3, 3), random_grid(rng, 16, 3)
    pairs = (Pair(small, small), Pair(small, tall))
    assert augmented(BY_NAME["scale"], pairs) == ()
    assert augmented(BY_NAME["reflect_down"], pairs) == ()
    assert len(augmented(BY_NAME["reflect_right"], pairs)) == 2
    assert augmented(PLAIN, pairs) == pairs
