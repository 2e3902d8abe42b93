"""All features by which a region may be chosen, and what naming each costs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np

from kit.induce.areas import box_features
from kit.induce.areas.box_features import BOX_FEATURES, Boxes
from kit.induce.things.objects import Thing
from kit.induce.things.properties import property_bits

OBJECT_NUMBERS = (
    "size", "holes", "hole_cells", "colour_count", "missing_cells", "touch_count", "held_count",
    "foreign_cells", "shape_twins", "free_twins", "size_twins", "colour_twins",
    "cells_of_colour", "row_mates", "column_mates", "nearest_distance",
)  # fmt: skip
"""Properties of objects (see `properties`) that have an order."""

OBJECT_KINDS = (
    "colour", "minor_colour", "is_full", "is_full_square", "line_kind", "orientation",
    "is_left_right", "is_up_down", "is_diagonal", "is_symmetric", "shape", "free_shape",
    "touches_border", "border_sides", "is_inside", "container_colour", "foreign_colour",
    "touched_colour",
    "nearest_other_colour", "half_down", "half_across",
)  # fmt: skip
"""Properties of objects without an order."""

OWN_NUMBERS: Mapping[str, Callable[[Thing], float]] = {
    "solidity": lambda t: round(t.size / t.mask.size, 4),
}
"""Other features of an object that have an order."""

FEATURE_BITS = {
    "box_row": 4.0, "box_column": 4.0, "box_off_centre": 4.0, "box_ring_filled": 4.0,
    "box_second_scarcest": 4.0, "box_parts_cut": 4.0, "box_height": 3.0, "box_width": 3.0,
    "box_longer_side": 3.0, "box_edge_colours": 3.5, "box_inner_filled": 3.0,
    "box_at_border": 3.0, "box_least_colour": 3.0, "box_diagonal": 3.5, "box_empty": 3.0,
    "box_density": 3.0, "box_picture": 3.0, "box_mask": 3.0, "size": 1.0, "colour": 1.5,
}  # fmt: skip
"""What a feature costs, where it is not USUAL_BITS."""

USUAL_BITS = 2.0
CELLS_OF_BITS = 4.0
"""Cost of counting one given colour."""


def ordered(name: str) -> bool:
    """Whether a feature's values may be compared."""
    return name in box_features.NUMBERS or name in OWN_NUMBERS or name in OBJECT_NUMBERS


def feature_bits(name: str) -> float:
    """What it costs to name a feature."""
    if name.startswith("box_cells_of_"):
        return CELLS_OF_BITS
    if name in FEATURE_BITS or name in BOX_FEATURES or name in OWN_NUMBERS:
        return FEATURE_BITS.get(name, USUAL_BITS)
    return property_bits(name)


def names_for(boxes_only: bool) -> tuple[str, ...]:
    """Features of regions that are whole boxes, or of objects."""
    own = () if boxes_only else (*OBJECT_NUMBERS, *OWN_NUMBERS, *OBJECT_KINDS)
    return (*own, *BOX_FEATURES)


def column(boxes: Boxes, name: str) -> list[Hashable]:
    """A feature of every region, as ints, floats, bools, texts, bytes or tuples of them.

    Raises:
        KeyError: no such feature.
    """
    if name in BOX_FEATURES:
        values: Sequence[Hashable] | np.ndarray = BOX_FEATURES[name](boxes)
    elif name in OWN_NUMBERS:
        values = [OWN_NUMBERS[name](thing) for thing in boxes.things]
    else:
        values = boxes.scene.column(name)
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
