"""Tallies and the pictures that show them."""

from __future__ import annotations

import pytest

from kit.induce.primitives.counting import (
    bars,
    colour_line,
    drop_extreme,
    extreme_colour,
    figure,
    fill_first,
    flood_like,
    how_many,
    lone_colour,
    look_up,
    number_of,
    order_tally,
    solid,
    tally,
    total,
)
from tests.induce.pictures import image, text

PICTURE = "11002/11000/00202/30000"


@pytest.mark.parametrize(
    ("measure", "wanted"),
    [
        ("cells", ((1, 4), (2, 3), (3, 1))),
        ("all_cells", ((0, 12), (1, 4), (2, 3), (3, 1))),
        ("parts8", ((1, 1), (2, 3), (3, 1))),
        ("blocks", ((1, 1), (2, 0), (3, 0))),
        ("dots", ((1, 0), (2, 3), (3, 1))),
        ("largest", ((1, 4), (2, 1), (3, 1))),
        ("height", ((1, 2), (2, 3), (3, 1))),
        ("width", ((1, 2), (2, 3), (3, 1))),
        ("top", ((1, 0), (2, 0), (3, 3))),
        ("left", ((1, 0), (2, 2), (3, 0))),
        ("all_left", ((0, 0), (1, 0), (2, 2), (3, 0))),
        ("box", ((1, 4), (2, 9), (3, 1))),
    ],
)
def test_tally(measure: str, wanted: object) -> None:
    assert tally(image(PICTURE), measure) == wanted


def test_tally__corners_and_nothing() -> None:
    assert tally(image("10/01"), "parts8") == ((1, 1),)
    assert tally(image("10/01"), "parts4") == ((1, 2),)
    assert tally(image("00"), "cells") is None
    assert tally(image("10"), "no such measure") is None


def test_order_tally() -> None:
    assert order_tally(((1, 2), (3, 5)), True) == ((3, 5), (1, 2))
    assert order_tally(((3, 5), (1, 2)), False) == ((1, 2), (3, 5))
    assert order_tally(((1, 2), (3, 2)), True) is None


def test_extreme_colour() -> None:
    assert extreme_colour(((1, 2), (3, 5)), True) == 3
    assert extreme_colour(((1, 2), (3, 5)), False) == 1
    assert extreme_colour(((1, 2), (3, 2)), True) is None


def test_drop_extreme() -> None:
    assert drop_extreme(((1, 2), (3, 5)), True) == ((1, 2),)
    assert drop_extreme(((1, 2),), True) is None
    assert drop_extreme(((1, 2), (3, 2)), True) is None


def test_total() -> None:
    assert total(((1, 2), (3, 5))) == 7


def test_number_of() -> None:
    assert [number_of(((1, 2),), colour) for colour in (1, 2)] == [2, 0]


def test_how_many() -> None:
    assert how_many(((1, 2), (3, 5))) == 2


def test_bars() -> None:
    numbers = ((1, 3), (2, 1))
    assert text(bars(numbers, "left")) == "111/200"
    assert text(bars(numbers, "right")) == "111/002"
    assert text(bars(numbers, "top")) == "12/10/10"
    assert text(bars(numbers, "bottom")) == "10/10/12"
    assert bars(((1, 40),), "left") is None


def test_colour_line() -> None:
    assert text(colour_line(((4, 1), (2, 9)), False)) == "42"
    assert text(colour_line(((4, 1), (2, 9)), True)) == "4/2"


def test_solid() -> None:
    assert text(solid(4, 2, 3)) == "444/444"


def test_flood_like() -> None:
    assert text(flood_like(4, image("12/34"))) == "44/44"


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("rows", "777/000"),
        ("columns", "770/700"),
        ("rows_up", "000/777"),
        ("columns_up", "700/770"),
        ("winding", "777/000"),
        ("diagonal", "700/070"),
        ("alternate", "707/070"),
    ],
)
def test_fill_first(order: str, wanted: str) -> None:
    assert text(fill_first(3, 7, order, 2, 3)) == wanted


def test_fill_first__winding_turns_back() -> None:
    assert text(fill_first(4, 7, "winding", 2, 3)) == "777/007"
    assert fill_first(4, 7, "no such order", 2, 3) is None


def test_figure() -> None:
    assert [text(figure(2, 7, form)) for form in ("square", "row", "column", "diagonal")] == [
        "77/77",
        "77",
        "7/7",
        "70/07",
    ]
    assert text(figure(2, 7, "antidiagonal")) == "07/70"
    assert figure(0, 7, "row") is None
    assert figure(31, 7, "row") is None


def test_look_up() -> None:
    assert text(look_up(2, {2: "12/21"})) == "12/21"
    assert look_up(3, {2: "12/21"}) is None


def test_lone_colour() -> None:
    assert lone_colour(image("0404")) == 4
    assert lone_colour(image("0123")) is None
