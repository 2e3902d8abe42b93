"""Named series over training steps as one self-contained SVG picture.

What it does: draws panels of lines below each other over one horizontal axis. The picture needs
no other file, carries a title and a description for those who cannot see it, and follows the
viewer's dark mode. What it does not: measure, or keep numbers (`kit.pretrain.history` does).

    write_plot(path, "A run", "step", {"loss": [Series("training", [(0, 2.3), (25, 1.9)])]})
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from kit.arc.whole_file import replace_file

MOST_POINTS = 300
"""Points of a series that are drawn; more are averaged in groups."""

_WIDTH, _LEFT, _RIGHT = 640, 64, 16
_PANEL, _GAP, _TOP, _BOTTOM = 190, 62, 72, 44
# Okabe and Ito's palette, which people with any colour vision can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}"
    ".tick{fill:#555}.grid{stroke:#ddd}.back{fill:#fff}.line{fill:none;stroke-width:1.8;"
    "stroke-linejoin:round}@media(prefers-color-scheme:dark){text{fill:#eee}.tick{fill:#aaa}"
    ".grid{stroke:#444}.back{fill:#16181c}}"
)

Point = tuple[float, float]
"""(x, value)."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a picture.

    Attributes:
        points: (x, value), x ascending.
    """

    name: str
    points: Sequence[Point]


def write_plot(path: Path, title: str, x_name: str, panels: Mapping[str, Sequence[Series]]) -> None:
    """Write `draw(...)` to `path`, whole or not at all; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, draw(title, x_name, panels).encode())


def draw(title: str, x_name: str, panels: Mapping[str, Sequence[Series]]) -> str:
    """An SVG document.

    Args:
        panels: what a vertical axis shows, with its unit -> its lines. Values that are not finite
            are left out, and panels without any line too.
    """
    shown = {
        panel: [Series(s.name, _finite(s.points)) for s in series]
        for panel, series in panels.items()
        if series
    }
    ends = [x for series in shown.values() for s in series for x, _ in s.points]
    span = (min(ends, default=0.0), max(ends, default=1.0))
    height = _TOP + max(1, len(shown)) * (_PANEL + _GAP) - _GAP + _BOTTOM
    parts = [f'<text class="title" x="{_LEFT}" y="22">{escape(title)}</text>']
    count = 0
    for index, (panel, series) in enumerate(shown.items()):
        parts += _panel(panel, [*enumerate(series, count)], span, _TOP + index * (_PANEL + _GAP))
        count += len(series)
    parts += _horizontal(span, height - _BOTTOM, x_name)
    said = "; ".join(_said(panel, s) for panel, series in shown.items() for s in series)
    said = said or "no values yet"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="plot-title plot-text">'
        f'<title id="plot-title">{escape(title)}</title><desc id="plot-text">{escape(said)}</desc>'
        f'<style>{_STYLE}</style><rect class="back" width="{_WIDTH}" height="{height}"/>'
        f"{''.join(parts)}</svg>\n"
    )


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` points: neighbours are averaged, the last point always among what is left."""
    size = max(1, -(-len(points) // most))
    # Groups are counted from the end, so that the newest is a full one.
    cuts = [*range(len(points), 0, -size), 0][::-1]
    groups = [points[a:b] for a, b in pairwise(cuts)]
    return [(group[-1][0], math.fsum(y for _, y in group) / len(group)) for group in groups]


def round_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers at equal distances from at or below `low` to at or above `high`."""
    width = high - low
    if width <= 1e-9 * max(abs(low), abs(high), 1e-9):
        width = max(abs(high), 1e-9)
    power = 10.0 ** math.floor(math.log10(width / most))
    step = next(f * power for f in (1, 2, 5, 10, 20) if width / (f * power) <= most - 1)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{tick * step:.12g}") for tick in range(first, max(last, first + 1) + 1)]


def _finite(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in points if math.isfinite(x) and math.isfinite(y))


def _panel(name: str, lines: Sequence[tuple[int, Series]], span: Point, top: float) -> list[str]:
    """Axis, grid, legend and lines of one panel."""
    drawn = [(index, series.name, thinned(series.points)) for index, series in lines]
    values = [y for _, _, points in drawn for _, y in points]
    ticks = round_ticks(min(values, default=0.0), max(values, default=1.0))
    scale = _PANEL / (ticks[-1] - ticks[0])
    parts = [f'<text x="{_LEFT}" y="{top - 24:g}">{escape(name)}</text>']
    for tick in ticks:
        y = top + (ticks[-1] - tick) * scale
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    along = float(_LEFT)
    for index, label, points in drawn:
        places = [(_x(x, span), top + (ticks[-1] - y) * scale) for x, y in points]
        paint = f'stroke="{_COLOURS[index % len(_COLOURS)]}"{_dashes(index)}'
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        # A single point is drawn as a dot: a line of no length with round ends.
        ends = ' stroke-linecap="round" stroke-width="6"' if len(places) == 1 else ""
        parts.append(f'<path class="line" {paint}{ends} d="M{path}{"h.01" if ends else ""}"/>')
        parts.append(f'<path class="line" {paint} d="M{along:g} {top - 10:g}h18"/>')
        parts.append(f'<text x="{along + 23:g}" y="{top - 6:g}">{escape(label)}</text>')
        along += 38 + 7 * len(label)
    return parts


def _dashes(index: int) -> str:
    """Lines beyond the palette repeat its colours with dashes."""
    rounds = index // len(_COLOURS)
    return f' stroke-dasharray="{3 * rounds} {2 * rounds}"' if rounds else ""


def _horizontal(span: Point, y: float, name: str) -> list[str]:
    """The horizontal axis below the last panel."""
    parts = []
    for tick in round_ticks(*span, most=8):
        if span[0] <= tick <= span[1]:
            x = _x(tick, span)
            parts.append(f'<path class="grid" d="M{x:.1f} {y:g}v5"/>')
            parts.append(
                f'<text class="tick" x="{x:.1f}" y="{y + 18:g}" text-anchor="middle">{tick:g}'
                "</text>"
            )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="tick" x="{middle:g}" y="{y + 36:g}" text-anchor="middle">{escape(name)}'
        "</text>"
    )
    return parts


def _x(step: float, span: Point) -> float:
    width = (span[1] - span[0]) or 1.0
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (step - span[0]) / width


def _said(panel: str, series: Series) -> str:
    """A series in words."""
    if not series.points:
        return f"{series.name} ({panel}): no values"
    (first, begin), (last, end) = series.points[0], series.points[-1]
    return f"{series.name} ({panel}): {begin:.4g} at {first:g}, {end:.4g} at {last:g}"
