"""Fitting an image to the size of another one, the frame."""

from __future__ import annotations

import numpy as np

from kit.induce.values import Image, make_image


def embed(image: Image, frame: Image) -> Image | None:
    """The image laid onto an empty canvas of the frame's size, at its place; undefined where
    nothing of it falls inside."""
    height, width = frame.cells.shape
    own_height, own_width = image.cells.shape
    y, x = image.y - frame.y, image.x - frame.x
    top, left = max(0, y), max(0, x)
    bottom, right = min(height, y + own_height), min(width, x + own_width)
    if bottom <= top or right <= left:
        return None
    cells = np.zeros((height, width), np.uint8)
    cells[top:bottom, left:right] = image.cells[top - y : bottom - y, left - x : right - x]
    return Image(cells, frame.y, frame.x)


def stretch(image: Image, frame: Image) -> Image:
    """Every cell repeated, or left out, so that the image fills the frame's size."""
    height, width = frame.cells.shape
    own_height, own_width = image.cells.shape
    rows = np.arange(height) * own_height // height
    columns = np.arange(width) * own_width // width
    return Image(np.ascontiguousarray(image.cells[rows][:, columns]))


def tile(image: Image, frame: Image, gap: int) -> Image:
    """The image repeated from the upper left over the frame's size.

    Args:
        gap: empty lines between the copies.
    """
    height, width = frame.cells.shape
    padded = image.cells
    if gap:
        own_height, own_width = padded.shape
        padded = np.zeros((own_height + gap, own_width + gap), np.uint8)
        padded[:own_height, :own_width] = image.cells
    rows = np.arange(height) % padded.shape[0]
    columns = np.arange(width) % padded.shape[1]
    return Image(np.ascontiguousarray(padded[rows][:, columns]))


def mirror_tile(image: Image, frame: Image, gap: int) -> Image:
    """Like `tile` with every second copy mirrored, so that equal edges meet."""
    height, width = image.cells.shape
    whole = np.zeros((2 * (height + gap), 2 * (width + gap)), np.uint8)
    whole[:height, :width] = image.cells
    whole[:height, width + gap : 2 * width + gap] = image.cells[:, ::-1]
    whole[height + gap : 2 * height + gap] = whole[height - 1 :: -1][:height]
    return tile(Image(whole), frame, 0)


def wrap_line(image: Image, frame: Image) -> Image | None:
    """The non-zero cells in reading order, written row by row into the frame's size."""
    colours = image.cells[image.cells > 0]
    height, width = frame.cells.shape
    if not 0 < colours.size <= height * width:
        return None
    cells = np.zeros(height * width, np.uint8)
    cells[: colours.size] = colours
    return make_image(cells.reshape(height, width))


def place_centre(image: Image, frame: Image) -> Image | None:
    """The image in the middle of an empty canvas of the frame's size."""
    height, width = frame.cells.shape
    own_height, own_width = image.cells.shape
    if own_height > height or own_width > width:
        return None
    y, x = (height - own_height) // 2, (width - own_width) // 2
    cells = np.zeros((height, width), np.uint8)
    cells[y : y + own_height, x : x + own_width] = image.cells
    return Image(cells, frame.y, frame.x)


def complement(image: Image, frame: Image) -> Image | None:
    """The frame's cells that the image's content, at its place, does not cover."""
    covered = embed(image, frame)
    if covered is None:
        return None
    cells = np.where(covered.cells > 0, 0, frame.cells).astype(np.uint8)
    return Image(cells, frame.y, frame.x)
