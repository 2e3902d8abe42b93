"""What programs compute with: images that remember where they were cut from.

An image is a small picture with the place of its upper-left cell on an unbounded canvas, so that
an object can be cut out, changed and put back without naming coordinates. Colour 0 is transparent
when images are stacked. A program's other values are tuples of images, ints, texts and literals.
Idea: J. Wind's solver of the 2020 contest (github.com/top-quarks/ARC-solution).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kit.arc.grid import MAX_SIDE

MAX_IMAGE_SIDE = 3 * MAX_SIDE
"""Longest side of an intermediate image; larger ones are undefined."""


class Image(NamedTuple):
    """A picture and its place.

    Attributes:
        cells: (H, W) uint8, C-contiguous, colours 0..9, never written to after it was made.
        y, x: row and column of `cells[0, 0]` on the canvas of the input grid.
    """

    cells: np.ndarray
    y: int = 0
    x: int = 0


Images = tuple[Image, ...]


def make_image(cells: np.ndarray, y: int = 0, x: int = 0) -> Image | None:
    """An image of any array of colours; None where it is empty or too large."""
    height, width = cells.shape
    if not (0 < height <= MAX_IMAGE_SIDE and 0 < width <= MAX_IMAGE_SIDE):
        return None
    return Image(np.ascontiguousarray(cells, dtype=np.uint8), y, x)


def image_key(image: Image) -> bytes:
    """Bytes that two images share if and only if they are equal, place included."""
    height, width = image.cells.shape
    head = b"%d,%d,%d,%d:" % (height, width, image.y, image.x)
    return head + image.cells.tobytes()
