"""Fitting images to frames."""

from __future__ import annotations

from kit.induce.primitives.canvas import (
    complement,
    embed,
    mirror_tile,
    place_centre,
    stretch,
    tile,
    wrap_line,
)
from tests.induce.pictures import image, text

FRAME = image("0000/0000/0000/0000")


def test_embed() -> None:
    assert text(embed(image("12/34", 1, 2), FRAME)) == "0000/0012/0034/0000"
    assert text(embed(image("12/34", -1, 3), FRAME)) == "0003/0000/0000/0000"
    assert embed(image("1", 9, 0), FRAME) is None


def test_stretch() -> None:
    assert text(stretch(image("12/34"), FRAME)) == "1122/1122/3344/3344"
    assert text(stretch(FRAME._replace(cells=FRAME.cells + 1), image("00"))) == "11"


def test_tile() -> None:
    assert text(tile(image("12"), image("00000"), 0)) == "12121"
    assert text(tile(image("12"), image("00000"), 1)) == "12012"


def test_mirror_tile() -> None:
    assert text(mirror_tile(image("12/34"), FRAME, 0)) == "1221/3443/3443/1221"
    assert text(mirror_tile(image("12"), image("00000/00000/00000"), 1)) == "12021/00000/12021"


def test_wrap_line() -> None:
    assert text(wrap_line(image("1020/3040"), image("00/00"))) == "12/34"
    assert wrap_line(image("11111"), image("00")) is None
    assert wrap_line(image("0"), FRAME) is None


def test_place_centre() -> None:
    assert text(place_centre(image("5"), image("000/000/000"))) == "000/050/000"
    assert place_centre(FRAME, image("0")) is None


def test_complement() -> None:
    frame = image("111/111")
    assert text(complement(image("5", 0, 1), frame)) == "101/111"
