"""Pictures laid out of copies."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.mosaics import mosaic, mosaic_by_cell, turn_image
from kit.induce.readings.turns import TURNS, UNTURNS
from kit.induce.values import Image


def image(rows: str) -> Image:
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))


def text(found: Image | None) -> str | None:
    return None if found is None else "/".join("".join(map(str, r)) for r in found.cells.tolist())


def test_mosaic() -> None:
    layout = (("same", "left_right"), ("blank", "inverted"))
    assert text(mosaic(image("10"), layout)) == "1001/0001"


def test_mosaic__tiles_may_share_an_edge() -> None:
    layout = (("same", "left_right"), ("up_down", "half_turn"))
    assert text(mosaic(image("12/34"), layout, 1)) == "121/343/121"


def test_mosaic__undefined_for_tiles_of_two_shapes_and_giants() -> None:
    assert mosaic(image("12"), (("same", "transpose"),)) is None
    assert mosaic(image("1"), (("same", "same"),), 1) is None
    assert mosaic(Image(np.ones((30, 30), np.uint8)), (("same",),) * 4) is None


def test_mosaic_by_cell() -> None:
    plan = image("10/02")
    assert text(mosaic_by_cell(plan, plan, "filled", "same")) == "1000/0200/0010/0002"
    assert text(mosaic_by_cell(plan, image("30"), "filled", "tinted", "same")) == "1030/3020"
    assert text(mosaic_by_cell(plan, image("30"), "colour_2", "same", "solid")) == "1100/0030"


def test_mosaic_by_cell__undefined_for_giants_and_tiles_of_two_shapes() -> None:
    big = Image(np.ones((10, 10), np.uint8))
    assert mosaic_by_cell(big, big, "filled", "same") is None
    assert mosaic_by_cell(image("12"), image("12"), "colour_1", "transpose") is None


def test_turn_image() -> None:
    assert text(turn_image(image("12/34"), "clockwise")) == "31/42"
    assert text(turn_image(image("12/34"), "anticlockwise")) == "24/13"


@pytest.mark.parametrize("word", TURNS)
def test_turn_image__every_turn_has_an_inverse(word: str) -> None:
    given = image("123/456")
    turned = turn_image(given, word)
    assert turned is not None and text(turn_image(turned, UNTURNS[word])) == text(given)
