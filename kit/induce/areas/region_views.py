"""What can be cut out of a grid where a region is."""

from __future__ import annotations

import numpy as np

from kit.induce.areas.box_features import Boxes

VIEWS = ("box", "own", "rest", "inside", "grown")
"""All of the region's box; its own cells alone; the box without them; the box without its
outermost cells; the box and one line around it. Left-out cells are background."""

ROLES = ("most", "least", "exchange", "grid_least", "clear")
"""Other colours for a view: all content in the most or the least frequent colour of the region's
box, its two colours exchanged, all content in the least frequent colour of the grid (background
never counts); or the background as 0."""


def view_shape(boxes: Boxes, index: int, view: str) -> tuple[int, int]:
    """Height and width of a view; they are 0 or less where it is empty."""
    height, width = boxes.things[index].mask.shape
    grow = {"inside": -2, "grown": 2}.get(view, 0)
    return height + grow, width + grow


def region_view(boxes: Boxes, index: int, view: str) -> np.ndarray | None:
    """The cells of a view; None where it is empty or reaches over the edge of the grid.

    Args:
        view: one of VIEWS.
    """
    thing = boxes.things[index]
    if view == "box":
        return thing.cells
    if view == "own":
        return np.where(thing.mask, thing.cells, boxes.background).astype(np.uint8)
    if view == "rest":
        return np.where(thing.mask, boxes.background, thing.cells).astype(np.uint8)
    if view == "inside":
        return thing.cells[1:-1, 1:-1] if min(thing.cells.shape) > 2 else None
    top, left = thing.y - 1, thing.x - 1
    bottom, right = top + thing.height + 2, left + thing.width + 2
    height, width = boxes.cells.shape
    if min(top, left) < 0 or bottom > height or right > width:
        return None
    return boxes.cells[top:bottom, left:right]


def painted_view(boxes: Boxes, index: int, view: str, role: str) -> np.ndarray | None:
    """The cells of a view with its content painted; None where the role means no colour.

    Args:
        role: one of ROLES.
    """
    picture = region_view(boxes, index, view)
    if picture is None:
        return None
    if role == "clear":
        return np.where(picture == boxes.background, 0, picture).astype(np.uint8)
    source = boxes.cells if role == "grid_least" else boxes.things[index].cells
    order = _by_frequency(source, boxes.background)
    if not order or (role == "exchange" and len(order) != 2):
        return None
    if role == "exchange":
        swapped = np.where(picture == order[0], order[1], order[0])
        return np.where(picture == boxes.background, picture, swapped).astype(np.uint8)
    colour = order[-1] if role == "most" else order[0]
    return np.where(picture == boxes.background, picture, colour).astype(np.uint8)


def _by_frequency(cells: np.ndarray, background: int) -> list[int]:
    """The colours of a picture but the background, least frequent first."""
    counts = np.bincount(cells.ravel(), minlength=10)
    counts[background] = 0
    return [int(c) for c in np.argsort(counts, kind="stable") if counts[c]]


def shrunk(cells: np.ndarray) -> np.ndarray | None:
    """A picture made of k x k blocks at 1/k of its size, for the largest k; None if k is 1."""
    height, width = cells.shape
    for k in range(min(height, width), 1, -1):
        if height % k or width % k:
            continue
        small = np.ascontiguousarray(cells[::k, ::k])
        if np.array_equal(small.repeat(k, axis=0).repeat(k, axis=1), cells):
            return small
    return None
