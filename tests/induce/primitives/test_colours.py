"""Masks by colour."""

from __future__ import annotations

from kit.induce.primitives.colours import (
    block,
    erase_colour,
    erase_majority,
    keep_colour,
    keep_majority,
    majority_dot,
    negative,
    paint,
)
from tests.induce.pictures import image, text

PICTURE = image("112/030")


def test_keep_colour() -> None:
    assert text(keep_colour(PICTURE, 1)) == "110/000"
    assert keep_colour(PICTURE, 5) is None


def test_erase_colour() -> None:
    assert text(erase_colour(PICTURE, 1)) == "002/030"
    assert erase_colour(image("10"), 1) is None


def test_paint() -> None:
    assert text(paint(PICTURE, 7)) == "777/070"


def test_keep_majority() -> None:
    assert text(keep_majority(PICTURE)) == "110/000"
    assert keep_majority(image("0")) is None


def test_erase_majority() -> None:
    assert text(erase_majority(PICTURE)) == "002/030"


def test_majority_dot() -> None:
    assert text(majority_dot(PICTURE)) == "1"
    assert text(majority_dot(image("32"))) == "2"
    assert majority_dot(image("0")) is None


def test_negative() -> None:
    assert text(negative(PICTURE)) == "000/101"
    assert text(negative(image("0"))) == "1"


def test_block() -> None:
    assert text(block(PICTURE, 4)) == "444/444"
    assert text(block(PICTURE, 0)) == "111/111"
