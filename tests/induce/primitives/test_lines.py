"""Strokes from cells and objects, and their paint."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.lines import (
    cell_rays,
    corner_rays,
    edge_rays,
    elbow,
    middle_rays,
    notch_rays,
    paint_crossings,
    paint_strokes,
)
from kit.induce.readings.strokes import RULES
from tests.induce.pictures import image, text


def drawn(rows: str, rule: str, directions: str, paint: object = 5, over: bool = False) -> str:
    picture = image(rows)
    strokes = cell_rays(picture, "north", "any", rule)
    assert strokes is not None
    table = {(0, direction): paint for direction in directions.split()}
    return str(text(paint_strokes(picture, strokes, table, over)))


@pytest.mark.parametrize(
    ("rule", "rows", "directions", "wanted"),
    [
        ("through", "1020", "E", "1525"),
        ("stop", "1020", "E", "1525"),
        ("hit", "1020", "E", "1520"),
        ("clear", "1020", "E", "1025"),
        ("to_own", "10201", "E", "15251"),
        ("bounce_sides", "100/000/000/000", "SE", "100/050/005/050"),
        ("bounce_ends", "1000/0000", "SE", "1050/0505"),
        ("turn_right", "000/102/000", "E", "000/152/050"),
        ("turn_left", "000/102/000", "E", "050/152/000"),
        ("reflect", "1000/0000/3333", "SE", "1050/0500/3333"),
    ],
)
def test_cell_rays(rule: str, rows: str, directions: str, wanted: str) -> None:
    assert drawn(rows, rule, directions) == wanted


def test_cell_rays__edge_frame_points_at_the_nearest_edge() -> None:
    picture = image("00000/00000/01000/00000/00000")
    strokes = cell_rays(picture, "edge", "any", "stop")
    assert strokes is not None
    found = text(paint_strokes(picture, strokes, {(0, 4): 5}, False))
    assert found == "00000/00000/01555/00000/00000"


def test_cell_rays__tip_points_away_from_its_line() -> None:
    picture = image("0000/1100/0000")
    strokes = cell_rays(picture, "tip", "any", "stop")
    assert strokes is not None
    assert text(paint_strokes(picture, strokes, {(0, 4): "own"}, False)) == "0000/1111/0000"


def test_cell_rays__neighbour_points_at_the_other_colour() -> None:
    picture = image("00000/02100/00000")
    strokes = cell_rays(picture, "neighbour", "colour", "through")
    assert strokes is not None
    assert text(paint_strokes(picture, strokes, {(1, 4): "own"}, False)) == "00000/02111/00000"
    assert text(paint_strokes(picture, strokes, {(1, 0): "own"}, False)) == "00000/12100/00000"


@pytest.mark.parametrize(
    ("attribute", "label"),
    [
        ("colour", 2),
        ("other", 3),
        ("pair", 23),
        ("same", 0),
        ("rarer", 0),
        ("is_dot", 1),
        ("line_kind", 1),
        ("size", 1),
    ],
)
def test_cell_rays__labels(attribute: str, label: int) -> None:
    strokes = cell_rays(image("203"), "north", attribute, "stop")
    assert strokes is not None and (label, "E") in strokes.labels


def test_cell_rays__no_strokes_is_a_value_and_too_many_are_none() -> None:
    strokes = cell_rays(image("000"), "north", "any", "stop")
    assert strokes is not None and not len(strokes.ys)
    assert cell_rays(image("/".join(["0" + "1" * 29] * 30)), "north", "any", "stop") is None
    assert cell_rays(image("10"), "north", "any", "no such rule") is None
    assert cell_rays(image("10"), "north", "shape", "stop") is None


@pytest.mark.parametrize("rule", RULES)
def test_cell_rays__stay_in_the_picture_and_end(rule: str) -> None:
    generator = np.random.default_rng(5)
    for _ in range(20):
        shape = generator.integers(1, 9, 2)
        cells = (generator.integers(0, 12, shape) % 4 * (generator.random(shape) < 0.3)).astype(
            "u1"
        )
        strokes = cell_rays(image("0")._replace(cells=cells), "north", "any", rule)
        assert strokes is not None
        assert ((strokes.ys >= 0) & (strokes.ys < shape[0])).all()
        assert ((strokes.xs >= 0) & (strokes.xs < shape[1])).all()


def test_corner_rays() -> None:
    picture = image("0000/0110/0110/0000")
    strokes = corner_rays(picture, "colour8", "any", "stop")
    assert strokes is not None and len(strokes.labels) == 4
    table = {(0, "NW"): "own", (0, "SE"): 7}
    assert text(paint_strokes(picture, strokes, table, False)) == "1000/0110/0110/0007"


def test_middle_rays() -> None:
    picture = image("00000/01110/01110/00000")
    strokes = middle_rays(picture, "colour8", "any", "stop")
    assert strokes is not None
    assert strokes.labels == ((0, "N"), (0, "S"))
    assert text(paint_strokes(picture, strokes, {(0, "N"): 3}, False)) == "00300/01110/01110/00000"


def test_notch_rays() -> None:
    picture = image("00000/01010/01110/00000")
    strokes = notch_rays(picture, "colour8", "any", "stop")
    assert strokes is not None and strokes.labels == ((0, "N"),)
    assert strokes.own.tolist() == [1]
    assert text(paint_strokes(picture, strokes, {(0, "N"): "own"}, False)).startswith("00100/01010")


def test_edge_rays() -> None:
    picture = image("000/010/000")
    strokes = edge_rays(picture, "any", "clear")
    assert strokes is not None
    table = {(0, "S"): 3, (0, "E"): 4}
    assert text(paint_strokes(picture, strokes, table, False)) == "444/313/444"
    assert edge_rays(picture, "size", "clear") is None


def test_elbow() -> None:
    picture = image("1000/0000/0002")
    assert text(elbow(picture, 1, 2, True, 5)) == "1000/5000/5552"
    assert text(elbow(picture, 1, 2, False, 5)) == "1555/0005/0002"
    assert text(elbow(picture, 2, 1, True, 5)) == "1555/0005/0002"
    assert elbow(image("1012"), 1, 2, True, 5) is None


@pytest.mark.parametrize(
    ("paint", "wanted"),
    [
        (7, "17772"),
        ("own", "11112"),
        ("other", "12222"),
        ("halves", "11122"),
        (("halves", 5), "11522"),
        ((4, 6), "14642"),
        ((-1, 6), "10602"),
        ((-2, 6), "11612"),
    ],
)
def test_paint_strokes(paint: object, wanted: str) -> None:
    assert drawn("10002", "hit", "E", paint) == wanted


def test_paint_strokes__over_covers_what_is_in_the_way() -> None:
    assert drawn("1020", "through", "E", 5, over=True) == "1555"


def test_paint_strokes__later_labels_lie_on_top() -> None:
    picture = image("010/200/000")
    strokes = cell_rays(picture, "north", "colour", "through")
    assert strokes is not None
    table = {(1, "S"): "own", (2, "E"): "own"}
    assert text(paint_strokes(picture, strokes, table, False)) == "010/222/010"
    table = dict(reversed(table.items()))
    assert text(paint_strokes(picture, strokes, table, False)) == "010/212/010"


def test_paint_crossings() -> None:
    picture = image("010/200/000")
    strokes = cell_rays(picture, "north", "colour", "through")
    assert strokes is not None
    table = {(1, "S"): "own", (2, "E"): "own"}
    painted = paint_strokes(picture, strokes, table, False)
    assert text(paint_crossings(painted, strokes, table, 4)) == "010/242/010"
