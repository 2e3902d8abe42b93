"""Paired differences: worked by hand, tasks and not seeds are what is drawn."""

from __future__ import annotations

import pytest

from kit.validate.paired import paired_difference


def test_by_hand() -> None:
    """Task a gains 1 under both seeds, task b loses 1 under one of two: +1 and -0.5 in all +0.5."""
    ours = {("a", 0): 1.0, ("a", 1): 1.0, ("b", 0): 0.0, ("b", 1): 1.0}
    theirs = {("a", 0): 0.0, ("a", 1): 0.0, ("b", 0): 1.0, ("b", 1): 1.0}
    found = paired_difference(ours, theirs, 0)
    assert found.difference == pytest.approx(0.5) and found.tasks == 2
    assert (found.better, found.worse, found.equal) == (2, 1, 1)
    # Both tasks drawn twice: +2 or -1; nothing outside of that.
    assert (found.low, found.high) == (-1.0, 2.0)
    assert found.text() == "+0.5 (-1.0 to +2.0)"


def test_only_what_both_have_counts() -> None:
    found = paired_difference({("a", 0): 1.0, ("b", 0): 1.0}, {("a", 0): 0.0, ("c", 0): 0.0}, 0)
    assert (found.difference, found.tasks) == (1.0, 1)
    assert paired_difference({}, {("a", 0): 1.0}, 0).tasks == 0


def test_the_order_of_pairs_does_not_matter() -> None:
    ours = {(f"t{i}", s): float(i % 3 == s) for i in range(9) for s in (0, 1)}
    theirs = {key: float(key[1]) for key in ours}
    turned = dict(reversed(ours.items()))
    assert paired_difference(ours, theirs, 5) == paired_difference(turned, theirs, 5)


def test_more_seeds_of_one_task_are_no_more_tasks() -> None:
    """One gaining task of ten has an interval from 0, however many seeds it was tried under."""
    for seeds in (1, 20):
        ours = {(f"t{i}", s): float(i == 0) for i in range(10) for s in range(seeds)}
        found = paired_difference(ours, {key: 0.0 for key in ours}, 1)
        assert found.low == 0.0 and found.difference == pytest.approx(1.0)
