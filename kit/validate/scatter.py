"""Named points over a logarithmic axis as one self-contained SVG picture.

What it does: a dot and its name per point, own ones filled, others hollow. The picture needs no
other file, carries a title and a description for those who cannot see it, and follows the viewer's
dark mode. What it does not: count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from kit.pretrain.plot import round_ticks

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 420, 64, 130, 48, 56
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}"
    ".tick{fill:#555}.grid{stroke:#ddd}.back{fill:#fff}.own{fill:#0072b2;stroke:#0072b2}"
    ".other{fill:none;stroke:#d55e00;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.tick{fill:#aaa}.grid{stroke:#444}"
    ".back{fill:#16181c}.own{fill:#56b4e9;stroke:#56b4e9}.other{stroke:#e69f00}}"
)


@dataclass(frozen=True, slots=True)
class Dot:
    """One point.

    Attributes:
        x: above 0.
        is_own: measured here; else a published figure.
    """

    name: str
    x: float
    y: float
    is_own: bool


def draw_scatter(title: str, dots: Sequence[Dot], x_name: str, y_name: str) -> str:
    """An SVG document.

    Args:
        dots: at least one.
    """
    powers = [math.log10(dot.x) for dot in dots]
    low, high = math.floor(min(powers)), max(math.ceil(max(powers)), math.floor(min(powers)) + 1)
    ticks = round_ticks(0.0, max(dot.y for dot in dots) or 1.0)
    right, floor = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM

    def along(power: float) -> float:
        return _LEFT + (power - low) / (high - low) * (right - _LEFT)

    def up(y: float) -> float:
        return floor - y / ticks[-1] * (floor - _TOP)

    parts = [f'<text class="title" x="16" y="24">{escape(title)}</text>']
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {up(tick):.1f}H{right}"/>')
        parts.append(_text(_LEFT - 8, up(tick) + 4, f"{tick:g}", "end"))
    for power in range(low, high + 1):
        parts.append(f'<path class="grid" d="M{along(power):.1f} {_TOP}V{floor}"/>')
        parts.append(_text(along(power), floor + 16, f"1e{power}", "middle"))
    parts.append(_text((_LEFT + right) / 2, _HEIGHT - 12, x_name, "middle"))
    parts.append(_text(16, _TOP - 8, y_name, "start"))
    for dot, power in zip(dots, powers, strict=True):
        kind = "own" if dot.is_own else "other"
        x, y = along(power), up(dot.y)
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}">{escape(dot.name)}</text>')
    said = "; ".join(f"{dot.name}: {dot.y:g} at {dot.x:.1e}" for dot in dots)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-labelledby="dots-title dots-text">'
        f'<title id="dots-title">{escape(title)}</title><desc id="dots-text">{escape(said)}</desc>'
        f'<style>{_STYLE}</style><rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f"{''.join(parts)}</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )
