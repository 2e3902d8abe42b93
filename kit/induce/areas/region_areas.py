"""Cells of the grid that belong to a region in one way or another, and colours it may give them."""

from __future__ import annotations

import numpy as np

from kit.induce.areas.box_features import Boxes

AREAS = ("own", "box", "gaps", "inside", "ring", "edge", "rows", "columns", "cross")
"""The region's own cells; its box; background cells of its box; the box without its outermost
cells; the cells around the box; the outermost cells of the box; background cells of the rows, of
the columns, of both that the box lies in."""

COLOUR_WORDS = ("own", "least", "other", "around")
"""The region's most frequent colour; the least frequent colour of its box; the most frequent colour
that is not its own in the box and the cells around it (background left out in these three); the
most frequent colour of the cells around its own cells."""


def region_area(boxes: Boxes, index: int, area: str) -> np.ndarray:
    """(H, W) bool: the cells of one of AREAS."""
    thing = boxes.things[index]
    top, left = thing.y, thing.x
    bottom, right = top + thing.height, left + thing.width
    mask = np.zeros(boxes.cells.shape, bool)
    if area == "own":
        mask[top:bottom, left:right] = thing.mask
    elif area in ("box", "gaps", "edge"):
        mask[top:bottom, left:right] = True
    if area in ("inside", "edge") and min(thing.mask.shape) > 2:
        mask[top + 1 : bottom - 1, left + 1 : right - 1] = area == "inside"
    elif area == "ring":
        mask[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = True
        mask[top:bottom, left:right] = False
    if area in ("rows", "cross"):
        mask[top:bottom] = True
    if area in ("columns", "cross"):
        mask[:, left:right] = True
    if area in ("gaps", "rows", "columns", "cross"):
        mask &= boxes.cells == boxes.background
    return mask


def area_colour(boxes: Boxes, index: int, colour: int | str) -> int:
    """A colour itself, or the one that a word of COLOUR_WORDS means for a region."""
    if isinstance(colour, int):
        return colour
    thing = boxes.things[index]
    if colour == "own":
        return thing.colour
    if colour == "around":
        counts = np.bincount(_neighbours(boxes, index), minlength=10)
        return int(counts.argmax()) if counts.any() else thing.colour
    if colour == "least":
        counts = np.bincount(thing.cells.ravel(), minlength=10)
        counts[boxes.background] = 0
        return int(np.where(counts > 0, counts, 10**6).argmin()) if counts.any() else thing.colour
    top, left = max(0, thing.y - 1), max(0, thing.x - 1)
    near = boxes.cells[top : thing.y + thing.height + 1, left : thing.x + thing.width + 1]
    counts = np.bincount(near.ravel(), minlength=10)
    counts[[boxes.background, thing.colour]] = 0
    return int(counts.argmax()) if counts.any() else thing.colour


def _neighbours(boxes: Boxes, index: int) -> np.ndarray:
    """Colours of the cells that touch a region's own ones, corners included."""
    mask = np.pad(region_area(boxes, index, "own"), 1)
    near = mask[:-2] | mask[1:-1] | mask[2:]
    near = (near[:, :-2] | near[:, 1:-1] | near[:, 2:]) & ~mask[1:-1, 1:-1]
    return boxes.cells[near]
