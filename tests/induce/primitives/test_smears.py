"""Colours carried along lines."""

from __future__ import annotations

import pytest

from kit.induce.primitives.smears import DIRECTIONS, connect_pairs, smear, spread
from tests.induce.pictures import image, text

DOT = image("000/050/000")


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("right", "000/055/000"),
        ("up", "050/050/000"),
        ("horizontal", "000/555/000"),
        ("falling", "500/050/005"),
        ("cross", "050/555/050"),
        ("all", "555/555/555"),
    ],
)
def test_smear(direction: str, expected: str) -> None:
    assert text(smear(DOT, direction)) == expected


def test_smear__stops_at_other_colours() -> None:
    assert text(smear(image("10020"), "right")) == "11122"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_smear__keeps_what_was_there(direction: str) -> None:
    picture = image("100/020/003")
    smeared = smear(picture, direction)
    assert (smeared.cells[picture.cells > 0] == picture.cells[picture.cells > 0]).all()


def test_connect_pairs() -> None:
    picture = image("1001/0000/1020")
    assert text(connect_pairs(picture, "rows")) == "0110/0000/0000"
    assert text(connect_pairs(picture, "columns")) == "0000/1000/0000"
    assert text(connect_pairs(picture, "both")) == "0110/1000/0000"
    assert connect_pairs(image("12"), "rows") is None


def test_connect_pairs__another_colour_between_is_no_pair() -> None:
    assert connect_pairs(image("1021"), "rows") is None


def test_spread() -> None:
    assert text(spread(image("10002"), False)) == "11122"
    assert spread(image("11"), False) is None


def test_spread__the_majority_may_stay() -> None:
    assert text(spread(image("110002"), True)) == "112222"
