"""Charts of a report as inline SVG: what was reached over time, and where the time went.

What it does: draws; every chart has a title and a description for those who cannot see it, and its
numbers stand in a table beside it. Colours come from the page's style, by class.
What it does not: count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kit.validate.report_html import duration, escape
from kit.validate.report_totals import TimePoint

_WIDTH, _LEFT, _RIGHT = 560, 48, 14
_PANEL_HEIGHT, _GAP, _TOP, _BOTTOM = 130, 34, 26, 42
_MOST_POINTS = 300
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)


def time_chart(points: Sequence[TimePoint], end_s: float, scored: bool, clock: str) -> str:
    """What a run reached over time: tasks solved above tasks answered.

    Args:
        end_s: where the time axis ends, at least.
        scored: solutions are known.
        clock: what the time axis is called.
    """
    end_s = max([end_s, *(point.time_s for point in points[-1:])]) or 1.0
    lines = [("tasks answered", "tried", [(p.time_s, float(p.tried)) for p in points])]
    if scored:
        solved = [(p.time_s, p.points) for p in points]
        lines.insert(0, ("tasks solved (partial credit)", "solved", solved))
    height = _TOP + len(lines) * _PANEL_HEIGHT + (len(lines) - 1) * _GAP + _BOTTOM
    parts = [
        _panel(name, css, values, end_s, _TOP + i * (_PANEL_HEIGHT + _GAP))
        for i, (name, css, values) in enumerate(lines)
    ]
    parts.append(_time_axis(end_s, height - _BOTTOM, clock))
    said = "; ".join(f"{name}: {_said(values)}" for name, _, values in lines)
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="curve-title curve-text"><title id="curve-title">Reached over time'
        f'</title><desc id="curve-text">{escape(said)} after {duration(end_s)}.</desc>'
        f"{''.join(parts)}</svg>"
    )


def bar(share: float, inner: float = 0.0) -> str:
    """A bar of a share of its cell, the first part of it (`inner`, a share too) filled darker.

    It repeats a number beside it, so it is hidden from screen readers.
    """
    outer, part = (f"{100 * min(1.0, max(0.0, s)):.2f}" for s in (share, min(inner, share)))
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="8"/><rect class="rest" width="{outer}" '
        f'height="8"/><rect class="part" width="{part}" height="8"/></svg>'
    )


def thinned(points: Sequence[TimePoint], most: int) -> list[TimePoint]:
    """At most about `most` of the points, the last one among them."""
    step = max(1, -(-len(points) // most))
    return list(points[::-step][::-1])


def _panel(
    name: str, css: str, values: Sequence[tuple[float, float]], end_s: float, top: float
) -> str:
    """One curve over its own axis."""
    step = _value_step(max((value for _, value in values), default=0.0))
    most = step * max(1, math.ceil(max((v for _, v in values), default=0.0) / step))
    bottom = top + _PANEL_HEIGHT
    scale = _PANEL_HEIGHT / most
    parts = [f'<text class="name" x="{_LEFT}" y="{top - 8:g}">{escape(name)}</text>']
    for tick in range(0, round(most / step) + 1):
        y = bottom - tick * step * scale
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{tick * step:g}</text>"
        )
    path = "".join(
        f"H{_x(time_s, end_s):.1f}V{bottom - value * scale:.1f}" for time_s, value in _few(values)
    )
    line = f"M{_LEFT} {bottom:.1f}{path}H{_WIDTH - _RIGHT}"
    parts.append(f'<path class="area {css}" d="{line}V{bottom:.1f}H{_LEFT}Z"/>')
    parts.append(f'<path class="line {css}" d="{line}"/>')
    return "".join(parts)


def _few(values: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    step = max(1, -(-len(values) // _MOST_POINTS))
    return values[::-step][::-1]


def _time_axis(end_s: float, y: float, clock: str) -> str:
    """Times below the panels."""
    step = next((s for s in _TIME_STEPS_S if end_s / s <= 8), 3600 * math.ceil(end_s / 28800))
    parts = []
    for tick in range(int(end_s / step) + 1):
        x = _x(tick * step, end_s)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:g}v5"/>')
        label = _tick_label(tick * step)
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{y + 18:g}" text-anchor="middle">{label}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="tick" x="{middle:g}" y="{y + 35:g}" text-anchor="middle">'
        f"{escape(clock)}</text>"
    )
    return "".join(parts)


def _tick_label(time_s: float) -> str:
    """A round time, as short as it goes."""
    for unit_s, name in ((3600, "h"), (60, "min")):
        if time_s >= unit_s:
            return f"{time_s / unit_s:g} {name}"
    return f"{time_s:g} s" if time_s else "0"


def _x(time_s: float, end_s: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(1.0, time_s / end_s)


def _value_step(most: float) -> float:
    """A round distance between lines that makes 2 to 5 of them."""
    for power in range(7):
        for factor in (1, 2, 5):
            if most / (factor * 10**power) <= 5:
                return factor * 10**power
    return most / 4


def _said(values: Sequence[tuple[float, float]]) -> str:
    """A curve in words."""
    if not values:
        return "none"
    last = values[-1][1]
    half_s = next(time_s for time_s, value in values if 2 * value >= last)
    return f"{last:g} in the end, half of them after {duration(half_s)}"
