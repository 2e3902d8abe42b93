"""Small patterns drawn around marked cells, and around objects."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kit.induce.things.objects import background_colour, segment
from kit.induce.values import Image

OWN = -1
"""The colour in a stamp that stands for the mark's own colour."""

Stamp = tuple[tuple[int, int, int], ...]


def draw_stamps(image: Image, stamps: Mapping[int, Stamp], over: bool) -> Image | None:
    """A pattern drawn around every cell of a colour.

    Args:
        stamps: colour of the marks -> (row offset, column offset, colour or OWN) of each cell.
        over: whether cells that are not background are written over, too.
    """
    marks = [
        (int(y), int(x), colour)
        for colour in stamps
        for y, x in zip(*np.nonzero(image.cells == colour), strict=True)
    ]
    if not marks:
        return None
    cells = image.cells.copy()
    free = np.ones(cells.shape, bool) if over else cells == background_colour(cells)
    for y, x, colour in marks:
        _draw(cells, free, y, x, stamps[colour], colour)
    return Image(cells, image.y, image.x)


def draw_stamps_at_objects(
    image: Image, kind: str, stamps: Mapping[tuple[int, ...], Stamp], over: bool
) -> Image | None:
    """A pattern drawn at the upper-left corner of every object of a known size and colour.

    Args:
        kind: a segmentation of `kit.induce.things.objects`.
        stamps: (height, width) or (height, width, colour) -> (row offset, column offset, colour
            or OWN) of each cell.
        over: whether cells that are not background are written over, too.
    Returns:
        None where an object is of a size that has no stamp, not even an empty one.
    """
    cells = image.cells.copy()
    free = np.ones(cells.shape, bool) if over else cells == background_colour(cells)
    for thing in segment(image.cells, kind):
        key = (thing.height, thing.width)
        stamp = stamps.get((*key, thing.colour), stamps.get(key))
        if stamp is None:
            return None
        _draw(cells, free, thing.y, thing.x, stamp, thing.colour)
    return Image(cells, image.y, image.x)


def _draw(cells: np.ndarray, free: np.ndarray, y: int, x: int, stamp: Stamp, own: int) -> None:
    """Write one stamp into free cells; what lies outside is cut off."""
    height, width = cells.shape
    for dy, dx, colour in stamp:
        v, u = y + dy, x + dx
        if 0 <= v < height and 0 <= u < width and free[v, u]:
            cells[v, u] = own if colour == OWN else colour
