"""paint_parts: areas around and inside objects."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.primitives.boxes import paint_parts
from kit.induce.things.object_parts import PARTS, STRIPS, part_of
from kit.induce.things.objects import segment
from kit.induce.values import Image

RING = np.array(
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 2]], np.uint8
)


def paint(part: str, free_only: bool = True) -> np.ndarray:
    image = Image(RING)
    table = {1: 8, 2: "keep"}
    painted = paint_parts(image, image, "colour4", part, free_only, ("colour",), table)
    assert painted is not None
    return painted.cells


def test_paint_parts() -> None:
    wanted = RING.copy()
    wanted[2, 2] = 8
    assert np.array_equal(paint("holes"), wanted)


def test_paint_parts__only_free_cells_or_all() -> None:
    assert paint("ring")[4, 4] == 2
    assert paint("ring", free_only=False)[4, 4] == 8
    assert paint("ring_corners")[[0, 0, 4], [0, 4, 0]].tolist() == [8, 8, 8]


def test_paint_parts__undefined_for_another_size_and_missing_entries() -> None:
    image, small = Image(RING), Image(RING[:3])
    assert paint_parts(small, image, "colour4", "box", True, (), {(): 1}) is None
    assert paint_parts(image, image, "colour4", "box", True, ("colour",), {1: 1}) is None
    assert paint_parts(image, image, "colour4", "box", True, (), {(): "container_colour"}) is None


@pytest.mark.parametrize("part", (*PARTS, *STRIPS))
def test_paint_parts__every_part_is_a_mask_of_the_grid(part: str) -> None:
    for kind in ("colour4", "any8", "colour4_all"):
        for thing in segment(RING, kind):
            area = part_of(thing, part, (5, 5))
            assert area.shape == (5, 5) and area.dtype == bool


def test_paint_parts__parts_commute_with_half_turns() -> None:
    turned = np.ascontiguousarray(RING[::-1, ::-1])
    for part in ("holes", "ring", "outline8", "edge", "inner", "frame", "corners", "centre"):
        here, there = segment(RING, "colour4"), segment(turned, "colour4")
        for one in here:
            (other,) = (t for t in there if t.colour == one.colour)
            area = part_of(one, part, (5, 5))
            assert np.array_equal(area[::-1, ::-1], part_of(other, part, (5, 5)))
