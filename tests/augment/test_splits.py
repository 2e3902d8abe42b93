"""Counts of base tasks, and the held-out pair never among its own examples."""

from __future__ import annotations

import pytest

from kit.augment.settings import AugmentConfig
from kit.augment.splits import base_splits, end_to_end, leave_one_out, leave_two_out


@pytest.mark.parametrize("num_pairs", range(2, 11))
def test_counts_and_no_leak(num_pairs: int) -> None:
    one = leave_one_out(num_pairs)
    two = leave_two_out(num_pairs, allow_empty=True)
    assert len(one) == len(end_to_end(num_pairs)) == num_pairs
    assert len(two) == len(set(two)) == num_pairs * (num_pairs - 1)
    for split in (*one, *two, *end_to_end(num_pairs)):
        assert split.held_out not in split.examples
    assert {len(split.examples) for split in one} == {num_pairs - 1}
    assert {len(split.examples) for split in two} == {num_pairs - 2}


def test_zero_examples_only_on_request() -> None:
    assert leave_one_out(1) == leave_two_out(2) == ()
    assert len(leave_one_out(1, allow_empty=True)) == 1
    assert len(leave_two_out(2, allow_empty=True)) == 2


@pytest.mark.parametrize(
    ("num_pairs", "options", "sizes"),
    [
        (3, {}, [2, 2, 2]),
        (3, {"leave_out": 2}, [1] * 6),
        (2, {"leave_out": 2}, [1, 1]),
        (2, {"leave_out": 2, "allow_no_examples": True}, [0, 0]),
        (3, {"end_to_end": True}, [0, 0, 0]),
        (1, {}, []),
        (1, {"allow_no_examples": True}, [0]),
        (1, {"end_to_end": True}, [0]),
    ],
)
def test_options(num_pairs: int, options: dict, sizes: list[int]) -> None:
    splits = base_splits(num_pairs, AugmentConfig(**options))
    assert [len(split.examples) for split in splits] == sizes
