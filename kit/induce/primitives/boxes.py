"""Areas that go with objects, painted: holes, rings, corners, strips to the edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.induce.things.object_parts import part_of
from kit.induce.things.object_tables import colour_for, decide
from kit.induce.things.properties import scene
from kit.induce.values import Image


def paint_parts(
    canvas: Image,
    source: Image,
    segmentation: str,
    part: str,
    free_only: bool,
    names: tuple[str, ...],
    table: Mapping[Any, int | str],
    otherwise: int | str | None = None,
) -> Image | None:
    """Paint an area of each object with the colour that the object's properties call for.

    Args:
        canvas: that is painted on, as large as `source`.
        source: whose objects are looked at.
        segmentation: one of `objects.SEGMENTATIONS`.
        part: area, one of `object_parts.PARTS` or `STRIPS`.
        free_only: whether only the background of `source` is painted.
        names, table, otherwise: as for `recolour_objects`.
    """
    if canvas.cells.shape != source.cells.shape:
        return None
    here = scene(source.cells, segmentation)
    actions = decide(here, names, table, otherwise)
    if not actions:
        return None
    cells, free = canvas.cells.copy(), source.cells == here.background
    for index, (thing, action) in enumerate(zip(here.things, actions, strict=True)):
        if action == "keep":
            continue
        area = part_of(thing, part, (cells.shape[0], cells.shape[1]))
        area = area & free if free_only else area
        colour = colour_for(here, index, action)
        if colour is not None:
            cells[area] = colour
        elif area.any():
            return None
    return Image(cells, canvas.y, canvas.x)
