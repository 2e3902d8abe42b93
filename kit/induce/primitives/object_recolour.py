"""What is done to the cells of objects: painted, erased, each by a table of its properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kit.induce.things.object_tables import colour_for, decide
from kit.induce.things.properties import scene
from kit.induce.values import Image


def recolour_objects(
    image: Image,
    segmentation: str,
    names: tuple[str, ...],
    table: Mapping[Any, int | str],
    otherwise: int | str | None = None,
) -> Image | None:
    """Paint each object with the colour that its properties call for.

    Args:
        segmentation: one of `objects.SEGMENTATIONS`.
        names: properties that decide.
        table: their values -> colour, property that is a colour, `background`, or `keep`.
        otherwise: for other values; None makes the picture undefined.
    """
    here = scene(image.cells, segmentation)
    actions = decide(here, names, table, otherwise)
    if not actions:
        return None
    cells = image.cells.copy()
    for index, (thing, source) in enumerate(zip(here.things, actions, strict=True)):
        if source == "keep":
            continue
        colour = colour_for(here, index, source)
        if colour is None:
            return None
        place = cells[thing.y : thing.y + thing.height, thing.x : thing.x + thing.width]
        place[thing.mask] = colour
    return Image(np.ascontiguousarray(cells), image.y, image.x)
