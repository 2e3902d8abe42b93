"""Properties, places and readings of panels."""

from __future__ import annotations

import numpy as np

from kit.induce.readings.panel_facts import (
    PROPERTIES,
    apply_table,
    compared_layers,
    panel_places,
    panel_values,
    panels_background,
    read_stack,
    reference_panel,
)
from kit.induce.values import Image


def panels(*rows: str) -> tuple[Image, ...]:
    return tuple(
        Image(np.array([[int(c) for c in row]], np.uint8), 0, 4 * i) for i, row in enumerate(rows)
    )


def test_every_property_is_defined_for_every_panel() -> None:
    for cells in (np.zeros((1, 1), np.uint8), np.array([[1, 2], [3, 1]], np.uint8)):
        for name in PROPERTIES:
            (value,) = panel_values((Image(cells),), name)
            assert hash(value) is not None


def test_values() -> None:
    many = panels("010", "120", "000")
    assert panel_values(many, "filled") == [1, 2, 0]
    assert panel_values(many, "colours") == [1, 2, 0]
    assert panel_values(many, "main_colour") == [1, 1, 0]
    assert panel_values(many, "mask") == ["010", "110", "000"]
    assert panel_values(many, "symmetric") == [True, True, True]
    assert panel_values(many, "empty") == [False, False, True]


def test_background_is_shared() -> None:
    assert panels_background(panels("33", "03")) == 0
    assert panels_background(panels("33", "43")) == 3


def test_places() -> None:
    grid = tuple(Image(np.zeros((1, 1), np.uint8), y, x) for y in (0, 7) for x in (2, 5))
    assert panel_places(grid) == ([0, 0, 1, 1], [0, 1, 0, 1])


def test_readings() -> None:
    stack = np.array([[[1, 0, 2]], [[0, 0, 3]]], np.uint8)
    assert read_stack(stack, "filled", 0).tolist() == [[1, 0, 3]]
    assert read_stack(stack, "count", 0).tolist() == [[1, 0, 2]]
    assert read_stack(stack, "colours", 0).tolist() == [[10, 0, 23]]


def test_tables() -> None:
    stack = np.array([[[1, 0, 2]], [[0, 0, 3]]], np.uint8)
    keys = read_stack(stack, "filled", 0)
    found = apply_table(stack, keys, {0: 7, 1: -1, 3: -2})
    assert found is not None and found.tolist() == [[1, 7, 3]]
    assert apply_table(stack, keys, {0: 7, 1: -1}) is None
    assert apply_table(stack, keys, {0: 7, 1: -1, 3: -9}) is None


def test_references() -> None:
    many = panels("010", "120", "010")
    shown = {word: reference_panel(many, word) for word in ("first", "fullest", "common", "union")}
    assert {word: cells.tolist() for word, cells in shown.items() if cells is not None} == {
        "first": [[0, 1, 0]],
        "fullest": [[1, 2, 0]],
        "common": [[0, 1, 0]],
        "union": [[1, 1, 0]],
    }
    assert reference_panel(panels("01", "10"), "fullest") is None
    assert reference_panel(panels("01", "10"), "common") is None
    assert reference_panel(panels("01", "1"), "first") is None


def test_layers_need_separators() -> None:
    whole = Image(np.array([[0, 1, 0, 5, 1, 2, 0]], np.uint8))
    layers = compared_layers(whole, panels("010", "120"), "first")
    assert layers is not None and layers[1] == 0
    assert [stack.tolist() for stack in layers[0]] == [
        [[[0, 1, 0]], [[0, 1, 0]], [[5, 5, 5]]],
        [[[1, 2, 0]], [[0, 1, 0]], [[5, 5, 5]]],
    ]
    covered = Image(np.array([[0, 1, 0]], np.uint8))
    assert compared_layers(covered, panels("010"), "first") is None
