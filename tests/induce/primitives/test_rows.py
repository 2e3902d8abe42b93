"""Shifts, orders, periods and growing sequences of rows."""

from __future__ import annotations

import pytest

from kit.induce.primitives.rows import (
    continue_rows,
    fill_periods,
    fill_stripes,
    shift_rows,
    shift_to_edge,
    sort_rows,
    unroll,
)
from tests.induce.pictures import image, text


def test_shift_rows() -> None:
    picture = image("1200/1200/1200")
    assert text(shift_rows(picture, "rows", 0, 1, False)) == "1200/0120/0012"
    assert text(shift_rows(picture, "rows", -1, 0, True)) == "2001/2001/2001"
    assert text(shift_rows(picture, "columns", 1, 0, False)) == "0000/1200/1200"


def test_shift_rows__further_than_the_picture_is_wide() -> None:
    assert text(shift_rows(image("10/10"), "rows", 5, 0, False)) == "00/00"


def test_shift_rows__no_such_axis() -> None:
    assert shift_rows(image("12"), "diagonals", 1, 0, False) is None


def test_shift_to_edge() -> None:
    assert text(shift_to_edge(image("1020/0300"), "rows", True)) == "0012/0003"
    assert text(shift_to_edge(image("10/02/30"), "columns", False)) == "12/30/00"


def test_sort_rows() -> None:
    picture = image("110/001/222")
    assert text(sort_rows(picture, "rows", "cells", False)) == "001/110/222"
    assert text(sort_rows(picture, "rows", "colour", True)) == "222/110/001"
    assert text(sort_rows(picture, "rows", "first", True)) == "001/110/222"
    assert text(sort_rows(image("120/110"), "rows", "colours", False)) == "110/120"
    assert sort_rows(picture, "rows", "no such key", True) is None


def test_fill_periods() -> None:
    assert text(fill_periods(image("12100/00000/30300"), "rows")) == "12121/00000/33333"
    assert text(fill_periods(image("1/2/1/0"), "columns")) == "1/2/1/2"


def test_continue_rows() -> None:
    assert text(continue_rows(image("11/22/00/00/00"), "rows", "all")) == "11/22/11/22/11"
    assert text(continue_rows(image("00/11/22/00/00"), "rows", "content")) == "00/11/22/11/22"
    assert text(continue_rows(image("11/00/22/00/00/00/00"), "rows", "spaced")) == (
        "11/00/22/00/11/00/22"
    )


@pytest.mark.parametrize("rows", ["11/22", "00/00"])
def test_continue_rows__nothing_to_continue(rows: str) -> None:
    assert continue_rows(image(rows), "rows", "all") is None


def test_fill_stripes() -> None:
    assert text(fill_stripes(image("100/020/000"), "rows")) == "111/222/111"
    assert text(fill_stripes(image("0120/0000/0000"), "columns")) == "2121/2121/2121"
    assert text(fill_stripes(image("1200/0000/0000"), "rising")) == "1212/2121/1212"
    assert text(fill_stripes(image("1200/0000/0000"), "falling")) == "1212/2121/1212"
    assert fill_stripes(image("12/21"), "no such direction") is None


def test_unroll() -> None:
    assert text(unroll(image("1100"), "half", 0, 1, False)) == "1100/1110"
    assert text(unroll(image("100"), "width", 1, 0, False)) == "100/010/001"
    assert text(unroll(image("1110"), "filled", 0, -1, False)) == "1110/1100/1000"
    assert text(unroll(image("10"), "product", 1, 0, True)) == "01/10"
    assert unroll(image("1/1"), "width", 1, 0, False) is None
