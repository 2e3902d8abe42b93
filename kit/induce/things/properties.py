"""The words in which programs tell objects apart: about 70 properties and relations by name.

    here = scene(cells, "colour4")
    for index, thing in enumerate(here.things):
        here.value("is_largest", index)

What it does: names, values (ints, bools, texts, bytes or tuples, all hashable), what a name costs.
What it does not: choose among them (the families do), or look at more than one grid.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np

from kit.induce.things import property_relations as relations
from kit.induce.things import property_shapes as shapes
from kit.induce.things.objects import Thing, background_colour, segment
from kit.induce.things.property_relations import Surroundings


@dataclass(frozen=True)
class Scene:
    """All objects of one grid under one segmentation.

    Attributes:
        around: the grid, its background, the objects.
        segmentation: one of `objects.SEGMENTATIONS`.
    """

    around: Surroundings
    segmentation: str
    _columns: dict[str, tuple[Hashable, ...]] = field(default_factory=dict, repr=False)

    @property
    def things(self) -> tuple[Thing, ...]:
        """The objects, in reading order of their first cells."""
        return self.around.things

    @property
    def cells(self) -> np.ndarray:
        """(H, W) uint8, the grid."""
        return self.around.cells

    @property
    def background(self) -> int:
        """The colour of no object."""
        return self.around.background

    def column(self, name: str) -> tuple[Hashable, ...]:
        """A property of all objects, computed once.

        Raises:
            KeyError: no property has that name.
        """
        if name not in self._columns:
            self._columns[name] = tuple(_PROPERTIES[name][1](self))
        return self._columns[name]

    def value(self, name: str, index: int) -> Hashable:
        """A property of object `index`.

        Raises:
            KeyError: no property has that name.
        """
        return self.column(name)[index]


def scene(cells: np.ndarray, segmentation: str, background: int | None = None) -> Scene:
    """The objects of a grid, ready to be asked.

    Args:
        cells: (H, W) uint8.
        segmentation: one of `objects.SEGMENTATIONS`.
        background: colour of no object; None for `background_colour(cells)`.
    Raises:
        ValueError: no such segmentation.
    """
    if background is None:
        background = background_colour(cells)
    return _scene(cells.tobytes(), cells.shape[0], segmentation, background)


@lru_cache(maxsize=128)
def _scene(data: bytes, height: int, segmentation: str, background: int) -> Scene:
    """Remembered, for many programs look at the same few grids."""
    cells = np.frombuffer(data, np.uint8).reshape(height, -1)
    things = segment(cells, segmentation, background)
    return Scene(Surroundings(cells, background, things), segmentation)


def property_names() -> tuple[str, ...]:
    """All names, those that generalise best first."""
    return tuple(sorted(_PROPERTIES, key=lambda name: _PROPERTIES[name][0]))


def property_bits(name: str) -> float:
    """What it costs to name a property: little for plain ones, more for exact numbers, places."""
    return _PROPERTIES[name][0]


def colour_names() -> tuple[str, ...]:
    """The properties whose values are colours (-1: none), those that generalise best first."""
    return tuple(sorted(_COLOUR_NAMES, key=property_bits))


Column = Callable[[Scene], Sequence[Hashable]]


def _each(measure: Callable[[Thing], Hashable], here: Scene) -> list[Hashable]:
    return [measure(thing) for thing in here.things]


def _numbers(measure: Callable[[Thing], float], here: Scene) -> np.ndarray:
    return np.array([measure(thing) for thing in here.things], dtype=float)


def _is_extreme(measure: Callable[[Thing], float], sign: int, here: Scene) -> list[bool]:
    """Whether an object has the largest (sign 1) or smallest (sign -1) number, shared or not."""
    numbers = sign * _numbers(measure, here)
    return [bool(n == numbers.max()) for n in numbers]


def _rank(measure: Callable[[Thing], float], sign: int, here: Scene) -> list[int]:
    """0 for the smallest number (sign 1) or largest (sign -1); equal numbers share a rank."""
    return [int(r) for r in np.unique(sign * _numbers(measure, here), return_inverse=True)[1]]


def _alike(name: str, here: Scene) -> list[int]:
    """How many objects have the same value of another property."""
    return relations.group_sizes(list(here.column(name)))


def _is_unlike(name: str, here: Scene) -> list[bool]:
    """Whether no other object has the same value of another property."""
    return [n == 1 for n in here.column(name)]


def _is_peak(name: str, sign: int, here: Scene) -> list[bool]:
    """Whether another property, a number, is at its largest (sign 1) or smallest (sign -1)."""
    numbers = [sign * int(v) for v in here.column(name)]  # type: ignore[call-overload]
    return [n == max(numbers) for n in numbers]


def _chief_colour(name: str, here: Scene) -> list[int]:
    """Colour of the one object that has a property, the same for all; -1 unless there is one."""
    found = {t.colour for t, holds in zip(here.things, here.column(name), strict=True) if holds}
    return [found.pop() if len(found) == 1 else -1] * len(here.things)


def _single(name: str, here: Scene) -> list[int]:
    return relations.only_colour(list(here.column(name)))  # type: ignore[arg-type]


def _twin_colour(name: str, here: Scene) -> list[int]:
    return relations.twin_colour(here.around, list(here.column(name)))  # type: ignore[arg-type]


def _about(measure: Callable[..., Sequence[Hashable]], *arguments: int) -> Column:
    return lambda here: measure(here.around, *arguments)


def _of(related: str, here: Scene) -> list[int]:
    return relations.counts(getattr(here.around, related))


def _any_of(name: str, here: Scene) -> list[bool]:
    return [bool(n) for n in here.column(name)]


def _size(t: Thing) -> int:
    return t.size


def _own(cost: float, measure: Callable[[Thing], Hashable]) -> tuple[float, Column]:
    return cost, partial(_each, measure)


_PROPERTIES: Mapping[str, tuple[float, Column]] = {
    # by itself
    "colour": _own(1.0, lambda t: t.colour),
    "colours": _own(3.0, lambda t: t.colours),
    "colour_count": _own(1.5, lambda t: len(t.colours)),
    "minor_colour": _own(2.0, shapes.minor_colour),
    "size": _own(2.0, _size),
    "is_dot": _own(1.5, lambda t: t.size == 1),
    "even_size": _own(3.5, lambda t: t.size % 2),
    "odd_height": _own(3.0, lambda t: t.height % 2),
    "height": _own(2.5, lambda t: t.height),
    "width": _own(2.5, lambda t: t.width),
    "box_area": _own(3.5, lambda t: t.mask.size),
    "missing_cells": _own(3.0, shapes.missing_cells),
    "is_full": _own(1.5, shapes.is_full),
    "is_full_square": _own(1.5, shapes.is_full_square),
    "has_square_box": _own(2.0, lambda t: t.height == t.width),
    "line_kind": _own(1.5, shapes.line_kind),
    "orientation": _own(1.5, shapes.orientation),
    "holes": _own(1.5, shapes.hole_count),
    "has_holes": _own(1.0, lambda t: shapes.hole_count(t) > 0),
    "hole_cells": _own(2.5, shapes.hole_cells),
    "has_square_hole": _own(2.5, shapes.has_square_hole),
    "is_left_right": _own(2.0, shapes.is_left_right),
    "is_up_down": _own(2.0, shapes.is_up_down),
    "is_diagonal": _own(2.5, shapes.is_diagonal),
    "is_symmetric": _own(1.5, shapes.is_symmetric),
    "shape": _own(2.0, shapes.shape),
    "free_shape": _own(2.0, shapes.free_shape),
    # its rank among the others
    "is_largest": (1.0, partial(_is_extreme, _size, 1)),
    "is_smallest": (1.0, partial(_is_extreme, _size, -1)),
    "size_rank": (2.0, partial(_rank, _size, -1)),
    "size_rank_up": (2.0, partial(_rank, _size, 1)),
    "is_tallest": (1.5, partial(_is_extreme, lambda t: t.height, 1)),
    "is_shortest": (2.0, partial(_is_extreme, lambda t: t.height, -1)),
    "is_widest": (1.5, partial(_is_extreme, lambda t: t.width, 1)),
    "is_narrowest": (2.0, partial(_is_extreme, lambda t: t.width, -1)),
    "has_most_holes": (2.0, partial(_is_peak, "holes", 1)),
    "has_most_colours": (2.0, partial(_is_peak, "colour_count", 1)),
    "is_topmost": (1.5, partial(_is_extreme, lambda t: t.y, -1)),
    "is_bottommost": (1.5, partial(_is_extreme, lambda t: t.y + t.height, 1)),
    "is_leftmost": (1.5, partial(_is_extreme, lambda t: t.x, -1)),
    "is_rightmost": (1.5, partial(_is_extreme, lambda t: t.x + t.width, 1)),
    "row_rank": (3.0, partial(_rank, lambda t: t.y, 1)),
    "row_rank_up": (3.0, partial(_rank, lambda t: t.y + t.height, -1)),
    "column_rank": (3.0, partial(_rank, lambda t: t.x, 1)),
    "column_rank_up": (3.0, partial(_rank, lambda t: t.x + t.width, -1)),
    "half_down": (2.5, _about(relations.half, 0)),
    "half_across": (2.5, _about(relations.half, 1)),
    "odd_row": (4.0, _about(relations.parity, 0)),
    "odd_column": (4.0, _about(relations.parity, 1)),
    "odd_column_up": (4.0, _about(relations.parity, 3)),
    # how many are like it
    "size_twins": (2.5, partial(_alike, "size")),
    "has_unique_size": (2.0, partial(_is_unlike, "size_twins")),
    "has_common_size": (2.0, partial(_is_peak, "size_twins", 1)),
    "colour_twins": (2.5, partial(_alike, "colour")),
    "has_unique_colour": (1.5, partial(_is_unlike, "colour_twins")),
    "has_common_colour": (1.5, partial(_is_peak, "colour_twins", 1)),
    "has_rare_colour": (1.5, partial(_is_peak, "colour_twins", -1)),
    "cells_of_colour": (3.5, _about(relations.cells_of_colour)),
    "has_most_cells": (1.5, partial(_is_peak, "cells_of_colour", 1)),
    "has_fewest_cells": (1.5, partial(_is_peak, "cells_of_colour", -1)),
    "shape_twins": (2.0, partial(_alike, "shape")),
    "has_unique_shape": (1.5, partial(_is_unlike, "shape_twins")),
    "has_common_shape": (1.5, partial(_is_peak, "shape_twins", 1)),
    "free_twins": (2.0, partial(_alike, "free_shape")),
    "has_unique_free_shape": (1.5, partial(_is_unlike, "free_twins")),
    # with the grid and with others
    "touches_border": _own(1.0, lambda t: t.touches_border),
    "border_sides": (2.5, _about(relations.border_sides)),
    "touch_count": (1.5, partial(_of, "touching")),
    "touches": (1.0, partial(_any_of, "touch_count")),
    "touched_colours": (1.5, _about(relations.touched_colours)),
    "touched_colour": (1.5, partial(_single, "touched_colours")),
    "is_inside": (1.0, lambda here: [bool(n) for n in here.around.holds.sum(axis=0)]),
    "container_colour": (1.5, _about(relations.container_colour)),
    "held_count": (2.0, partial(_of, "holds")),
    "holds": (1.5, partial(_any_of, "held_count")),
    "foreign_colours": (2.0, _about(relations.foreign_colours)),
    "foreign_colour": (1.0, partial(_single, "foreign_colours")),
    "foreign_cells": (2.0, _about(relations.foreign_cells)),
    "row_mates": (2.5, partial(_of, "shares_rows")),
    "has_row_mate": (1.5, partial(_any_of, "row_mates")),
    "row_mate_colour": (2.0, _about(relations.same_rows_colour)),
    "column_mates": (2.5, partial(_of, "shares_columns")),
    "has_column_mate": (1.5, partial(_any_of, "column_mates")),
    "column_mate_colour": (2.0, _about(relations.same_columns_colour)),
    "nearest_colour": (2.0, _about(relations.nearest_colour)),
    "nearest_other_colour": (1.5, _about(relations.nearest_other_colour)),
    "nearest_distance": (2.5, _about(relations.nearest_distance)),
    "is_nearest": (3.0, partial(_is_peak, "nearest_distance", -1)),
    "twin_colour": (2.0, partial(_twin_colour, "shape")),
    "free_twin_colour": (
        2.5,
        partial(_twin_colour, "free_shape"),
    ),
    # of the whole scene, the same for all objects
    "colour_of_largest": (2.0, partial(_chief_colour, "is_largest")),
    "colour_of_smallest": (2.0, partial(_chief_colour, "is_smallest")),
    "colour_of_most": (2.5, partial(_chief_colour, "has_common_colour")),
    "colour_of_fewest": (2.5, partial(_chief_colour, "has_rare_colour")),
    "scene_size": (4.0, lambda here: [len(here.things)] * len(here.things)),
}
"""Name -> what naming it costs in bits, and its column."""

_COLOUR_NAMES = (
    *("colour", "minor_colour", "touched_colour", "container_colour", "foreign_colour"),
    *("row_mate_colour", "column_mate_colour", "nearest_colour", "nearest_other_colour"),
    *("twin_colour", "free_twin_colour", "colour_of_largest", "colour_of_smallest"),
    *("colour_of_most", "colour_of_fewest"),
)
