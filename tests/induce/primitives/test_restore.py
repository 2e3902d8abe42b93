"""Painting areas that belong to chosen regions."""

from __future__ import annotations

from kit.induce.primitives.restore import (
    lay_changes,
    paint_other_regions,
    paint_outside,
    paint_regions,
)
from kit.induce.primitives.selection import choose_equal, choose_most, regions_of
from tests.induce.pictures import image, text

GRID = image("00000/03330/03030/03330/00001")
REGIONS = regions_of(GRID, "colour8")
LARGEST = choose_most(REGIONS, "size")


def test_paint_regions() -> None:
    assert text(paint_regions(GRID, LARGEST, "gaps", 4)) == "00000/03330/03430/03330/00001"
    assert text(paint_regions(GRID, LARGEST, "own", 0)) == "00000/00000/00000/00000/00001"
    assert text(paint_regions(GRID, LARGEST, "box", "own")) == "00000/03330/03330/03330/00001"


def test_paint_regions__without_any_nothing_changes() -> None:
    none = choose_equal(REGIONS, "colour", 9)
    assert text(paint_regions(GRID, none, "box", 5)) == text(GRID)


def test_paint_regions__areas_end_at_the_edge() -> None:
    dot = choose_equal(REGIONS, "colour", 1)
    assert text(paint_regions(GRID, dot, "ring", 2)) == "00000/03330/03030/03322/00021"


def test_paint_other_regions() -> None:
    assert text(paint_other_regions(GRID, LARGEST, "own", 0)) == "00000/03330/03030/03330/00000"


def test_paint_outside() -> None:
    assert text(paint_outside(GRID, LARGEST, "own", 7)) == "77777/73337/73737/73337/77777"


def test_lay_changes() -> None:
    found = lay_changes(image("12/34"), image("52/30"), image("12/30"))
    assert text(found) == "52/34"
    assert lay_changes(image("12"), image("1"), image("12")) is None
