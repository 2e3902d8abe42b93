"""Frames of one cell's width around a picture."""

from __future__ import annotations

import numpy as np

from kit.induce.values import Image, make_image


def add_frame(image: Image, colour: int) -> Image | None:
    """A picture with one line of a colour around it."""
    cells = np.pad(image.cells, 1, constant_values=colour)
    return make_image(cells, image.y - 1, image.x - 1)


def strip_frame(image: Image) -> Image | None:
    """A picture without its outermost cells, which must have one colour."""
    cells = image.cells
    if min(cells.shape) < 3:
        return None
    rim = np.concatenate((cells[0], cells[-1], cells[:, 0], cells[:, -1]))
    if (rim != rim[0]).any():
        return None
    return make_image(cells[1:-1, 1:-1], image.y + 1, image.x + 1)


def uniform_panels(panels: tuple[Image, ...]) -> tuple[Image, ...] | None:
    """The same panels, provided that each has one colour only."""
    if any((panel.cells != panel.cells[0, 0]).any() for panel in panels):
        return None
    return panels
