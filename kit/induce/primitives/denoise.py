"""Noise taken away: small objects, stray cells, spoilt rectangles."""

from __future__ import annotations

import numpy as np

from kit.induce.things.objects import background_colour, label_components
from kit.induce.values import Image


def remove_small_objects(image: Image, diagonal: bool, one_colour: bool, most: int) -> Image | None:
    """Objects of at most that many cells turned into background.

    Args:
        diagonal: whether corners connect.
        one_colour: whether only equal colours connect.
    """
    background = background_colour(image.cells)
    labels, count = label_components(image.cells, diagonal, one_colour, background)
    small = np.bincount(labels.ravel(), minlength=count + 1) <= most
    small[0] = False
    if not small.any():
        return None
    return _painted(image, small[labels], background)


def melt_small_areas(image: Image, most: int) -> Image | None:
    """Areas of one colour (background counts) of at most that many cells take the colour around.

    The colour around is the most frequent one beside the area; all areas change at once.
    """
    labels, count = label_components(image.cells, False, True, -1)
    small = np.bincount(labels.ravel(), minlength=count + 1) <= most
    small[0] = False
    votes = np.zeros((count + 1, 10), np.int64)
    height, width = image.cells.shape
    padded = np.pad(labels, 1)
    colours = np.pad(image.cells, 1)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        part = np.s_[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        voters = (padded[part] != labels) & (padded[part] > 0) & ~small[padded[part]]
        np.add.at(votes, (labels[voters], colours[part][voters]), 1)
    small &= votes.max(1) > 0
    if not small.any():
        return None
    cells = np.where(small[labels], votes.argmax(1)[labels], image.cells)
    return Image(cells.astype(np.uint8), image.y, image.x)


def keep_squares(image: Image, side: int, one_colour: bool) -> Image | None:
    """Only cells that lie in a filled square of that side; the rest turned into background.

    Args:
        one_colour: whether the square must be of one colour.
    """
    cells = image.cells
    if side > min(cells.shape):
        return None
    background = background_colour(cells)
    windows = np.lib.stride_tricks.sliding_window_view(cells, (side, side))
    solid = (windows != background).all((2, 3))
    if one_colour:
        solid &= (windows == windows[:, :, :1, :1]).all((2, 3))
    covered = np.zeros(cells.shape, bool)
    height, width = solid.shape
    for dy in range(side):
        for dx in range(side):
            covered[dy : dy + height, dx : dx + width] |= solid
    return _painted(image, ~covered, background)


def smooth_majority(image: Image, times: int, outvote: int) -> Image | None:
    """Cells take the colour of at least `outvote` of their eight neighbours, several times."""
    cells = image.cells.astype(np.int64)
    height, width = cells.shape
    for _ in range(times):
        padded = np.pad(cells, 1, constant_values=10)
        votes = np.zeros((11, height, width), np.int64)
        y, x = np.indices(cells.shape)
        for dy in range(3):
            for dx in range(3):
                if (dy, dx) != (1, 1):
                    votes[padded[dy : dy + height, dx : dx + width], y, x] += 1
        best = votes[:10].argmax(0)
        cells = np.where(votes[:10].max(0) >= outvote, best, cells)
    return Image(cells.astype(np.uint8), image.y, image.x)


def fill_boxes_with_majority(image: Image, diagonal: bool, least: int) -> Image | None:
    """The bounding box of every object of at least that many cells filled with its main colour.

    Objects are connected cells of any colour but the background; smaller ones are taken away.
    """
    background = background_colour(image.cells)
    labels, count = label_components(image.cells, diagonal, False, background)
    cells = np.full(image.cells.shape, background, np.uint8)
    for label in range(1, count + 1):
        mask = labels == label
        if mask.sum() < least:
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        cells[box] = np.bincount(image.cells[mask]).argmax()
    return Image(cells, image.y, image.x)


def keep_largest_object(image: Image, diagonal: bool, one_colour: bool) -> Image | None:
    """Only the object with the most cells; None where two share the first place."""
    background = background_colour(image.cells)
    labels, count = label_components(image.cells, diagonal, one_colour, background)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    if not count or (sizes == sizes.max()).sum() > 1:
        return None
    return _painted(image, labels != int(sizes.argmax()) + 1, background)


def remove_colour_noise(image: Image, colour: int) -> Image | None:
    """Cells of a colour take the most frequent other colour among their neighbours.

    Cells deep in the noise wait until a neighbour has a colour; neighbours are the eight around.
    """
    cells = image.cells.astype(np.int64)
    height, width = cells.shape
    if not (cells == colour).any() or (cells == colour).all():
        return None
    y, x = np.indices(cells.shape)
    while (cells == colour).any():
        padded = np.pad(cells, 1, constant_values=10)
        votes = np.zeros((11, height, width), np.int64)
        for dy in range(3):
            for dx in range(3):
                votes[padded[dy : dy + height, dx : dx + width], y, x] += 1
        votes[colour] = 0
        votes[10] = 0
        known = (cells == colour) & (votes.max(0) > 0)
        cells = np.where(known, votes.argmax(0), cells)
    return Image(cells.astype(np.uint8), image.y, image.x)


def _painted(image: Image, mask: np.ndarray, colour: int) -> Image:
    """The image with one colour where the mask is set."""
    return Image(np.where(mask, colour, image.cells).astype(np.uint8), image.y, image.x)
