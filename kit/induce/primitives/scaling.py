"""Pictures made larger or smaller by whole factors, or repeated with gaps and by number."""

from __future__ import annotations

import numpy as np

from kit.induce.things.objects import background_colour
from kit.induce.values import MAX_IMAGE_SIDE, Image, make_image


def enlarge(image: Image, down: int, across: int) -> Image | None:
    """Every cell as a block of that many rows and columns."""
    height, width = image.cells.shape
    if not (0 < height * down <= MAX_IMAGE_SIDE and 0 < width * across <= MAX_IMAGE_SIDE):
        return None
    return make_image(image.cells.repeat(down, axis=0).repeat(across, axis=1))


def reduce_blocks(image: Image, down: int, across: int, rule: str) -> Image | None:
    """One cell for every block of that many rows and columns.

    Args:
        rule: "uniform" (undefined where a block is not), "majority", "filled" (most frequent
            colour but the background), "full" (the background unless all cells are filled) or
            "corner" (upper left).
    """
    height, width = image.cells.shape
    if down < 1 or across < 1 or height % down or width % across:
        return None
    blocks = image.cells.reshape(height // down, down, width // across, across).swapaxes(1, 2)
    blocks = blocks.reshape(height // down, width // across, down * across)
    background = background_colour(image.cells)
    if rule == "corner":
        return make_image(blocks[..., 0])
    if rule == "uniform":
        uniform = (blocks == blocks[..., :1]).all()
        return make_image(blocks[..., 0]) if uniform else None
    counts = (blocks[..., None] == np.arange(10)).sum(axis=2)
    if rule == "majority":
        return make_image(counts.argmax(axis=2))
    empty = counts[..., background].copy()
    counts[..., background] = 0
    main = np.where(counts.any(axis=2), counts.argmax(axis=2), background)
    return make_image(np.where(empty > 0, background, main) if rule == "full" else main)


def repeat_image(image: Image, down: int, across: int) -> Image | None:
    """Copies of a picture in rows and columns."""
    height, width = image.cells.shape
    if not (0 < height * down <= MAX_IMAGE_SIDE and 0 < width * across <= MAX_IMAGE_SIDE):
        return None
    return make_image(np.tile(image.cells, (down, across)))


def repeat_some(image: Image, count: int, down: int, across: int) -> Image | None:
    """The first places of a layout taken by copies of a picture, the others left empty.

    Args:
        count: of copies, in reading order.
        down, across: rows and columns of the layout.
    """
    whole = repeat_image(image, down, across)
    if whole is None or not 0 < count <= down * across:
        return None
    height, width = image.cells.shape
    cells = whole.cells.copy()
    for index in range(count, down * across):
        y, x = index // across * height, index % across * width
        cells[y : y + height, x : x + width] = background_colour(image.cells)
    return make_image(cells)


def repeat_with_gaps(
    image: Image, down: int, across: int, gap: int, colour: int, border: bool = False
) -> Image | None:
    """Copies of a picture with lines of a colour between them.

    Args:
        gap: width of the lines.
        border: whether the lines go around the whole as well.
    """
    height, width = image.cells.shape
    rim = gap if border else 0
    shape = (height + gap) * down - gap + 2 * rim, (width + gap) * across - gap + 2 * rim
    if not (0 < shape[0] <= MAX_IMAGE_SIDE and 0 < shape[1] <= MAX_IMAGE_SIDE):
        return None
    cells = np.full(shape, colour, np.uint8)
    for y in range(rim, shape[0] - rim, height + gap):
        for x in range(rim, shape[1] - rim, width + gap):
            cells[y : y + height, x : x + width] = image.cells
    return make_image(cells)


def repeat_to_size(image: Image, height: int, width: int) -> Image | None:
    """Copies of a picture from the upper left, cut off at a size."""
    if not (0 < height <= MAX_IMAGE_SIDE and 0 < width <= MAX_IMAGE_SIDE):
        return None
    h, w = image.cells.shape
    return make_image(np.tile(image.cells, (-(-height // h), -(-width // w)))[:height, :width])


def pad_by_edge(image: Image, width: int, corners: bool = True) -> Image | None:
    """A picture with its outermost cells repeated outwards.

    Args:
        width: rows and columns added on each side.
        corners: whether corners are repeated too; they stay 0 otherwise.
    """
    cells = np.pad(image.cells, width, mode="edge")
    if not corners:
        cells[:width, :width] = cells[:width, -width:] = 0
        cells[-width:, :width] = cells[-width:, -width:] = 0
    return make_image(cells, image.y - width, image.x - width)


def block_side(image: Image) -> int:
    """The largest factor by which a picture is a smaller one enlarged."""
    height, width = image.cells.shape
    for side in range(min(height, width), 1, -1):
        if reduce_blocks(image, side, side, "uniform") is not None:
            return side
    return 1


def side_of(image: Image, which: str, factor: int = 1) -> int:
    """The "height" or "width" of a picture, or a multiple of it."""
    return factor * image.cells.shape[0 if which == "height" else 1]


def count_background(image: Image) -> int:
    """How many cells have the background's colour."""
    return int((image.cells == background_colour(image.cells)).sum())
