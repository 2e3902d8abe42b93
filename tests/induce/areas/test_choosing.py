"""Choosing among candidates by features."""

from __future__ import annotations

import math

import numpy as np

from kit.budget.clock import SystemClock
from kit.induce.areas.choosing import Goal, Step, choices, tabulate
from kit.induce.meter import Meter


def meter(nodes: float = math.inf) -> Meter:
    return Meter(SystemClock(), nodes=nodes)


def goal(*rights: list[int], must: bool = False) -> Goal:
    flags = tuple(np.array(r, bool) for r in rights)
    return Goal(flags, flags if must else None)


SIZES = ("size", True, 1.0, [[3, 5, 4], [9, 2], [1, 7, 7]])
COLOURS = ("colour", False, 1.0, [[2, 4, 4], [4, 6], [1, 5, 8]])


def found(columns, wanted: Goal, expand: int = 0) -> list[tuple[Step, ...]]:
    return [c.steps for c in choices(tabulate(columns), wanted, meter(), expand)]


def test_the_largest_is_found() -> None:
    steps = found([SIZES, COLOURS], goal([0, 1, 0], [1, 0]))
    assert (Step("most", "size"),) in steps
    assert all(s[0].mode != "equal" or s[0].value == 4 for s in steps)


def test_unordered_features_are_not_ranked() -> None:
    steps = found([SIZES, COLOURS], goal([1, 0, 0], [1, 0]))
    assert not [s for s in steps if s[0].feature == "colour" and s[0].mode in ("most", "least")]


def test_a_second_step_ranks_among_what_is_left() -> None:
    columns = [
        ("size", True, 1.0, [[9, 5, 4], [9, 8, 2], [9, 3, 5]]),
        ("red", False, 1.0, [[False, True, True], [False, True, True], [False, True, True]]),
    ]
    wanted = goal([0, 1, 0], [0, 1, 0])
    assert (Step("equal", "red", True), Step("most", "size")) in found(columns, wanted, 20)


def test_a_value_that_no_test_has_is_not_named() -> None:
    columns = [("colour", False, 1.0, [[1, 2], [1, 3], [5, 6]])]
    assert found(columns, goal([1, 0], [1, 0])) == []


def test_all_that_must_be_left_is_left() -> None:
    columns = [("size", True, 1.0, [[1, 1, 4], [2, 8], [3, 3, 9]])]
    wanted = goal([1, 1, 0], [1, 0], must=True)
    kept = [c.kept for c in choices(tabulate(columns), wanted, meter(), 0)]
    assert kept
    assert all(k[0].tolist() == [True, True, False] for k in kept)


def test_every_choice_reaches_the_goal() -> None:
    draw = np.random.default_rng(3)
    for _ in range(50):
        sizes = [3, 4, 2, 5]
        columns = [
            (f"f{i}", bool(i % 2), 1.0, [draw.integers(0, 3, n).tolist() for n in sizes])
            for i in range(5)
        ]
        rights = tuple(draw.random(n) < 0.5 for n in sizes[:3])
        features = tabulate(columns)
        for wanted in (Goal(rights), Goal(rights, rights)):
            for choice in choices(features, wanted, meter(), 5):
                pairs = list(zip(choice.kept, rights, strict=False))
                assert not any((k & ~r).any() for k, r in pairs)
                if wanted.must is None:
                    assert all(k.any() for k in choice.kept)
                else:
                    assert all(np.array_equal(k, r) for k, r in pairs)


def test_features_without_information_are_dropped() -> None:
    assert tabulate([("flat", True, 1.0, [[1, 1], [1]])]) is None
    features = tabulate([SIZES, ("same", True, 3.0, SIZES[3])])
    assert features is not None
    assert features.names == ("size",)


def test_a_spent_meter_ends_the_second_steps() -> None:
    columns = [SIZES, COLOURS]
    wanted = goal([0, 0, 1], [0, 1])
    cut = [c.steps for c in choices(tabulate(columns), wanted, meter(0), 20)]
    assert cut == found(columns, wanted)
