"""Whole factors and repetition."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.scaling import (
    block_side,
    count_background,
    enlarge,
    pad_by_edge,
    reduce_blocks,
    repeat_image,
    repeat_some,
    repeat_to_size,
    repeat_with_gaps,
    side_of,
)
from kit.induce.values import Image


def image(rows: str) -> Image:
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))


def text(found: Image | None) -> str | None:
    return None if found is None else "/".join("".join(map(str, r)) for r in found.cells.tolist())


def test_enlarge() -> None:
    assert text(enlarge(image("12"), 2, 3)) == "111222/111222"
    assert enlarge(image("12"), 0, 1) is None
    assert enlarge(image("12"), 1, 46) is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("majority", "10/02"), ("filled", "13/02"), ("full", "10/00"), ("corner", "13/02")],
)
def test_reduce_blocks(rule: str, expected: str) -> None:
    assert text(reduce_blocks(image("1130/1100/0020/0022"), 2, 2, rule)) == expected


def test_reduce_blocks__undefined_where_blocks_do_not_fit() -> None:
    assert reduce_blocks(image("123"), 1, 2, "corner") is None
    assert reduce_blocks(image("12"), 1, 2, "uniform") is None
    assert text(reduce_blocks(image("1122"), 1, 2, "uniform")) == "12"


def test_repeat_image() -> None:
    assert text(repeat_image(image("12"), 2, 2)) == "1212/1212"
    assert repeat_image(image("12"), 1, 0) is None


def test_repeat_some() -> None:
    assert text(repeat_some(image("10"), 3, 2, 2)) == "1010/1000"
    assert repeat_some(image("10"), 5, 2, 2) is None
    assert repeat_some(image("10"), 0, 2, 2) is None


def test_repeat_with_gaps() -> None:
    assert text(repeat_with_gaps(image("12"), 2, 2, 1, 5)) == "12512/55555/12512"
    assert text(repeat_with_gaps(image("1"), 1, 2, 1, 5, True)) == "55555/51515/55555"
    assert repeat_with_gaps(image("1"), 1, 50, 1, 5) is None


def test_repeat_to_size() -> None:
    assert text(repeat_to_size(image("12/34"), 3, 5)) == "12121/34343/12121"
    assert repeat_to_size(image("1"), 0, 1) is None


def test_pad_by_edge() -> None:
    assert text(pad_by_edge(image("12/34"), 1)) == "1122/1122/3344/3344"
    assert text(pad_by_edge(image("12/34"), 1, False)) == "0120/1122/3344/0340"


def test_block_side() -> None:
    assert block_side(image("1122/1122")) == 2
    assert block_side(image("12/34")) == 1


def test_side_of() -> None:
    assert (side_of(image("123"), "height"), side_of(image("123"), "width")) == (1, 3)
    assert side_of(image("123"), "width", 2) == 6


def test_count_background() -> None:
    assert count_background(image("012/004")) == 3
    assert count_background(image("11/12")) == 3
