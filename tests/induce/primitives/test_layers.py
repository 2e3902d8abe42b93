"""Pictures built from layers."""

from __future__ import annotations

from kit.induce.primitives.layers import OPEN, close, lay, lay_below
from tests.induce.pictures import image, text

PICTURE = image("102")


def test_lay() -> None:
    assert lay(PICTURE, "all").cells.tolist() == [[1, 0, 2]]
    assert lay(PICTURE, "filled").cells.tolist() == [[1, OPEN, 2]]
    assert lay(PICTURE, "empty").cells.tolist() == [[OPEN, 0, OPEN]]
    assert lay(PICTURE, "paint 7").cells.tolist() == [[7, OPEN, 7]]
    assert lay(PICTURE, image("4")).cells.tolist() == [[4, OPEN, 4]]


def test_lay_below() -> None:
    canvas = lay_below(lay(PICTURE, "filled"), image("555"), "all")
    assert text(canvas) == "152"
    assert lay_below(canvas, image("55"), "all") is None


def test_close() -> None:
    assert text(close(lay(PICTURE, "filled"), 3)) == "132"
