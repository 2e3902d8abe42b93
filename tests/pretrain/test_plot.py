"""The picture of a run is well-formed and says its numbers.

pytest tests/pretrain/test_plot.py
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.pretrain.plot import Series, draw, round_ticks, thinned, write_plot

SVG = "{http://www.w3.org/2000/svg}"
finite = st.floats(-1e6, 1e6, allow_nan=False)


def lines_of(svg: str) -> list[ElementTree.Element]:
    """The drawn curves, without the swatches of the legend."""
    paths = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return [p for p in paths if p.get("class") == "line" and not p.get("d", "").endswith("h18")]


def texts_of(svg: str) -> list[str]:
    """Everything that is written in a picture."""
    return [t.text or "" for t in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def a_run() -> dict[str, list[Series]]:
    """Panels of a short run."""
    training = [(float(step), 3.0 - step / 50) for step in range(0, 100, 10)]
    return {
        "loss": [Series("training", training), Series("held-out", [(90.0, 1.5)])],
        "share": [Series("exact", [(0.0, 0.0), (90.0, 0.25)])],
        "never measured": [],
    }


def test_a_picture_is_written_whole(tmp_path) -> None:
    write_plot(tmp_path / "new" / "run.svg", "A run", "step", a_run())
    written = (tmp_path / "new" / "run.svg").read_text(encoding="utf-8")
    assert written == draw("A run", "step", a_run())
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["run.svg"]


def test_one_line_for_each_series_and_one_axis_for_each_panel() -> None:
    svg = draw("A run", "step", a_run())
    assert len(lines_of(svg)) == 3
    named = ("loss", "share", "never measured", "step")
    assert [t for t in texts_of(svg) if t in named] == ["loss", "share", "step"]
    assert "held-out (loss): 1.5 at 90" in svg


def test_names_cannot_break_the_picture() -> None:
    svg = draw("<a> & b", "x", {"y & z": [Series('"x" <script>', [(0.0, 1.0), (1.0, 2.0)])]})
    assert '"x" <script>' in texts_of(svg) and "<a> & b" in texts_of(svg)


def test_values_that_are_not_finite_are_left_out() -> None:
    points = [(0.0, math.nan), (1.0, 1.0), (2.0, math.inf), (3.0, 2.0)]
    svg = draw("t", "x", {"y": [Series("s", points)]})
    assert "nan" not in svg and "inf" not in svg
    assert len(lines_of(svg)) == 1


@pytest.mark.parametrize("series", [[], [Series("s", [])], [Series("s", [(5.0, 0.0)])]])
def test_little_or_nothing_can_be_drawn(series) -> None:
    assert draw("t", "x", {"y": series}).endswith("</svg>\n")
    ElementTree.fromstring(draw("t", "x", {"y": series}))


@given(st.lists(st.tuples(finite, finite), max_size=700), st.integers(1, 50))
def test_thinning_keeps_the_end_and_the_bounds(points, most) -> None:
    left = thinned(points, most)
    assert len(left) <= most and bool(left) == bool(points)
    if points:
        assert left[-1][0] == points[-1][0]
        ys = [y for _, y in points]
        assert all(min(ys) - 1e-6 <= y <= max(ys) + 1e-6 for _, y in left)


@given(finite, st.floats(0, 1e6))
def test_ticks_hold_all_values_and_are_few(low, width) -> None:
    ticks = round_ticks(low, low + width)
    slack = 1e-6 * max(1.0, abs(low), width)
    assert ticks[0] <= low + slack and ticks[-1] >= low + width - slack
    assert 2 <= len(ticks) <= 9 and ticks == sorted(ticks)
