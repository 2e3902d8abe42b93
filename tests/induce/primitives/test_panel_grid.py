"""Panels as cells, and back."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.panel_grid import (
    compare_panels,
    fill_panels,
    join_panels,
    map_panels,
    mark_extreme_panels,
    panels_to_cells,
    paste_panels,
    spread_over_panels,
)
from kit.induce.primitives.panels import split_by_lines
from kit.induce.program import ProgramError
from kit.induce.values import Image, Images


def image(rows: str) -> Image:
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))


def text(found: Image | None) -> str | None:
    return None if found is None else "/".join("".join(map(str, r)) for r in found.cells.tolist())


WHOLE = image("10533/00530/55555/20500/22500")


def parts() -> Images:
    found = split_by_lines(WHOLE, 5)
    assert found is not None
    return found


def test_panels_to_cells() -> None:
    assert text(panels_to_cells(parts(), "main_colour")) == "13/20"
    table = {0: 0, 1: 4, 3: 7}
    assert text(panels_to_cells(parts(), "filled", table)) == "47/70"


def test_panels_to_cells__undefined_for_unknown_values_and_gaps() -> None:
    assert panels_to_cells(parts(), "filled", {0: 0}) is None
    assert panels_to_cells(parts()[:3], "main_colour") is None


def test_mark_extreme_panels() -> None:
    assert text(mark_extreme_panels(parts(), "filled", True)) == "03/20"
    assert text(mark_extreme_panels(parts(), "filled", False, 8)) == "00/08"


def test_fill_panels() -> None:
    filled = fill_panels(WHOLE, parts(), image("12/34"))
    assert text(filled) == "11522/11522/55555/33544/33544"
    assert fill_panels(WHOLE, parts(), image("12")) is None
    assert WHOLE.cells[0, 1] == 0, "the picture itself is left as it was"


def test_paste_panels() -> None:
    assert text(paste_panels(WHOLE, parts())) == text(WHOLE)
    changed = tuple(Image(9 - p.cells, p.y, p.x) for p in parts()[:1])
    assert text(paste_panels(WHOLE, changed)) == "89533/99530/55555/20500/22500"
    assert paste_panels(WHOLE, (Image(WHOLE.cells, 1, 0),)) is None


def test_join_panels() -> None:
    assert text(join_panels(parts())) == "1033/0030/2000/2200"
    assert join_panels(parts()[1:]) is None
    assert join_panels((image("1"), Image(image("22").cells, 0, 1))) is None


def test_map_panels() -> None:
    mapped = map_panels(parts(), "output = turn_image(input, 'half_turn')")
    assert text(paste_panels(WHOLE, mapped or ())) == "00503/01533/55555/22500/02500"


def test_map_panels__undefined_where_the_program_is() -> None:
    assert map_panels(parts(), "output = strip_frame(input)") is None


def test_map_panels__rejects_what_is_no_program() -> None:
    with pytest.raises(ProgramError, match="no primitive is called 'open'"):
        map_panels(parts(), "output = open('secret')")


def test_spread_over_panels() -> None:
    joined = image("1234/5678/1234/5678")
    spread = spread_over_panels(WHOLE, parts(), joined)
    assert text(spread) == "12534/56578/55555/12534/56578"
    assert spread_over_panels(WHOLE, parts(), image("12")) is None


def test_compare_panels() -> None:
    table = {4: 0, 5: -1, 6: -3, 7: -1}
    changed = compare_panels(WHOLE, parts(), "first", table)
    assert text(changed) == "10533/00530/55555/20550/22500"
    assert compare_panels(WHOLE, parts(), "first", {4: 0}) is None, "a reading is missing"
    assert compare_panels(WHOLE, parts(), "common", table) is None, "no panel is common"
