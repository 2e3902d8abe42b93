"""Local rules applied again and again, until the picture stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kit.induce.cells.catalogue import feature_plane
from kit.induce.cells.scene import NO_COLOUR
from kit.induce.values import Image

MOST_STEPS = 120
"""Steps after which a rule that does not come to rest is undefined."""


def repeat_cell_rule(
    image: Image, features: tuple[str, ...], table: Mapping[tuple[int, ...], int | str]
) -> Image | None:
    """Cells recoloured by the values of their features, all at once, until nothing changes.

    Args:
        features: names of `kit.induce.cells.catalogue`, read from the picture as it is now.
        table: values of the features -> a colour, or the name of a colour feature that is copied;
            cells with other values stay.
    """
    cells = image.cells
    for _ in range(MOST_STEPS):
        after = _step(cells, features, table)
        if after is None:
            return None
        if np.array_equal(after, cells):
            return Image(cells, image.y, image.x)
        cells = after
    return None


def _step(
    cells: np.ndarray, features: tuple[str, ...], table: Mapping[tuple[int, ...], int | str]
) -> np.ndarray | None:
    """The picture after one step."""
    planes = [feature_plane(cells, name) for name in features]
    if any(plane is None for plane in planes):
        return None
    out = cells.copy()
    for key, value in table.items():
        here = np.logical_and.reduce([p == k for p, k in zip(planes, key, strict=True)])
        if not here.any():
            continue
        source = feature_plane(cells, value)[here] if isinstance(value, str) else value
        if np.max(source) >= NO_COLOUR:
            return None
        out[here] = source
    return out
