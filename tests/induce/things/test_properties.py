"""The vocabulary of object properties."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.things.objects import SEGMENTATIONS
from kit.induce.things.properties import colour_names, property_bits, property_names, scene

GRID = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0, 4],
        [0, 1, 2, 1, 0, 0, 4],
        [0, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 3, 0, 0],
        [0, 0, 0, 0, 0, 0, 5],
    ],
    np.uint8,
)
RING, LINE, CORE, DIAGONAL, DOT = range(5)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("colour", (1, 4, 2, 3, 5)),
        ("size", (8, 2, 1, 1, 1)),
        ("size_rank", (0, 1, 2, 2, 2)),
        ("is_largest", (True, False, False, False, False)),
        ("line_kind", ("", "column", "dot", "dot", "dot")),
        ("orientation", (0, 1, 0, 0, 0)),
        ("holes", (1, 0, 0, 0, 0)),
        ("has_square_hole", (True, False, False, False, False)),
        ("touches_border", (False, True, False, False, True)),
        ("border_sides", ("", "r", "", "", "br")),
        ("is_inside", (False, False, True, False, False)),
        ("container_colour", (-1, -1, 1, -1, -1)),
        ("foreign_colour", (2, -1, -1, -1, -1)),
        ("touched_colours", ((2, 3), (), (1,), (1,), ())),
        ("touched_colour", (-1, -1, 1, 1, -1)),
        ("shape_twins", (1, 1, 3, 3, 3)),
        ("has_unique_shape", (True, True, False, False, False)),
        ("is_topmost", (True, True, False, False, False)),
        ("half_across", (-1, 1, -1, 1, 1)),
        ("held_count", (1, 0, 0, 0, 0)),
        ("colour_of_largest", (1, 1, 1, 1, 1)),
        ("nearest_colour", (2, 1, 1, 1, 4)),
    ],
)
def test_values(name: str, wanted: tuple[object, ...]) -> None:
    here = scene(GRID, "colour4")
    assert here.column(name) == wanted
    assert here.value(name, DOT) == wanted[DOT]


@pytest.mark.parametrize("segmentation", SEGMENTATIONS)
def test_every_property_has_a_hashable_value_for_each_object(segmentation: str) -> None:
    here = scene(GRID, segmentation)
    for name in property_names():
        column = here.column(name)
        assert len(column) == len(here.things)
        assert all(type(v) in (int, bool, str, bytes, tuple) for v in column), name
        assert hash(column) is not None


def test_a_grid_without_objects_has_empty_columns() -> None:
    here = scene(np.zeros((3, 3), np.uint8), "colour4")
    assert all(here.column(name) == () for name in property_names())


def test_names_are_ordered_by_cost_and_colours_are_among_them() -> None:
    costs = [property_bits(name) for name in property_names()]
    assert costs == sorted(costs)
    assert set(colour_names()) <= set(property_names())
    here = scene(GRID, "any8")
    assert all(-1 <= v <= 9 for name in colour_names() for v in here.column(name))


def test_properties_of_form_survive_moving_and_turning() -> None:
    for turned in (np.rot90(GRID), GRID[::-1], np.pad(GRID, 2)):
        here, there = scene(GRID, "colour4"), scene(np.ascontiguousarray(turned), "colour4")
        for name in ("size", "holes", "free_twins", "is_symmetric", "is_inside", "touch_count"):
            one = dict(zip(here.column("colour"), here.column(name), strict=True))
            assert one == dict(zip(there.column("colour"), there.column(name), strict=True)), name


def test_unknown_names_are_errors() -> None:
    with pytest.raises(KeyError, match="beauty"):
        scene(GRID, "colour4").value("beauty", 0)
    with pytest.raises(ValueError, match="no segmentation is called 'blobs'"):
        scene(GRID, "blobs")
