"""Numbers as pictures: counts and sizes drawn as filled blocks."""

from __future__ import annotations

import numpy as np

from kit.induce.things.objects import label_components
from kit.induce.values import MAX_IMAGE_SIDE, Image, make_image


def count_cells(image: Image) -> int:
    """How many cells are not empty."""
    return int(np.count_nonzero(image.cells))


def count_colours(image: Image) -> int:
    """How many different non-zero colours there are."""
    return int(np.count_nonzero(np.bincount(image.cells.ravel(), minlength=10)[1:]))


def count_parts(image: Image) -> int:
    """How many components of equal colour there are, corners connecting."""
    return int(label_components(image.cells, True, True, 0)[1])


def draw_count(count: int, shape: str) -> Image | None:
    """A filled block of colour 1 that shows a number.

    Args:
        shape: "square" (n x n), "row" (1 x n) or "column" (n x 1).
    """
    if not 0 < count <= MAX_IMAGE_SIDE:
        return None
    height, width = {"square": (count, count), "row": (1, count), "column": (count, 1)}[shape]
    return Image(np.ones((height, width), np.uint8))


_COUNTS = {"cells": count_cells, "colours": count_colours, "parts": count_parts}


def show_count(image: Image, what: str, shape: str) -> Image | None:
    """A count of the image as a filled block, see `draw_count`.

    Args:
        what: "cells", "colours" or "parts".
    """
    return draw_count(_COUNTS[what](image), shape)


def resized(image: Image, factors: tuple[int, int], offsets: tuple[int, int]) -> Image | None:
    """An empty image whose sides are the given image's times a factor plus an offset.

    Args:
        factors, offsets: of height and width.
    """
    height = image.cells.shape[0] * factors[0] + offsets[0]
    width = image.cells.shape[1] * factors[1] + offsets[1]
    if not (0 < height <= MAX_IMAGE_SIDE and 0 < width <= MAX_IMAGE_SIDE):
        return None
    return make_image(np.zeros((height, width), np.uint8))


def empty(height: int, width: int) -> Image | None:
    """An empty image of that size."""
    if not (0 < height <= MAX_IMAGE_SIDE and 0 < width <= MAX_IMAGE_SIDE):
        return None
    return make_image(np.zeros((height, width), np.uint8))


def picture(rows: str) -> Image:
    """The image that a text spells: digits, rows separated by `/`, e.g. "010/111"."""
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))
