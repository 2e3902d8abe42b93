"""Objects that move, each as its properties say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.induce.things.motions import moved_cells, offsets
from kit.induce.things.object_tables import decide
from kit.induce.things.properties import scene
from kit.induce.values import Image


def move_objects(
    image: Image,
    segmentation: str,
    leave: bool,
    names: tuple[str, ...],
    table: Mapping[Any, str],
    otherwise: str | None = None,
) -> Image | None:
    """Move each object by the motion word that its properties call for.

    Args:
        segmentation: one of `objects.SEGMENTATIONS`.
        leave: whether objects stay where they were too.
        names: properties that decide.
        table: their values -> word of `motions`.
        otherwise: word for other values; None makes the picture undefined.
    """
    here = scene(image.cells, segmentation)
    words = decide(here, names, table, otherwise)
    if not words:
        return None
    cells, shape = image.cells.copy(), (image.cells.shape[0], image.cells.shape[1])
    if not leave:
        cells[here.around.owner >= 0] = here.background
    moved = offsets(here, words)
    for still in (True, False):
        for thing, offset in zip(here.things, moved, strict=True):
            if offset is not None and (offset == (0, 0)) == still:
                ys, xs, colours = moved_cells(thing, offset, shape)
                cells[ys, xs] = colours
    return Image(cells, image.y, image.x)
