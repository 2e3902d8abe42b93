"""Named points over a logarithmic axis as one self-contained SVG picture.

What it does: a dot and its name per point, own ones filled, others hollow; names of neighbours
make room for each other. The picture needs no other file, carries a title and a description for
those who cannot see it, and follows the viewer's dark mode. What it does not: count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from kit.pretrain.plot import round_ticks

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 420, 64, 130, 48, 56
_RADIUS, _GAP = 4, 8
_LINE, _LETTER = 14, 7
"""Height of a line and width of a letter of names in pixels; most letters are narrower."""
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}"
    ".tick{fill:#555}.grid{stroke:#ddd}.lead{stroke:#999}.back{fill:#fff}.own{fill:#0072b2;stroke:#0072b2}"
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
    places = [(along(power), up(dot.y)) for dot, power in zip(dots, powers, strict=True)]
    parts += _named_dots(dots, places)
    said = "; ".join(f"{dot.name}: {dot.y:g} at {dot.x:.1e}" for dot in dots)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-labelledby="dots-title dots-text">'
        f'<title id="dots-title">{escape(title)}</title><desc id="dots-text">{escape(said)}</desc>'
        f'<style>{_STYLE}</style><rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f"{''.join(parts)}</svg>\n"
    )


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle of the picture, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        """Whether both cover something."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def is_inside(self) -> bool:
        """Whether it lies in the picture, above the numbers of the axis."""
        upright = self.top >= _TOP and self.bottom <= _HEIGHT - _BOTTOM
        return upright and self.left >= _LEFT and self.right <= _WIDTH


def _named_dots(dots: Sequence[Dot], places: Sequence[tuple[float, float]]) -> list[str]:
    """Dots with their names: each beside its dot, or as near as is free, with a line to it."""
    parts, names = [], []
    taken = [_Box(x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS) for x, y in places]
    for dot, (x, y) in zip(dots, places, strict=True):
        kind = "own" if dot.is_own else "other"
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}"/>')
        tried = list(_boxes(dot.name, x, y))
        free = (b for b in tried if b.is_inside() and not any(b.meets(other) for other in taken))
        box = next(free, tried[0])
        taken.append(box)
        middle, on_left = (box.top + box.bottom) / 2, box.right < x
        near = box.right if on_left else box.left
        if middle != y:
            parts.append(f'<path class="lead" d="M{x:.1f} {y:.1f}L{near:.1f} {middle:.1f}"/>')
        anchor = "end" if on_left else "start"
        names.append(
            f'<text class="name" x="{near:.1f}" y="{middle + 4:.1f}" text-anchor="{anchor}">'
            f"{escape(dot.name)}</text>"
        )
    return parts + names


def _boxes(name: str, x: float, y: float) -> Iterator[_Box]:
    """Where a dot's name may stand: beside it, then further and further above and below."""
    width = _LETTER * len(name)
    for lines in range(_HEIGHT // _LINE):
        for shift in (-lines * _LINE, lines * _LINE):
            top = y + shift - _LINE / 2
            yield _Box(x + _GAP, top, x + _GAP + width, top + _LINE)
            yield _Box(x - _GAP - width, top, x - _GAP, top + _LINE)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )
