"""Rules that give every cell a colour by what is true of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kit.induce.cells.catalogue import feature_plane
from kit.induce.cells.scene import NO_COLOUR
from kit.induce.values import Image

KEEP = "own.colour"
"""The value in a table that leaves a cell as it is."""


def apply_cell_rule(
    image: Image,
    features: tuple[str, ...],
    table: Mapping[tuple[int, ...] | None, int | str],
) -> Image | None:
    """Every cell recoloured by the values of its features.

    Args:
        features: names of `kit.induce.cells.catalogue`.
        table: values of the features -> a colour, or the name of a colour feature that is copied;
            the key None is for values that are not in the table.
    Returns:
        None where a feature is undefined, a value is not in the table, or no colour is there to
        be copied.
    """
    planes = [feature_plane(image.cells, name) for name in features]
    if any(plane is None for plane in planes):
        return None
    keys, where = _distinct(planes)
    out = np.full(where.shape, NO_COLOUR, np.int32)
    for index, key in enumerate(keys):
        value = table.get(key, table.get(None))
        if value is None:
            return None
        source = feature_plane(image.cells, value) if isinstance(value, str) else value
        if source is None:
            return None
        here = where == index
        out[here] = source[here] if isinstance(source, np.ndarray) else source
    if (out >= NO_COLOUR).any():
        return None
    return Image(out.astype(np.uint8), image.y, image.x)


def _distinct(planes: list[np.ndarray]) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """The joint values that occur, and for every cell the index of its own."""
    codes = np.zeros(planes[0].shape, np.int64)
    for plane in planes:
        values, inverse = np.unique(plane, return_inverse=True)
        codes = codes * len(values) + inverse.reshape(plane.shape)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    keys = [tuple(int(p.ravel()[i]) for p in planes) for i in first]
    return keys, inverse.reshape(codes.shape)
