"""Choosing regions by features and cutting them out."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.selection import (
    choose_common,
    choose_equal,
    choose_least,
    choose_most,
    choose_place,
    choose_rare,
    colour_of,
    cut_out,
    cut_painted,
    map_colours,
    regions_of,
    shrink,
)
from tests.induce.pictures import image, text

GRID = image("1100002/1100002/0000002/3000000/3044400/0000000")
"""A square of 1, lines of 2 (3 cells), 3 (2 cells) and 4 (3 cells)."""


def colours(selection) -> list[int]:
    return [selection.boxes.things[i].colour for i in selection.kept]


def test_regions_of() -> None:
    assert colours(regions_of(GRID, "colour8")) == [1, 2, 3, 4]
    assert regions_of(image("00/00"), "colour8") is None
    with pytest.raises(ValueError, match="no regions are called 'blobs'"):
        regions_of(GRID, "blobs")


def test_choose_most() -> None:
    assert colours(choose_most(regions_of(GRID, "colour8"), "size")) == [1]


def test_choose_most__keeps_ties_and_ranks_what_is_left() -> None:
    lines = choose_rare(regions_of(GRID, "colour8"), "colour")
    lines = choose_equal(lines, "box_square", False)
    assert colours(choose_most(lines, "size")) == [2, 4]


def test_choose_least() -> None:
    assert colours(choose_least(regions_of(GRID, "colour8"), "size")) == [3]


def test_choose_rare() -> None:
    assert colours(choose_rare(regions_of(GRID, "colour8"), "size")) == [1, 3]


def test_choose_common() -> None:
    assert colours(choose_common(regions_of(GRID, "colour8"), "size")) == [2, 4]


def test_choose_equal() -> None:
    assert colours(choose_equal(regions_of(GRID, "colour8"), "colour", 4)) == [4]
    assert colours(choose_equal(regions_of(GRID, "colour8"), "colour", 9)) == []


def test_choose_place() -> None:
    regions = regions_of(GRID, "colour8")
    assert colours(choose_place(regions, "size", -2)) == [2, 4]
    assert colours(choose_place(regions, "size", 1)) == [2, 4]
    assert colours(choose_place(regions, "size", 7)) == []


@pytest.mark.parametrize(
    "choose", (choose_most, choose_least, choose_rare, choose_common), ids=lambda f: f.__name__
)
def test_choose_most__nothing_of_nothing_is_nothing(choose) -> None:
    none = choose_equal(regions_of(GRID, "colour8"), "colour", 9)
    assert choose(none, "size").kept == ()


def test_cut_out() -> None:
    assert text(cut_out(choose_most(regions_of(GRID, "colour8"), "size"), "box")) == "11/11"
    assert cut_out(regions_of(GRID, "colour8"), "box") is None
    assert cut_out(choose_equal(regions_of(GRID, "colour8"), "colour", 9), "box") is None


def test_cut_out__views_and_place() -> None:
    framed = image("000000/044400/042400/044400/000000")
    frame = choose_most(regions_of(framed, "colour8"), "size")
    assert text(cut_out(frame, "own")) == "444/404/444"
    assert text(cut_out(frame, "rest")) == "000/020/000"
    assert text(cut_out(frame, "inside")) == "2"
    assert text(cut_out(frame, "grown")) == "00000/04440/04240/04440/00000"
    assert cut_out(frame, "box")[1:] == (1, 1)
    at_edge = choose_most(regions_of(GRID, "colour8"), "size")
    assert cut_out(at_edge, "grown") is None


def test_cut_out__several_equal_ones_are_one_answer() -> None:
    assert text(cut_out(regions_of(image("505/000"), "colour8"), "box")) == "5"


def test_cut_painted() -> None:
    seen = choose_most(regions_of(image("0000/0330/0320/0000"), "any8"), "size")
    assert text(cut_painted(seen, "box", "most")) == "33/33"
    assert text(cut_painted(seen, "box", "least")) == "22/22"
    assert text(cut_painted(seen, "box", "exchange")) == "22/23"
    assert text(cut_painted(seen, "box", "grid_least")) == "22/22"


def test_cut_painted__a_background_that_is_not_0_can_be_cleared() -> None:
    seen = regions_of(image("7777/7317/7777"), "any8")
    assert text(cut_painted(seen, "grown", "clear")) == "0000/0310/0000"


def test_colour_of() -> None:
    assert text(colour_of(choose_least(regions_of(GRID, "colour8"), "size"), 1, 2)) == "33"
    assert colour_of(regions_of(GRID, "colour8"), 1, 1) is None


def test_map_colours() -> None:
    assert text(map_colours(image("123/012"), {1: 2, 2: 1})) == "213/021"


def test_shrink() -> None:
    small = image("12/30")
    large = image("111222/111222/111222/333000/333000/333000")
    assert text(shrink(large)) == text(small)
    assert shrink(small) is None


def test_map_colours__leaves_its_argument_alone() -> None:
    before = image("11")
    map_colours(before, {1: 4})
    assert np.array_equal(before.cells, image("11").cells)
