"""Bars: drawn to scale, described in words, safe with any name."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from kit.validate.ablate_plot import Bar, draw_bars


def widths(svg: str, css: str) -> list[float]:
    """Widths of the bars of a class, without the legend's."""
    return [float(w) for w in re.findall(rf'class="{css}" x="190" y="\d+" width="([\d.]+)"', svg)]


def test_bars_are_to_scale_and_said_in_words() -> None:
    svg = draw_bars("T", [Bar("a", 2.0, 1.0, 3.0, 4.0), Bar("b", 1.0, 1.0, 1.0, 1.0)], "tasks")
    solved, pool = widths(svg, "bar"), widths(svg, "pool")
    assert solved[0] == 2 * solved[1] and pool[0] == 2 * solved[0]
    assert "<desc" in svg and "a 2.00; b 1.00" in svg
    # A range is drawn only where there is one.
    assert svg.count('class="range"') == 1 and 'class="mark"' not in svg


def test_marks_are_explained_only_where_there_are_any() -> None:
    with_mark = draw_bars("T", [Bar("a", 1.0, 1.0, 1.0, 1.0, 2.0)], "x", "the paper")
    assert with_mark.count('class="mark"') == 2 and ">the paper<" in with_mark
    assert "the paper" not in draw_bars("T", [Bar("a", 1.0, 1.0, 1.0, 1.0)], "x", "the paper")


def test_no_bars_nothing_solved_and_odd_names_are_still_a_picture() -> None:
    for bars in ([], [Bar("none", 0.0, 0.0, 0.0, 0.0)], [Bar('<b> & "q"', 1.0, 0.0, 2.0, 3.0)]):
        root = ElementTree.fromstring(draw_bars("<T>", bars, "&"))
        assert root.tag.endswith("svg")
