"""Painting areas that belong to chosen regions, on the grid itself."""

from __future__ import annotations

import numpy as np

from kit.induce.areas.region_areas import area_colour, region_area
from kit.induce.primitives.selection import Selection
from kit.induce.values import Image


def paint_regions(image: Image, selection: Selection, area: str, colour: int | str) -> Image:
    """The grid with an area of every kept region in one colour.

    Args:
        area: one of AREAS (kit.induce.areas.region_areas).
        colour: or one of the words of COLOUR_WORDS there, for a colour of the region.
    """
    cells = image.cells.copy()
    for index in selection.kept:
        mask = region_area(selection.boxes, index, area)
        cells[mask] = area_colour(selection.boxes, index, colour)
    return Image(cells, image.y, image.x)


def paint_other_regions(image: Image, selection: Selection, area: str, colour: int | str) -> Image:
    """Like `paint_regions` for the regions that are not kept."""
    kept = set(selection.kept)
    others = tuple(i for i in range(len(selection.boxes.things)) if i not in kept)
    return paint_regions(image, Selection(selection.boxes, others), area, colour)


def paint_outside(image: Image, selection: Selection, area: str, colour: int) -> Image:
    """The grid in one colour but for an area of every kept region."""
    inside = np.zeros(image.cells.shape, bool)
    for index in selection.kept:
        inside |= region_area(selection.boxes, index, area)
    cells = np.where(inside, image.cells, colour).astype(np.uint8)
    return Image(cells, image.y, image.x)


def lay_changes(image: Image, changed: Image, original: Image) -> Image | None:
    """The image with those cells of `changed` that are not as in `original`; undefined where the
    three differ in size."""
    if not image.cells.shape == changed.cells.shape == original.cells.shape:
        return None
    different = changed.cells != original.cells
    return Image(np.where(different, changed.cells, image.cells), image.y, image.x)
