"""Completing pictures that are symmetric or periodic but for covered, missing or wrong cells."""

from __future__ import annotations

import numpy as np

from kit.induce.readings.regularity import (
    draw_lattice,
    fill_by_symmetries,
    find_lattice,
    find_symmetry,
    lattice_colours,
)
from kit.induce.values import MAX_IMAGE_SIDE, Image, make_image


def complete_symmetry(
    image: Image, hole: int, kinds: tuple[str, ...], anywhere: bool = False
) -> Image | None:
    """Holes filled with what the picture shows at their images under symmetries.

    Axes and centres are found in each picture: without contradiction, best supported.

    Args:
        hole: colour of the cells to fill; those without a known image stay holes.
        kinds: of `regularity.KINDS`.
        anywhere: whether axes may lie outside the middle half of the picture.
    """
    known = image.cells != hole
    found = []
    for kind in kinds:
        shift = find_symmetry(image.cells, known, kind, anywhere)
        if shift is None:
            return None
        found.append((kind, shift))
    cells, _ = fill_by_symmetries(image.cells, known, tuple(found))
    return make_image(cells, image.y, image.x)


def complete_lattice(image: Image, hole: int, slanted: bool = True) -> Image | None:
    """Holes filled by continuing the smallest pattern that repeats.

    Args:
        hole: colour of the cells to fill.
        slanted: whether repetitions may be shifted from row to row.
    """
    height, width = image.cells.shape
    return extend_lattice(image, hole, height, width, slanted)


def extend_lattice(
    image: Image, hole: int, height: int, width: int, slanted: bool = True
) -> Image | None:
    """The smallest pattern that repeats, continued over a picture of another size.

    Args:
        hole: colour of cells that are not part of the pattern; -1 for none.
    """
    if max(height, width) > MAX_IMAGE_SIDE:
        return None
    known = image.cells != hole
    lattice = find_lattice(image.cells, known, slanted)
    if lattice is None:
        return None
    colours = lattice_colours(image.cells, known, lattice)
    cells = draw_lattice(colours, lattice[2], height, width)
    return None if (cells < 0).any() else make_image(cells, image.y, image.x)


def restore_lattice(image: Image, percent: int) -> Image | None:
    """Every cell as most cells of its class in the smallest pattern that nearly repeats.

    Args:
        percent: of the cells that may deviate from the pattern.
    """
    known = np.ones(image.cells.shape, bool)
    allowed = image.cells.size * percent // 100
    lattice = find_lattice(image.cells, known, False, allowed)
    if lattice is None:
        return None
    colours = lattice_colours(image.cells, known, lattice)
    return make_image(draw_lattice(colours, lattice[2], *image.cells.shape), image.y, image.x)


def unit_tile(image: Image, hole: int = -1) -> Image | None:
    """The smallest upright tile whose repetition is the picture.

    Args:
        hole: colour of cells that do not count; -1 for none.
    """
    known = image.cells != hole
    lattice = find_lattice(image.cells, known, False)
    if lattice is None:
        return None
    colours = lattice_colours(image.cells, known, lattice)
    return None if (colours < 0).any() else make_image(colours, image.y, image.x)


def window_of_colour(image: Image, marks: Image, colour: int) -> Image | None:
    """What a picture shows where another one of the same size has (a box around) a colour."""
    if image.cells.shape != marks.cells.shape:
        return None
    ys, xs = np.nonzero(marks.cells == colour)
    if not len(ys):
        return None
    window = image.cells[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return make_image(window, image.y + int(ys.min()), image.x + int(xs.min()))


def continue_part(image: Image, part: Image, across: bool, down: bool) -> Image | None:
    """A picture filled with a part of it, repeated from where it is in all directions.

    Args:
        across, down: whether the part is repeated along rows and along columns; elsewhere the
            picture stays as it is.
    """
    height, width = image.cells.shape
    h, w = part.cells.shape
    y = np.arange(height) - (part.y - image.y)
    x = np.arange(width) - (part.x - image.x)
    rows = np.ones(height, bool) if down else (y >= 0) & (y < h)
    columns = np.ones(width, bool) if across else (x >= 0) & (x < w)
    cells = image.cells.copy()
    cells[np.ix_(rows, columns)] = part.cells[np.ix_(y[rows] % h, x[columns] % w)]
    return make_image(cells, image.y, image.x)
