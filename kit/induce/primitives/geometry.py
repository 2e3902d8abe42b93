"""Turning, mirroring and cutting one image; its place is kept unless said otherwise."""

from __future__ import annotations

import numba
import numpy as np

from kit.induce.values import Image, make_image


@numba.njit(cache=True)
def _content_box(cells):  # type: ignore[no-untyped-def]
    """Top, bottom, left, right (exclusive ends) of the non-zero cells; all 0 without any."""
    height, width = cells.shape
    top, bottom, left, right = height, 0, width, 0
    for y in range(height):
        for x in range(width):
            if cells[y, x]:
                top, bottom = min(top, y), max(bottom, y + 1)
                left, right = min(left, x), max(right, x + 1)
    if bottom == 0:
        return 0, 0, 0, 0
    return top, bottom, left, right


@numba.njit(cache=True)
def _lean(cells):  # type: ignore[no-untyped-def]
    """On which side of the middle the content's centre of mass lies, down and to the right: its
    distance in half cells times the number of non-zero cells."""
    height, width = cells.shape
    down, right = 0, 0
    for y in range(height):
        for x in range(width):
            if cells[y, x]:
                down += 2 * y - (height - 1)
                right += 2 * x - (width - 1)
    return down, right


def _like(image: Image, cells: np.ndarray) -> Image:
    """An image at the same place."""
    return Image(np.ascontiguousarray(cells), image.y, image.x)


def rotate90(image: Image) -> Image:
    """A quarter turn counter-clockwise."""
    return _like(image, image.cells.T[::-1])


def rotate180(image: Image) -> Image:
    """A half turn."""
    return _like(image, image.cells[::-1, ::-1])


def rotate270(image: Image) -> Image:
    """A quarter turn clockwise."""
    return _like(image, image.cells.T[:, ::-1])


def flip_lr(image: Image) -> Image:
    """Left and right exchanged."""
    return _like(image, image.cells[:, ::-1])


def flip_ud(image: Image) -> Image:
    """Top and bottom exchanged."""
    return _like(image, image.cells[::-1])


def transpose(image: Image) -> Image:
    """Rows and columns exchanged."""
    return _like(image, image.cells.T)


def anti_transpose(image: Image) -> Image:
    """Mirrored about the other diagonal."""
    return _like(image, image.cells[::-1, ::-1].T)


def flip_heavy_side(image: Image) -> Image:
    """Mirrored so that the content's centre of mass comes to the upper left."""
    cells = image.cells
    down, right = _lean(cells)
    if down > 0:
        cells = cells[::-1]
    if right > 0:
        cells = cells[:, ::-1]
    return _like(image, cells)


def trim(image: Image) -> Image | None:
    """The bounding box of the non-zero cells, where it was."""
    top, bottom, left, right = _content_box(image.cells)
    if bottom == 0:
        return None
    if bottom - top == image.cells.shape[0] and right - left == image.cells.shape[1]:
        return image
    cut = np.ascontiguousarray(image.cells[top:bottom, left:right])
    return Image(cut, image.y + top, image.x + left)


def to_origin(image: Image) -> Image:
    """The same picture with its place forgotten."""
    return Image(image.cells)


def half(image: Image, side: str) -> Image | None:
    """The top, bottom, left or right half; a middle line belongs to none."""
    height, width = image.cells.shape
    if (side in ("top", "bottom") and height < 2) or (side in ("left", "right") and width < 2):
        return None
    if side == "top":
        return _like(image, image.cells[: height // 2])
    if side == "bottom":
        start = height - height // 2
        return make_image(image.cells[start:], image.y + start, image.x)
    if side == "left":
        return _like(image, image.cells[:, : width // 2])
    start = width - width // 2
    return make_image(image.cells[:, start:], image.y, image.x + start)


def drop_empty_lines(image: Image) -> Image | None:
    """Rows and columns without any non-zero cell left out."""
    filled = image.cells > 0
    kept = image.cells[filled.any(axis=1)][:, filled.any(axis=0)]
    return make_image(kept, image.y, image.x)


def collapse_repeats(image: Image) -> Image | None:
    """Rows and columns that equal the one before left out."""
    cells = image.cells
    rows = np.ones(cells.shape[0], bool)
    rows[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    cells = cells[rows]
    columns = np.ones(cells.shape[1], bool)
    columns[1:] = (cells[:, 1:] != cells[:, :-1]).any(axis=0)
    return make_image(cells[:, columns], image.y, image.x)


def centre_dot(image: Image) -> Image:
    """One cell of colour 1 in the middle of the image's box (upper left of the middle four)."""
    height, width = image.cells.shape
    y, x = image.y + (height - 1) // 2, image.x + (width - 1) // 2
    return Image(np.ones((1, 1), np.uint8), y, x)


def corner_dot(image: Image) -> Image:
    """One cell of colour 1 at the image's place."""
    return Image(np.ones((1, 1), np.uint8), image.y, image.x)


def grow_box(image: Image) -> Image | None:
    """The image with one empty line added on all four sides."""
    height, width = image.cells.shape
    cells = np.zeros((height + 2, width + 2), np.uint8)
    cells[1:-1, 1:-1] = image.cells
    return make_image(cells, image.y - 1, image.x - 1)


def shrink_box(image: Image) -> Image | None:
    """The image without its outermost line on all four sides."""
    if min(image.cells.shape) < 3:
        return None
    return make_image(image.cells[1:-1, 1:-1], image.y + 1, image.x + 1)
