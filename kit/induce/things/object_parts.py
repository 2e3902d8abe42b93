"""Cells that belong to an object in some way: its holes, the ring around it, its corners.

What it does: name such areas and mark them on the grid. What it does not: paint them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kit.arc.masks import spread
from kit.induce.things.objects import Thing
from kit.induce.things.property_shapes import hole_labels

PAD = 1
"""Rows and columns around the bounding box that an area may reach."""


def _padded(mask: np.ndarray, width: int) -> np.ndarray:
    """A mask with empty rows and columns around it (np.pad takes ten times as long)."""
    wide = np.zeros((mask.shape[0] + 2 * width, mask.shape[1] + 2 * width), bool)
    wide[width:-width, width:-width] = mask
    return wide


def _own(thing: Thing) -> np.ndarray:
    return _padded(thing.mask, PAD)


def _box(thing: Thing) -> np.ndarray:
    return _padded(np.ones(thing.mask.shape, bool), PAD)


def _holes(thing: Thing) -> np.ndarray:
    return _padded(hole_labels(thing)[0] > 0, PAD)


def _edge(thing: Thing, diagonal: bool) -> np.ndarray:
    """Own cells beside a cell that is not."""
    own = _padded(thing.mask, 2)
    return (own & spread(~own, diagonal))[1:-1, 1:-1]


def _frame(thing: Thing, inset: int) -> np.ndarray:
    """The border of the padded box, or of the box itself (inset 1)."""
    area = np.zeros((thing.height + 2, thing.width + 2), bool)
    area[inset : area.shape[0] - inset, inset : area.shape[1] - inset] = True
    area[inset + 1 : area.shape[0] - inset - 1, inset + 1 : area.shape[1] - inset - 1] = False
    return area


def _corners(thing: Thing, inset: int) -> np.ndarray:
    area = np.zeros((thing.height + 2, thing.width + 2), bool)
    area[np.ix_((inset, -1 - inset), (inset, -1 - inset))] = True
    return area


def _centre(thing: Thing) -> np.ndarray:
    """The one, two or four middle cells of the box."""
    area = np.zeros((thing.height + 2, thing.width + 2), bool)
    rows = ((thing.height - 1) // 2 + 1, thing.height // 2 + 1)
    columns = ((thing.width - 1) // 2 + 1, thing.width // 2 + 1)
    area[np.ix_(rows, columns)] = True
    return area


def _inner(thing: Thing) -> np.ndarray:
    return _own(thing) & ~_edge(thing, True)


def _line(thing: Thing, axis: int, side: int) -> np.ndarray:
    """One side of the ring, without its corners: axis 0 above (0) or below (-1)."""
    area = np.zeros((thing.height + 2, thing.width + 2), bool)
    if axis == 0:
        area[side, 1:-1] = True
    else:
        area[1:-1, side] = True
    return area


def _checks(thing: Thing, phase: int) -> np.ndarray:
    """Every other cell of the box; phase 0 has the upper-left corner."""
    rows, columns = np.indices(thing.mask.shape)
    return _padded((rows + columns) % 2 == phase, PAD)


PARTS: Mapping[str, tuple[float, Callable[[Thing], np.ndarray]]] = {
    "holes": (0.5, _holes),
    "rest_of_box": (0.5, lambda t: _box(t) & ~_own(t)),
    "ring": (1.0, lambda t: _frame(t, 0)),
    "outline8": (1.0, lambda t: spread(_own(t), True) & ~_own(t)),
    "outline4": (1.0, lambda t: spread(_own(t), False) & ~_own(t)),
    "own": (1.0, _own),
    "inner": (1.0, _inner),
    "edge": (1.0, lambda t: _edge(t, True)),
    "edge4": (1.5, lambda t: _edge(t, False)),
    "inner4": (1.5, lambda t: _own(t) & ~_edge(t, False)),
    "box": (1.5, _box),
    "frame": (1.5, lambda t: _frame(t, 1)),
    "inside_frame": (1.5, lambda t: _box(t) & ~_frame(t, 1)),
    "corners": (1.5, lambda t: _corners(t, 1)),
    "ring_corners": (1.5, lambda t: _corners(t, 0)),
    "ring_sides": (1.5, lambda t: _frame(t, 0) & ~_corners(t, 0)),
    "frame_sides": (2.0, lambda t: _frame(t, 1) & ~_corners(t, 1)),
    "centre": (1.5, _centre),
    "above": (2.0, lambda t: _line(t, 0, 0)),
    "below": (2.0, lambda t: _line(t, 0, -1)),
    "left": (2.0, lambda t: _line(t, 1, 0)),
    "right": (2.0, lambda t: _line(t, 1, -1)),
    "checks": (3.0, lambda t: _checks(t, 0)),
    "other_checks": (3.0, lambda t: _checks(t, 1)),
    "own_checks": (3.0, lambda t: _checks(t, 0) & _own(t)),
    "own_other_checks": (3.0, lambda t: _checks(t, 1) & _own(t)),
}
"""Name -> bits, and the area as a (h + 2, w + 2) mask around the object's box."""

STRIPS = ("rows", "columns", "leftward", "rightward", "upward", "downward", "rest_of_grid")
"""Areas that reach the edges of the grid, each 2 bits."""


def part_bits(name: str) -> float:
    """What it costs to name an area."""
    return PARTS[name][0] if name in PARTS else 2.0


def part_of(thing: Thing, name: str, shape: tuple[int, int]) -> np.ndarray:
    """An area of an object, marked on a grid.

    Args:
        name: key of PARTS or one of STRIPS.
        shape: (H, W) of the grid.
    Returns:
        (H, W) bool.
    """
    marked = np.zeros(shape, bool)
    if name in PARTS:
        area = PARTS[name][1](thing)
        top, left = max(0, PAD - thing.y), max(0, PAD - thing.x)
        place = marked[
            max(0, thing.y - PAD) : thing.y + thing.height + PAD,
            max(0, thing.x - PAD) : thing.x + thing.width + PAD,
        ]
        place[:] = area[top : top + place.shape[0], left : left + place.shape[1]]
        return marked
    rows = slice(thing.y, thing.y + thing.height)
    columns = slice(thing.x, thing.x + thing.width)
    if name == "rows":
        marked[rows] = True
    elif name == "columns":
        marked[:, columns] = True
    elif name == "leftward":
        marked[rows, : thing.x] = True
    elif name == "rightward":
        marked[rows, columns.stop :] = True
    elif name == "upward":
        marked[: thing.y, columns] = True
    elif name == "downward":
        marked[rows.stop :, columns] = True
    else:
        marked[:] = True
        marked[rows, columns] = False
    return marked
