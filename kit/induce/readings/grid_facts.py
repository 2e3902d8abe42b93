"""What can be said about a whole grid: a fact is one int, bool or bytes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial

import numpy as np

from kit.induce.things.objects import Thing, background_colour, segment

Fact = Callable[[np.ndarray], Hashable]


def _counts(cells: np.ndarray) -> np.ndarray:
    """(10,) cells of each colour, background left out."""
    counts = np.bincount(cells.ravel(), minlength=10)
    counts[background_colour(cells)] = 0
    return counts


def _largest(cells: np.ndarray, kind: str = "any8") -> Thing | None:
    """The object with the most cells, the first of equals."""
    return max(segment(cells, kind), key=lambda t: t.size, default=None)


def _count(cells: np.ndarray, kind: str) -> int:
    return len(segment(cells, kind))


def _main_colour(cells: np.ndarray) -> int:
    return int(_counts(cells).argmax())


def _least_colour(cells: np.ndarray) -> int:
    counts = _counts(cells)
    return int(np.where(counts > 0, counts, 10**6).argmin()) if counts.any() else -1


def _largest_colour(cells: np.ndarray) -> int:
    thing = _largest(cells, "colour8")
    return -1 if thing is None else thing.colour


def _largest_shape(cells: np.ndarray) -> bytes:
    thing = _largest(cells)
    return b"" if thing is None else b"%d:" % thing.height + thing.mask.tobytes()


def _content_shape(cells: np.ndarray) -> bytes:
    filled = cells != background_colour(cells)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        return b""
    cut = filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return b"%d:" % cut.shape[0] + cut.tobytes()


def _free_shape(cells: np.ndarray) -> bytes:
    """The content's shape, whichever way it is turned or mirrored."""
    filled = cells != background_colour(cells)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not len(rows):
        return b""
    cut = filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    turned = [np.rot90(m, k) for m in (cut, cut.T) for k in range(4)]
    return min(b"%d:" % m.shape[0] + np.ascontiguousarray(m).tobytes() for m in turned)


def _common_object_colour(cells: np.ndarray) -> int:
    colours = [t.colour for t in segment(cells, "colour8")]
    return int(np.bincount(colours, minlength=10).argmax()) if colours else -1


def _holes(cells: np.ndarray) -> int:
    back = background_colour(cells)
    areas = segment((cells == back).astype(np.uint8), "colour4", 0)
    return sum(not t.touches_border for t in areas)


def _side(cells: np.ndarray, axis: int) -> int:
    """On which side of the middle the content lies: -1, 0, 1."""
    filled = np.argwhere(cells != background_colour(cells))
    if not len(filled):
        return 0
    return int(np.sign(2 * filled[:, axis].mean() - (cells.shape[axis] - 1)))


def _corner_object(cells: np.ndarray) -> int:
    """Which colour the upper-left cell has."""
    return int(cells[0, 0])


def _shares_line(cells: np.ndarray) -> int:
    """Rows (1) or columns (2) of one colour but the background, or both (3)."""
    back = background_colour(cells)
    row = ((cells == cells[:, :1]).all(axis=1) & (cells[:, 0] != back)).any()
    column = ((cells == cells[:1]).all(axis=0) & (cells[0] != back)).any()
    return int(row) + 2 * int(column)


def _left_right(cells: np.ndarray) -> bool:
    return bool((cells == cells[:, ::-1]).all())


def _up_down(cells: np.ndarray) -> bool:
    return bool((cells == cells[::-1]).all())


def _diagonal(cells: np.ndarray) -> bool:
    return cells.shape[0] == cells.shape[1] and bool((cells == cells.T).all())


def _symmetric(cells: np.ndarray) -> bool:
    return _left_right(cells) or _up_down(cells) or _diagonal(cells)


def _has(cells: np.ndarray, colour: int) -> bool:
    return bool((cells == colour).any())


def _same_halves(cells: np.ndarray) -> bool:
    """Whether the halves along the longer side are equal."""
    height, width = cells.shape
    if height >= width:
        return bool((cells[: height // 2] == cells[height - height // 2 :]).all())
    return bool((cells[:, : width // 2] == cells[:, width - width // 2 :]).all())


FACTS: Mapping[str, tuple[Fact, float]] = {
    "symmetric": (_symmetric, 1.0),
    "left_right": (_left_right, 1.0),
    "up_down": (_up_down, 1.5),
    "diagonal": (_diagonal, 2.0),
    "tall": (lambda c: c.shape[0] > c.shape[1], 1.0),
    "square": (lambda c: c.shape[0] == c.shape[1], 2.0),
    "colours": (lambda c: len(np.unique(c)), 1.0),
    "objects": (partial(_count, kind="colour8"), 1.0),
    "clusters": (partial(_count, kind="any8"), 1.0),
    "parts": (partial(_count, kind="colour4"), 1.5),
    "filled": (lambda c: int(_counts(c).sum()), 2.0),
    "even_filled": (lambda c: int(_counts(c).sum()) % 2, 3.0),
    "main_colour": (_main_colour, 1.0),
    "least_colour": (_least_colour, 1.5),
    "largest_colour": (_largest_colour, 1.5),
    "common_object_colour": (_common_object_colour, 2.0),
    "content_shape": (_content_shape, 1.5),
    "free_shape": (_free_shape, 2.0),
    "largest_shape": (_largest_shape, 2.0),
    "holes": (_holes, 1.5),
    "side_vertical": (partial(_side, axis=0), 2.0),
    "side_horizontal": (partial(_side, axis=1), 2.0),
    "upper_left": (_corner_object, 3.0),
    "lines": (_shares_line, 2.0),
    "same_halves": (_same_halves, 2.5),
    "height": (lambda c: c.shape[0], 2.5),
    "width": (lambda c: c.shape[1], 2.5),
} | {f"has_{k}": (partial(_has, colour=k), 2.5) for k in range(10)}
"""Name -> function of (H, W) uint8 cells, and what naming it costs."""


def grid_fact_of(cells: np.ndarray, name: str) -> Hashable:
    """One fact about a grid.

    Raises:
        KeyError: no such fact.
    """
    return FACTS[name][0](cells)
