"""Colour roles: colours renamed by what they do in one grid, so that "the rare colour" has a name.

Source of the idea: the colour normalisation of J. Wind's solver of 2020.
"""

from __future__ import annotations

import numpy as np

from kit.arc.grid import NUM_COLOURS
from kit.induce.values import Image


def role_colours(image: Image, kept: tuple[int, ...], order: str) -> tuple[int, ...]:
    """The permutation that names a grid's colours by their rank.

    Args:
        kept: colours that keep their names.
        order: "most" or "least": frequent colours first; "first": in reading order.
    Returns:
        What each of the 10 colours becomes.
    """
    cells = image.cells
    counts = np.bincount(cells.ravel(), minlength=NUM_COLOURS)
    present = [c for c in range(NUM_COLOURS) if c not in kept and counts[c]]
    if order == "first":
        flat = cells.ravel()
        present.sort(key=lambda c: int(np.argmax(flat == c)))
    else:
        sign = -1 if order == "most" else 1
        present.sort(key=lambda c: (sign * int(counts[c]), c))
    absent = [c for c in range(NUM_COLOURS) if c not in kept and not counts[c]]
    names = [c for c in range(NUM_COLOURS) if c not in kept]
    renamed = list(range(NUM_COLOURS))
    for colour, name in zip(present + absent, names, strict=True):
        renamed[colour] = name
    return tuple(renamed)


def to_roles(image: Image, kept: tuple[int, ...], order: str) -> Image:
    """The image with its colours named by their rank in it, see `role_colours`."""
    table = np.array(role_colours(image, kept, order), np.uint8)
    return Image(table[image.cells], image.y, image.x)


def from_roles(image: Image, source: Image, kept: tuple[int, ...], order: str) -> Image:
    """The image with the colours that `to_roles(source, kept, order)` has renamed put back."""
    table = np.argsort(np.array(role_colours(source, kept, order))).astype(np.uint8)
    return Image(table[image.cells], image.y, image.x)
