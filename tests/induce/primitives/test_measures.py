"""Numbers as pictures."""

from __future__ import annotations

import pytest

from kit.induce.primitives.measures import (
    count_cells,
    count_colours,
    count_parts,
    draw_count,
    empty,
    picture,
    resized,
    show_count,
)
from tests.induce.pictures import image, text

PICTURE = image("1101/0020")


def test_count_cells() -> None:
    assert count_cells(PICTURE) == 4


def test_count_colours() -> None:
    assert count_colours(PICTURE) == 2


def test_count_parts() -> None:
    assert count_parts(PICTURE) == 3
    assert count_parts(image("10/01")) == 1


@pytest.mark.parametrize(
    ("shape", "expected"), [("square", "11/11"), ("row", "11"), ("column", "1/1")]
)
def test_draw_count(shape: str, expected: str) -> None:
    assert text(draw_count(2, shape)) == expected
    assert draw_count(0, shape) is None
    assert draw_count(1000, shape) is None


def test_show_count() -> None:
    assert text(show_count(PICTURE, "cells", "row")) == "1111"
    assert text(show_count(PICTURE, "colours", "column")) == "1/1"
    assert text(show_count(PICTURE, "parts", "square")) == "111/111/111"


def test_resized() -> None:
    assert text(resized(PICTURE, (1, 1), (0, -2))) == "00/00"
    assert resized(PICTURE, (1, 1), (-2, 0)) is None
    assert resized(PICTURE, (50, 50), (0, 0)) is None


def test_empty() -> None:
    assert text(empty(2, 1)) == "0/0"
    assert empty(0, 1) is None


def test_picture() -> None:
    assert text(picture("01/23")) == "01/23"
