"""Pictures built from layers: what a layer leaves open, the next one below it fills."""

from __future__ import annotations

import numpy as np

from kit.induce.values import Image

OPEN = 10
"""Colour of canvas cells that no layer has written yet."""


def _layer(image: Image, use: str | Image) -> tuple[np.ndarray, np.ndarray | int]:
    """Which cells of a layer count, and in which colours."""
    cells = image.cells
    if isinstance(use, Image):
        return cells > 0, int(use.cells[0, 0])
    if use.startswith("paint "):
        return cells > 0, int(use.removeprefix("paint "))
    if use == "all":
        return np.ones(cells.shape, bool), cells
    return (cells == 0 if use == "empty" else cells > 0), cells


def lay(image: Image, use: str | Image) -> Image:
    """A canvas with one layer; its other cells are open.

    Args:
        use: which cells of the image count: "all", "filled" (non-zero), "empty" (zero),
            "paint 3": the filled ones, in colour 3; or an image of one cell: the filled ones in
            its colour.
    """
    visible, colours = _layer(image, use)
    return Image(np.where(visible, colours, OPEN).astype(np.uint8))


def lay_below(canvas: Image, image: Image, use: str | Image) -> Image | None:
    """The canvas with its open cells filled from one more layer, as in `lay`."""
    if canvas.cells.shape != image.cells.shape:
        return None
    visible, colours = _layer(image, use)
    written = (canvas.cells == OPEN) & visible
    return Image(np.where(written, colours, canvas.cells).astype(np.uint8))


def close(canvas: Image, colour: int) -> Image:
    """The canvas with its open cells in one colour."""
    return Image(np.where(canvas.cells == OPEN, colour, canvas.cells).astype(np.uint8))
