"""Bars with ranges as one self-contained SVG picture.

What it does: one bar per name with the range over seeds, a second, paler value (what a perfect
chooser would get) and a mark for a published figure. The picture needs no other file, carries a
title and a description for those who cannot see it, and follows the viewer's dark mode. Lines over
steps are drawn by `kit.pretrain.plot`. What it does not: count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kit.pretrain.plot import round_ticks

_WIDTH, _LEFT, _RIGHT = 760, 190, 90
_BAR, _STEP, _TOP, _BOTTOM = 14, 24, 66, 46
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}"
    ".tick{fill:#555}.grid{stroke:#ddd}.back{fill:#fff}.pool{fill:#cfe3f2}.bar{fill:#0072b2}"
    ".range{stroke:#222;stroke-width:1.5}.mark{fill:#d55e00}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.tick{fill:#aaa}.grid{stroke:#444}"
    ".back{fill:#16181c}.pool{fill:#2a4154}.bar{fill:#56b4e9}.range{stroke:#eee}"
    ".mark{fill:#e69f00}}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        low, high: range of the value.
        most: a larger value drawn behind it.
        mark: a figure from elsewhere, on the same axis; None for none.
    """

    name: str
    value: float
    low: float
    high: float
    most: float
    mark: float | None = None


def draw_bars(title: str, bars: Sequence[Bar], axis: str, mark_says: str = "") -> str:
    """An SVG document; bars below each other in the given order.

    Args:
        axis: what the values are.
        mark_says: what the marks are, where there are any.
    """
    top = max((max(b.value, b.high, b.most, b.mark or 0.0) for b in bars), default=1.0)
    ticks = round_ticks(0.0, top or 1.0)
    scale = (_WIDTH - _LEFT - _RIGHT) / ticks[-1]
    height = _TOP + _STEP * len(bars) + _BOTTOM
    parts = [f'<text class="title" x="16" y="24">{escape(title)}</text>', *_legend(bars, mark_says)]
    for tick in ticks:
        x = _LEFT + tick * scale
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP - 6}V{height - _BOTTOM}"/>')
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{height - _BOTTOM + 16}" text-anchor="middle">'
            f"{tick:g}</text>"
        )
    for place, bar in enumerate(bars):
        parts += _bar(bar, _TOP + place * _STEP, scale)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="tick" x="{middle:g}" y="{height - 10}" text-anchor="middle">'
        f"{escape(axis)}</text>"
    )
    said = "; ".join(f"{b.name} {b.value:.2f}" for b in bars) or "no values yet"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-labelledby="bars-title bars-text">'
        f'<title id="bars-title">{escape(title)}</title><desc id="bars-text">{escape(said)}</desc>'
        f'<style>{_STYLE}</style><rect class="back" width="{_WIDTH}" height="{height}"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _legend(bars: Sequence[Bar], mark_says: str) -> list[str]:
    """What colours mean, in one line below the title."""
    parts = [
        '<rect class="bar" x="16" y="36" width="12" height="10"/>'
        '<text x="33" y="45">solved, range over seeds</text>'
        '<rect class="pool" x="196" y="36" width="12" height="10"/>'
        '<text x="213" y="45">among the candidates</text>'
    ]
    if mark_says and any(bar.mark is not None for bar in bars):
        parts.append(f'<path class="mark" d="{_diamond(362, 41)}"/>')
        parts.append(f'<text x="373" y="45">{escape(mark_says)}</text>')
    return parts


def _bar(bar: Bar, y: float, scale: float) -> list[str]:
    middle = y + _BAR / 2
    parts = [
        f'<text x="{_LEFT - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(bar.name)}</text>',
        f'<rect class="pool" x="{_LEFT}" y="{y}" width="{bar.most * scale:.1f}" height="{_BAR}"/>',
        f'<rect class="bar" x="{_LEFT}" y="{y + 2}" width="{bar.value * scale:.1f}" '
        f'height="{_BAR - 4}"/>',
    ]
    if bar.high > bar.low:
        ends = (_LEFT + bar.low * scale, _LEFT + bar.high * scale)
        parts.append(f'<path class="range" d="M{ends[0]:.1f} {middle:g}H{ends[1]:.1f}"/>')
    if bar.mark is not None:
        parts.append(f'<path class="mark" d="{_diamond(_LEFT + bar.mark * scale, middle)}"/>')
    at = _LEFT + max(bar.most, bar.value, bar.high, bar.mark or 0.0) * scale + 8
    parts.append(f'<text class="tick" x="{at:.1f}" y="{middle + 4:.1f}">{bar.value:.2f}</text>')
    return parts


def _diamond(x: float, y: float) -> str:
    return f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5z"
