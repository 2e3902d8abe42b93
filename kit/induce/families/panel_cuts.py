"""The ways to cut all grids of a task into panels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from kit.induce.meter import Meter
from kit.induce.primitives.panels import (
    split_along,
    split_by_lines,
    split_colour_boxes,
    split_equally,
)
from kit.induce.program import Statement, call
from kit.induce.values import Image, Images

CUTS: tuple[tuple[str, tuple[Any, ...], float], ...] = (
    ("split_by_lines", (), 1.0),
    ("split_along", (0,), 2.0),
    ("split_along", (2,), 2.0),
    ("split_along", (3,), 3.0),
    *(("split_equally", (1, n), 2.0 + 0.5 * n) for n in (2, 3, 4, 5)),
    *(("split_equally", (n, 1), 2.0 + 0.5 * n) for n in (2, 3, 4, 5)),
    *(("split_equally", (n, n), 2.0 + 0.5 * n) for n in (2, 3, 4, 5)),
    ("split_colour_boxes", (), 4.0),
    *(("split_by_lines", (c,), 3.0 + (c == 0)) for c in range(10)),
)
"""Ways to cut: primitive, arguments after the picture, bits."""

_CUTTERS = {
    "split_by_lines": split_by_lines,
    "split_along": split_along,
    "split_colour_boxes": split_colour_boxes,
    "split_equally": split_equally,
}


class Cut(NamedTuple):
    """One way to cut that works on all grids.

    Attributes:
        statement: whose target is `panels`.
        panels: of all inputs, then of all tests.
        bits: of the choice.
    """

    statement: Statement
    panels: tuple[Images, ...]
    bits: float


def cuts_of(grids: tuple[np.ndarray, ...], meter: Meter) -> Iterator[Cut]:
    """Ways to cut all grids into at least two panels, those that cut alike only once."""
    seen: set[tuple[tuple[int, int, int, int], ...]] = set()
    for primitive, arguments, bits in CUTS:
        panels = []
        for grid in grids:
            if not meter.spend():
                return
            found = _CUTTERS[primitive](Image(grid), *arguments)
            if found is None:
                break
            panels.append(found)
        else:
            key = tuple((p.y, p.x, *p.cells.shape) for many in panels for p in many)
            if key not in seen:
                seen.add(key)
                statement = call(primitive, "$input", *arguments, target="panels")
                yield Cut(statement, tuple(panels), bits)
