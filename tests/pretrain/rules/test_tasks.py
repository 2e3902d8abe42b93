"""The filters: what is no task worth learning from.

pytest tests/pretrain/rules/test_tasks.py
"""

from __future__ import annotations

import numpy as np
import pytest

from kit.arc.task import Pair
from kit.pretrain.rules.rule import Drawn, Maker, Rng, Room, Rule, draw_room, single
from kit.pretrain.rules.tasks import draw_pairs, is_legal, is_worthwhile, make_task, turned
from tests.pretrain.canonical import canonical

Arrays = list[tuple[np.ndarray, np.ndarray]]


def noise(rng: Rng) -> np.ndarray:
    """Random cells."""
    return rng.integers(0, 4, (4, 5)).astype(np.uint8)


def inputs() -> list[np.ndarray]:
    """Three different pictures."""
    rng = np.random.default_rng(0)
    return [noise(rng) for _ in range(3)]


@pytest.mark.parametrize(
    "act",
    [
        lambda g: g,
        lambda g: g[::-1],
        lambda g: g.T,
        lambda g: np.rot90(g, 3),
        lambda g: np.array([3, 1, 0, 2], dtype=np.uint8)[g],
        lambda g: np.minimum(g, 1),
        lambda g: np.ones((2, 2), dtype=np.uint8),
    ],
    ids=["copy", "upside down", "transposed", "turned", "permuted", "merged", "constant"],
)
def test_trivial_guesses_are_refused(act: object) -> None:
    assert not is_worthwhile([(g, act(g)) for g in inputs()])  # type: ignore[operator]


def test_turning_is_enough_where_the_rule_is_about_it() -> None:
    pairs = [(g, g[::-1]) for g in inputs()]
    assert is_worthwhile(pairs, plain=True)
    assert not is_worthwhile([(g, inputs()[0]) for g in inputs()], plain=True)


def test_what_is_none_of_these_is_a_task() -> None:
    assert is_worthwhile([(g, np.sort(g, axis=1)) for g in inputs()])
    assert is_worthwhile([(g, np.tile(g, (1, 2))) for g in inputs()])


def test_legal_grids_are_not_empty_and_not_too_large() -> None:
    assert is_legal(np.zeros((30, 30), dtype=np.uint8))
    assert not is_legal(np.zeros((31, 2), dtype=np.uint8))
    assert not is_legal(np.zeros((0, 3), dtype=np.uint8))


def test_copies_empty_outputs_repeats_and_failures_are_not_drawn() -> None:
    counter = iter(range(100))

    def maker(rng: Rng) -> Drawn:
        kind = next(counter) % 5
        grid = noise(rng)
        if kind == 0:
            return None
        if kind == 1:
            return grid, grid
        if kind == 2:
            return grid, np.zeros_like(grid)
        if kind == 3:
            return np.ones((2, 2), dtype=np.uint8), np.full((3, 3), 2, dtype=np.uint8)
        return grid, np.zeros((31, 31), dtype=np.uint8)

    drawn = draw_pairs(maker, np.random.default_rng(0), 4)
    assert [output.shape for _, output in drawn] == [(3, 3)]


def test_a_rule_that_never_works_gives_no_task() -> None:
    def nothing(rng: Rng, room: Room) -> Maker:
        return lambda rng: None

    assert make_task(single("none", nothing), 0) is None


def test_turning_a_task_keeps_its_pairs_up_to_symmetry_and_colours() -> None:
    pairs: Arrays = [(g, np.sort(g, axis=1)) for g in inputs()]
    plain = [Pair(tuple(map(tuple, a.tolist())), tuple(map(tuple, b.tolist()))) for a, b in pairs]
    for seed in range(8):
        images = turned(pairs, np.random.default_rng(seed))
        assert [canonical(p) for p in images] == [canonical(p) for p in plain]


def test_rooms_keep_to_the_largest_side() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        largest = int(rng.integers(3, 31))
        room = draw_room(rng, largest)
        sides = [room.sides(rng) for _ in range(3)]
        assert all(1 <= s <= max(4, largest) for pair in sides for s in pair)
        assert room.sides(rng, 5, 5) == (5, 5)


def test_a_rule_is_a_value() -> None:
    def generator(rng: Rng, room: Room) -> Maker:
        return lambda rng: None

    rule = single("concept", generator)
    assert isinstance(rule, Rule) and (rule.name, rule.generator) == ("generator", "generator")
