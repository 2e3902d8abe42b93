"""Mosaics: larger pictures laid out of turned, mirrored, inverted or left-out copies of one."""

from __future__ import annotations

import numpy as np

from kit.induce.readings.mosaic_tiles import cell_marks, tile_of
from kit.induce.readings.turns import TURNS
from kit.induce.values import MAX_IMAGE_SIDE, Image, make_image


def mosaic(image: Image, layout: tuple[tuple[str, ...], ...], overlap: int = 0) -> Image | None:
    """Copies of a picture in rows and columns.

    Args:
        layout: a word for each tile, see `mosaic_tiles.TILES`.
        overlap: rows and columns that neighbouring tiles share.
    """
    tiles = [[tile_of(image.cells, word) for word in row] for row in layout]
    h, w = tiles[0][0].shape
    if any(tile.shape != (h, w) for row in tiles for tile in row):
        return None
    down, across = h - overlap, w - overlap
    if min(down, across) < 1:
        return None
    shape = down * len(tiles) + overlap, across * len(tiles[0]) + overlap
    if max(shape) > MAX_IMAGE_SIDE:
        return None
    cells = np.zeros(shape, np.uint8)
    for i, row in enumerate(tiles):
        for j, tile in enumerate(row):
            cells[i * down : i * down + h, j * across : j * across + w] = tile
    return make_image(cells)


def mosaic_by_cell(
    picture: Image, tile: Image, mark: str, yes: str, no: str = "blank"
) -> Image | None:
    """A copy of a tile for every cell of a picture.

    Args:
        mark: which cells are marked, see `mosaic_tiles.MARKS`.
        yes, no: words for the tiles at cells with and without the mark; besides
            `mosaic_tiles.TILES` "solid" for a tile of the cell's colour and "tinted" for one whose
            filled cells take that colour.
    """
    height, width = picture.cells.shape
    h, w = tile.cells.shape
    if max(height * h, width * w) > MAX_IMAGE_SIDE:
        return None
    marked = cell_marks(picture.cells, mark)
    cells = np.zeros((height * h, width * w), np.uint8)
    for y in range(height):
        for x in range(width):
            word = yes if marked[y, x] else no
            part = tile_of(tile.cells, word, int(picture.cells[y, x]))
            if part.shape != (h, w):
                return None
            cells[y * h : (y + 1) * h, x * w : (x + 1) * w] = part
    return make_image(cells)


def turn_image(image: Image, word: str) -> Image | None:
    """A picture turned or mirrored, see `turns.TURNS`."""
    return make_image(TURNS[word](image.cells), image.y, image.x)
