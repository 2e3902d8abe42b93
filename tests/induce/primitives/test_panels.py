"""Cutting into panels, choosing and overlaying them."""

from __future__ import annotations

import numpy as np

from kit.induce.primitives.panels import (
    combine_panels,
    common_panel,
    extreme_panel,
    odd_panel,
    overlay_panels,
    panel_at,
    split_along,
    split_by_lines,
    split_colour_boxes,
    split_equally,
    unfold_panels,
)
from kit.induce.values import Image


def image(rows: str) -> Image:
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))


def panels(*texts: str) -> tuple[Image, ...]:
    return tuple(image(text)._replace(x=10 * i) for i, text in enumerate(texts))


def text(found: Image | None) -> str | None:
    return None if found is None else "/".join("".join(map(str, r)) for r in found.cells.tolist())


def test_split_by_lines() -> None:
    found = split_by_lines(image("1052/0053/5555/7051"))
    assert [text(p) for p in found or ()] == ["10/00", "2/3", "70", "1"]
    assert [(p.y, p.x) for p in found or ()] == [(0, 0), (0, 3), (3, 0), (3, 3)]


def test_split_by_lines__equal_panels_win_over_more_panels() -> None:
    found = split_by_lines(image("12/33/45/00/67/33/89"))
    assert [text(p) for p in found or ()] == ["12/33/45", "67/33/89"]


def test_split_by_lines__undefined_without_a_line() -> None:
    assert split_by_lines(image("12/34")) is None
    assert split_by_lines(image("11/23/45"), 1) is None
    assert split_by_lines(image("0")) is None


def test_split_equally() -> None:
    found = split_equally(image("1234/5678"), 2, 2)
    assert [text(p) for p in found or ()] == ["12", "34", "56", "78"]
    assert split_equally(image("123/456"), 1, 2) is None
    assert split_equally(image("12"), 1, 1) is None


def test_split_along() -> None:
    assert [text(p) for p in split_along(image("12/34/56/78"), 0) or ()] == ["12/34", "56/78"]
    assert [text(p) for p in split_along(image("123456"), 2) or ()] == ["123", "456"]
    assert split_along(image("12/34"), 2) is None


def test_split_colour_boxes() -> None:
    found = split_colour_boxes(image("0000/0121/0020/0000"))
    assert [text(p) for p in found or ()] == ["101", "2/2"]
    assert [(p.y, p.x) for p in found or ()] == [(1, 1), (1, 2)]
    assert split_colour_boxes(image("0010")) is None


def test_panel_at() -> None:
    many = panels("1", "2", "3")
    assert text(panel_at(many, -1)) == "3"
    assert panel_at(many, 3) is None
    assert panel_at(many, -4) is None


def test_odd_panel() -> None:
    assert text(odd_panel(panels("10", "01", "11"), "filled")) == "11"
    assert odd_panel(panels("10", "01"), "filled") is None
    assert odd_panel(panels("10", "11", "00"), "filled") is None


def test_extreme_panel() -> None:
    many = panels("10", "12", "00")
    assert text(extreme_panel(many, "colours", True)) == "12"
    assert text(extreme_panel(many, "filled", False)) == "00"
    assert extreme_panel(panels("10", "01"), "filled", True) is None


def test_common_panel() -> None:
    assert text(common_panel(panels("1", "2", "1"))) == "1"
    assert common_panel(panels("1", "2")) is None
    assert common_panel(panels("1", "1", "2", "2")) is None


def test_combine_panels() -> None:
    many = panels("1010", "2200")
    table = {0: 0, 1: 5, 2: -2, 3: -1}
    assert text(combine_panels(many, "filled", table)) == "1250"
    assert text(combine_panels(many, "count", {0: 0, 1: 1, 2: 8})) == "8110"
    assert text(combine_panels(many, "colours", {12: 3, 2: 4, 10: 5, 0: 6})) == "3456"


def test_combine_panels__a_missing_reading_is_undefined() -> None:
    assert combine_panels(panels("1010", "2200"), "filled", {0: 0, 1: 1}) is None
    assert combine_panels(panels("10", "2"), "filled", {0: 0}) is None


def test_overlay_panels() -> None:
    many = panels("1100", "0220", "3333")
    assert text(overlay_panels(many)) == "1123"
    assert text(overlay_panels(many, (1, 0, 2))) == "1223"
    assert overlay_panels(many, (3,)) is None


def test_unfold_panels() -> None:
    quarters = split_equally(image("1221/3443"), 2, 2)
    unfolded = unfold_panels(quarters or ())
    assert [text(p) for p in unfolded or ()] == ["12", "12", "34", "34"]
    assert all(p.cells.flags.c_contiguous for p in unfolded or ())
