"""Inside and outside."""

from __future__ import annotations

from kit.induce.primitives.regions import (
    enclosed,
    fill_enclosed,
    frame_box,
    outer_border,
    outline,
    without_border,
)
from tests.induce.pictures import image, text

RING = image("0330/0303/0033/0000")
"""A hole whose only gaps are corners: closed for steps by sides, open for diagonal ones."""


def test_fill_enclosed() -> None:
    assert text(fill_enclosed(image("333/303/333"))) == "333/333/333"
    assert fill_enclosed(image("333/300/333")) is None


def test_enclosed() -> None:
    assert text(enclosed(RING, False)) == "0000/0030/0000/0000"
    assert enclosed(RING, True) is None


def test_outer_border() -> None:
    assert text(outer_border(image("000000/022220/022220/022220/000000"))) == (
        "000000/022220/020020/022220/000000"
    )
    assert outer_border(image("00")) is None


def test_without_border() -> None:
    assert text(without_border(image("111/121/111"))) == "000/020/000"
    assert without_border(image("11/11")) is None


def test_outer_border__and_the_rest_are_the_whole() -> None:
    picture = image("0111110/0122210/0122210/0111110/0000000")
    rim, core = outer_border(picture), without_border(picture)
    assert rim is not None and core is not None
    assert ((rim.cells + core.cells) == picture.cells).all()
    assert not ((rim.cells > 0) & (core.cells > 0)).any()


def test_outline() -> None:
    ring = outline(image("5", 3, 3), True)
    assert text(ring) == "111/101/111" and ring is not None and (ring.y, ring.x) == (2, 2)
    assert text(outline(image("5"), False)) == "010/101/010"
    assert outline(image("0"), True) is None


def test_frame_box() -> None:
    assert text(frame_box(image("200/000/000"), 4)) == "444/404/444"
    assert text(frame_box(image("200/000/000"), 0)) == "222/202/222"
