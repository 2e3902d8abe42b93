"""Objects that are completed to symmetric ones."""

from __future__ import annotations

import numpy as np

from kit.induce.things.objects import background_colour, segment
from kit.induce.things.symmetry_centres import best_centre, images_of
from kit.induce.values import Image

_MOST_CELLS = 250


def symmetrise_objects(image: Image, segmentation: str, symmetry: str, anchor: str) -> Image | None:
    """Add to each object its mirror images or turned copies, on free cells inside the grid.

    Args:
        segmentation: one of `objects.SEGMENTATIONS`, or `whole` for all cells as one object.
        symmetry: key of `symmetry_centres.IMAGES`.
        anchor: what lies in the centre: `best` (as much as possible is symmetric already), `box`,
            a side `top`, `bottom`, `left`, `right` of the box, or a colour `0`..`9` of the object;
            objects without that colour stay as they are.
    """
    background = background_colour(image.cells)
    cells, shape = image.cells.copy(), (image.cells.shape[0], image.cells.shape[1])
    for ys, xs in _cell_sets(image.cells, segmentation, background):
        if len(ys) > _MOST_CELLS:
            return None
        colours = image.cells[ys, xs].astype(int)
        centre = _centre(ys, xs, colours, symmetry, anchor, shape)
        images = None if centre is None else images_of(ys, xs, centre, symmetry)
        for new_y, new_x in images or ():
            inside = (new_y >= 0) & (new_x >= 0) & (new_y < shape[0]) & (new_x < shape[1])
            new_y, new_x, new = new_y[inside], new_x[inside], colours[inside]
            free = cells[new_y, new_x] == background
            cells[new_y[free], new_x[free]] = new[free]
    return Image(cells, image.y, image.x)


def _cell_sets(
    cells: np.ndarray, segmentation: str, background: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of the cells of each object."""
    if segmentation == "whole":
        ys, xs = np.nonzero(cells != background)
        return [(ys, xs)] if len(ys) else []
    found = []
    for thing in segment(cells, segmentation, background):
        ys, xs = np.nonzero(thing.mask)
        found.append((ys + thing.y, xs + thing.x))
    return found


def _centre(
    ys: np.ndarray,
    xs: np.ndarray,
    colours: np.ndarray,
    symmetry: str,
    anchor: str,
    shape: tuple[int, int],
) -> tuple[int, int] | None:
    """The centre of an object, in half cells."""
    if anchor == "best":
        return best_centre(ys, xs, colours, symmetry, shape)
    if anchor.isdigit():
        core = colours == int(anchor)
        if not core.any():
            return None
        ys, xs = ys[core], xs[core]
    top, bottom, left, right = (int(v) for v in (ys.min(), ys.max(), xs.min(), xs.max()))
    middle_y, middle_x = top + bottom, left + right
    return {
        "top": (2 * top - 1, middle_x),
        "bottom": (2 * bottom + 1, middle_x),
        "left": (middle_y, 2 * left - 1),
        "right": (middle_y, 2 * right + 1),
    }.get(anchor, (middle_y, middle_x))
