"""recolour_objects: colours by property."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.object_recolour import recolour_objects
from kit.induce.values import Image

GRID = Image(np.array([[1, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 0]], np.uint8), 4, 5)


def test_recolour_objects() -> None:
    painted = recolour_objects(GRID, "colour4", ("is_largest",), {True: 7, False: "background"})
    assert painted is not None
    assert painted.cells.tolist() == [[7, 7, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert (painted.y, painted.x) == (4, 5)
    assert GRID.cells[0, 0] == 1


def test_recolour_objects__a_value_without_entry_takes_the_fallback_or_is_undefined() -> None:
    painted = recolour_objects(GRID, "colour4", ("colour",), {1: 5}, "keep")
    assert painted is not None and painted.cells.tolist()[0] == [5, 5, 0, 2]
    assert recolour_objects(GRID, "colour4", ("colour",), {1: 5}) is None


def test_recolour_objects__two_properties_and_a_colour_from_another_object() -> None:
    table = {(True, 1): "colour_of_largest", (False, 2): "colour_of_largest", (False, 3): "keep"}
    painted = recolour_objects(GRID, "colour4", ("is_largest", "colour"), table)
    assert painted is not None
    assert painted.cells.tolist() == [[1, 1, 0, 1], [0, 0, 0, 0], [3, 0, 0, 0]]


def test_recolour_objects__no_object_or_no_such_colour_is_undefined() -> None:
    assert recolour_objects(Image(np.zeros((2, 2), np.uint8)), "colour4", (), {(): 1}) is None
    assert recolour_objects(GRID, "colour4", (), {(): "container_colour"}) is None


def test_recolour_objects__an_unknown_segmentation_or_property_is_an_error() -> None:
    with pytest.raises(ValueError, match="no segmentation is called 'blobs'"):
        recolour_objects(GRID, "blobs", (), {(): 1})
    with pytest.raises(KeyError, match="mood"):
        recolour_objects(GRID, "colour4", ("mood",), {1: 1})
