"""Swaps, ranks, rings and legends."""

from __future__ import annotations

from kit.induce.primitives.palettes import (
    apply_legend,
    colours_by_rank,
    crop_largest,
    flood_objects,
    read_legend,
    swap_colours,
    swap_in_objects,
    take_colour,
    turn_ranks,
    turn_rings,
)
from tests.induce.pictures import image, text


def test_swap_colours() -> None:
    assert text(swap_colours(image("0012/0021"))) == "0021/0012"
    assert text(swap_colours(image("0303"))) == "3030"
    assert swap_colours(image("0123")) is None
    assert swap_colours(image("11")) is None


def test_swap_in_objects() -> None:
    assert text(swap_in_objects(image("1200034/1200043"), "any8")) == "2100043/2100034"
    assert swap_in_objects(image("1100/1100"), "any8") is None


def test_flood_objects() -> None:
    assert text(flood_objects(image("1120033/0000043"), "any8", True)) == "2220044/0000044"
    assert text(flood_objects(image("1120033/0000043"), "any8", False)) == "1110033/0000033"
    assert flood_objects(image("120"), "any8", True) is None


def test_colours_by_rank() -> None:
    assert text(colours_by_rank(image("11120"), "cells", {0: 7, 1: 8})) == "77780"
    assert text(colours_by_rank(image("11120"), "cells", {-1: 9})) == "11190"
    assert colours_by_rank(image("000"), "cells", {0: 1}) is None


def test_turn_ranks() -> None:
    assert text(turn_ranks(image("1112230"), "cells", 0)) == "3332210"
    assert text(turn_ranks(image("1112230"), "cells", 1)) == "2223310"
    assert turn_ranks(image("120"), "cells", 1) is None


def test_turn_rings() -> None:
    picture = image("11111/12221/12321/12221/11111")
    assert text(turn_rings(picture, 0)) == "33333/32223/32123/32223/33333"
    assert text(turn_rings(picture, 1)) == "22222/23332/23132/23332/22222"
    assert turn_rings(image("11/11"), 0) is None


def test_read_legend() -> None:
    found = read_legend(image("12000/34000/00011/00011"), False)
    assert found == (((1, 2), (3, 4)), ((0, 0, 2, 2),))
    assert read_legend(image("1300/2400"), True) == (((1, 2), (3, 4)), ((0, 0, 2, 2),))
    assert read_legend(image("1100/1100"), False) is None


def test_apply_legend() -> None:
    picture = image("12000/00011/00012")
    legend = (((1, 2),), ((0, 0, 1, 2),))
    assert text(apply_legend(picture, legend, "there", False)) == "12000/00022/00022"
    assert text(apply_legend(picture, legend, "back", True)) == "00000/00011/00011"
    assert text(apply_legend(picture, legend, "both", False)) == "12000/00022/00021"


def test_apply_legend__contradiction() -> None:
    assert apply_legend(image("12/13"), (((1, 2), (1, 3)), ()), "there", False) is None


def test_crop_largest() -> None:
    assert text(crop_largest(image("1000/0022/0002"), "colour8")) == "22/02"
    assert crop_largest(image("1002"), "colour8") is None
    assert crop_largest(image("000"), "colour8") is None


def test_take_colour() -> None:
    assert text(take_colour(image("3000/0022/0002"), "colour8", True)) == "0000/0033/0003"
    assert text(take_colour(image("3000/0022/0002"), "colour8", False)) == "3000/0033/0003"
    assert take_colour(image("3002"), "colour8", True) is None
