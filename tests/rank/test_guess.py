"""Cheap guesses: each family by a hand-made task, and no task that makes them fail."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from kit.arc.grid import check_grid
from kit.arc.task import Pair, Task
from kit.augment.transform import Transform
from kit.rank.guess import fitting_rules, guess_outputs, guesses, turned

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FIRST = ((1, 2, 0), (0, 3, 0))
SECOND = ((0, 5, 5, 0), (4, 0, 0, 1), (0, 0, 2, 0))
QUERY = ((0, 7, 1), (8, 0, 2), (0, 0, 1))


def task_of(rule, *inputs, query=QUERY):
    return Task("t", tuple(Pair(i, rule(i)) for i in inputs or (FIRST, SECOND)), (query,))


def magnify(grid):
    return tuple(tuple(c for c in row for _ in "ab") for row in grid for _ in "ab")


def mirror_right(grid):
    return tuple(row + row[::-1] for row in grid)


def swap_colours(grid):
    return tuple(tuple({1: 6, 0: 3, 3: 0}.get(c, c) for c in row) for row in grid)


def left_half(grid):
    return tuple(row[: len(row) // 2] for row in grid)


RULES = {
    "identity": lambda g: g,
    "transpose": Transform(5).apply,
    "rotate": Transform(3).apply,
    "colour map": swap_colours,
    "rotated colour map": lambda g: swap_colours(Transform(1).apply(g)),
    "constant": lambda g: ((4, 2),),
    "magnify": magnify,
    "tile": lambda g: tuple(row * 3 for row in g),
    "mirror": mirror_right,
    "mirror both ways": lambda g: mirror_right(g) + mirror_right(g)[::-1],
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_fits_all_demonstrations_is_the_first_guess(name):
    task = task_of(RULES[name])
    assert guess_outputs(task, 0)[0] == RULES[name](QUERY)


@pytest.mark.parametrize(
    ("rule", "inputs", "query"),
    [
        (left_half, (((1, 2, 3, 4),), ((5, 6), (7, 8))), ((1, 2, 3, 4), (9, 9, 9, 9))),
        (
            lambda g: tuple(row[::2] for row in g[::2]),
            (magnify(FIRST), magnify(SECOND)),
            magnify(QUERY),
        ),
        (
            lambda g: tuple(row[1:3] for row in g[1:3]),
            (
                ((0, 0, 0, 0), (0, 3, 4, 0), (0, 5, 6, 0), (0, 0, 0, 0)),
                ((0, 0, 0), (0, 7, 7), (0, 7, 8)),
            ),
            ((0, 0, 0, 0), (0, 1, 1, 0), (0, 0, 2, 0), (0, 0, 0, 0)),
        ),
    ],
)
def test_parts_of_the_input(rule, inputs, query):
    assert rule(query) in guess_outputs(task_of(rule, *inputs, query=query), 0)


def test_every_fitting_rule_reproduces_every_demonstration():
    for rule in RULES.values():
        task = task_of(rule)
        rules = list(fitting_rules(task.train))
        assert rules
        for found in rules:
            assert all(found(pair.input) == pair.output for pair in task.train)


def test_symmetries_are_numbered_like_transforms():
    for dihedral in range(8):
        assert turned(SECOND, dihedral) == Transform(dihedral).apply(SECOND)


def test_without_a_rule_the_size_and_the_commonest_content_are_guessed():
    pairs = (Pair(((1, 1, 0),), ((1, 5, 0),)), Pair(((1, 0, 0),), ((5, 0, 0),)))
    task = Task("t", pairs, (((0, 1, 1),),))
    assert guess_outputs(task, 0) == (((0, 5, 5),), ((0, 1, 1),))
    pairs = tuple(Pair(((c, c),), ((c,), (c,), (o,))) for c, o in ((3, 1), (3, 1), (5, 2)))
    assert guess_outputs(Task("t", pairs, (((4,),),)), 0)[0] == ((3,), (3,), (1,))


def random_grid(rng, side):
    height, width = rng.randint(1, side), rng.randint(1, side)
    return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))


def test_random_tasks_get_two_distinct_valid_guesses():
    rng = random.Random(11)
    for i in range(1500):
        side = (2, 3, 6, 30)[i % 4]
        pairs = tuple(
            Pair(random_grid(rng, side), random_grid(rng, side)) for _ in range(rng.randint(0, 4))
        )
        query = random_grid(rng, 30)
        first, second = guess_outputs(Task("t", pairs, (query,)), 0)
        assert first != second
        assert check_grid(first, "guess") == first and check_grid(second, "guess") == second
        assert len(set(guesses(Task("t", pairs, (query,)), 0))) >= 2


def test_a_huge_ratio_is_no_trap():
    task = Task("t", (Pair(((1,),), ((1,) * 30,) * 30),), (((2,) * 30,) * 30,))
    started = time.perf_counter()
    guess_outputs(task, 0)
    assert time.perf_counter() - started < 0.1


@pytest.mark.skipif(not DATA.exists(), reason="the public tasks are not here")
def test_public_tasks_take_about_a_millisecond():
    challenges = json.loads((DATA / "arc_agi_1_evaluation_challenges.json").read_text())
    tasks = [
        Task(
            key,
            tuple(
                Pair(*(check_grid(p[s], key) for s in ("input", "output"))) for p in value["train"]
            ),
            tuple(check_grid(t["input"], key) for t in value["test"]),
        )
        for key, value in challenges.items()
    ]
    seconds = []
    for task in tasks:
        started = time.perf_counter()
        guess_outputs(task, 0)
        seconds.append(time.perf_counter() - started)
    # Typically 0.3 ms; the bound leaves room for a busy machine.
    assert sorted(seconds)[len(seconds) // 2] < 3e-3
