"""Shapes, scenes and cell operations that the rules are made of.

pytest tests/pretrain/rules/test_scenes.py
"""

from __future__ import annotations

import numpy as np
import pytest

from kit.arc.masks import spread
from kit.pretrain.rules.cells import alone, border, enclosed, fallen, flood, mapped, parts
from kit.pretrain.rules.rule import draw_room
from kit.pretrain.rules.scenes import SHAPES, Thing, any_scene, painted, place, scatter
from kit.pretrain.rules.selectors import SELECTORS, draw_selection, task_palette
from kit.pretrain.rules.steps import IN_PLACE, STEPS

SEEDS = range(40)


def masks() -> list[np.ndarray]:
    """Random masks."""
    rng = np.random.default_rng(0)
    return [rng.random((6, 8)) < rng.uniform(0.2, 0.8) for _ in SEEDS]


def test_parts_are_disjoint_connected_and_complete() -> None:
    for mask in masks():
        found = parts(mask)
        assert np.array_equal(sum(p.astype(int) for p in found), mask.astype(int))
        for part in found:
            seed = np.zeros_like(part)
            seed[tuple(np.argwhere(part)[0])] = True
            assert np.array_equal(flood(mask, seed), part)
            assert not (spread(part) & mask & ~part).any()


def test_enclosed_cells_do_not_reach_the_border() -> None:
    ring = np.ones((3, 3), dtype=np.uint8)
    ring[1, 1] = 0
    grid = np.pad(ring, 1)
    assert enclosed(grid).sum() == 1 and enclosed(grid)[2, 2]
    grid[1, 2] = 0
    assert not enclosed(grid).any()
    for mask in masks():
        inside = enclosed(mask.astype(np.uint8))
        assert not (inside & (mask | border(*mask.shape))).any()


def test_alone_means_no_neighbour_at_all() -> None:
    for mask in masks():
        for y, x in np.argwhere(alone(mask)):
            assert mask[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].sum() == 1
    assert alone(np.ones((1, 1), dtype=bool)).all()


def test_falling_keeps_the_cells_of_every_column_in_order() -> None:
    rng = np.random.default_rng(0)
    for _ in SEEDS:
        grid = rng.integers(0, 4, (5, 6)).astype(np.uint8)
        down = fallen(grid)
        for before, after in zip(grid.T, down.T, strict=True):
            assert list(before[before > 0]) == list(after[after > 0])
            filled = after > 0
            assert (np.diff(filled.astype(int)) >= 0).all()


def test_mapping_exchanges_at_once() -> None:
    assert mapped(np.array([[1, 2, 3]]), {1: 2, 2: 1}).tolist() == [[2, 1, 3]]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_shapes_are_connected_and_tight(shape: object) -> None:
    for seed in SEEDS:
        mask = shape(np.random.default_rng(seed), 5)  # type: ignore[operator]
        assert mask.any(1).all() and mask.any(0).all()
        assert len(parts(mask)) == 1


def test_placed_things_do_not_touch() -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        things = place(rng, 12, 12, [np.ones((2, 3), dtype=np.uint8)] * 4)
        if things is not None:
            grid = painted(np.zeros((12, 12), dtype=np.uint8), things)
            assert len(parts(grid > 0, diagonal=True)) == 4
    assert place(np.random.default_rng(0), 3, 3, [np.ones((4, 1), dtype=np.uint8)]) is None


def test_painting_cuts_off_what_sticks_out() -> None:
    thing = Thing(np.full((2, 2), 5, dtype=np.uint8), -1, 2)
    grid = painted(np.zeros((3, 3), dtype=np.uint8), [thing])
    assert np.argwhere(grid).tolist() == [[0, 2]]


@pytest.mark.parametrize("name", SELECTORS)
def test_a_selection_singles_out_some_things_but_not_all(name: str) -> None:
    found = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        selection = draw_selection(rng, draw_room(rng), name, task_palette(rng, name))
        if selection is not None:
            scene, chosen = selection
            found += 1
            assert len(chosen) == len(scene.things)
            assert 0 < sum(chosen) < len(chosen)
    assert found >= 4


@pytest.mark.parametrize("name", STEPS)
def test_steps_leave_their_input_alone(name: str) -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        step, grid = STEPS[name](rng), any_scene(rng, draw_room(rng, 12))
        before = grid.copy()
        result = step(grid)
        assert np.array_equal(grid, before)
        if result is not None and name in IN_PLACE:
            assert sorted(result.shape) == sorted(grid.shape)


def test_scenes_have_at_least_the_things_asked_for() -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        scene = scatter(rng, draw_room(rng), [1, 2], (3, 4))
        assert scene is None or 3 <= len(scene.things) <= 4
