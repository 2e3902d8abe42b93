"""Cutting grids into objects, against a slow but obvious flood."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.induce.things.objects import SEGMENTATIONS, background_colour, label_components, segment
from tests.induce.pictures import cells, text

grids = arrays(
    np.uint8,
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    elements=st.sampled_from([0, 0, 1, 2]),
)


def flood(
    grid: np.ndarray, diagonal: bool, one_colour: bool, background: int
) -> list[set[tuple[int, int]]]:
    """The components, by merging sets of cells until nothing changes."""
    places = [(y, x) for y, x in np.ndindex(grid.shape) if grid[y, x] != background]
    groups = [{place} for place in places]

    def touch(a: tuple[int, int], b: tuple[int, int]) -> bool:
        dy, dx = abs(a[0] - b[0]), abs(a[1] - b[1])
        near = max(dy, dx) == 1 if diagonal else dy + dx == 1
        return near and (not one_colour or grid[a] == grid[b])

    for place in places:
        joined = [g for g in groups if any(touch(place, other) for other in g)]
        mine = next(g for g in groups if place in g)
        for group in joined:
            if group is not mine:
                mine |= group
                groups.remove(group)
    return sorted(groups, key=min)


@settings(max_examples=80, deadline=None)
@given(grids, st.booleans(), st.booleans(), st.sampled_from([-1, 0, 1]))
def test_labels_are_the_components_in_reading_order(
    grid: np.ndarray, diagonal: bool, one_colour: bool, background: int
) -> None:
    labels, count = label_components(grid, diagonal, one_colour, background)
    expected = flood(grid, diagonal, one_colour, background)
    assert count == len(expected)
    for label, group in enumerate(expected, 1):
        assert {(int(y), int(x)) for y, x in np.argwhere(labels == label)} == group
    assert (labels == 0).sum() == grid.size - sum(map(len, expected))


@settings(max_examples=60, deadline=None)
@given(grids, st.sampled_from(SEGMENTATIONS))
def test_things_tile_what_is_not_background(grid: np.ndarray, kind: str) -> None:
    background = background_colour(grid)
    times = np.zeros(grid.shape, int)
    firsts = []
    for thing in segment(grid, kind):
        box = (slice(thing.y, thing.y + thing.height), slice(thing.x, thing.x + thing.width))
        times[box] += thing.mask
        assert np.array_equal(thing.cells, grid[box])
        assert thing.mask[0].any() and thing.mask[-1].any()
        assert thing.mask[:, 0].any() and thing.mask[:, -1].any()
        assert thing.size == thing.mask.sum()
        assert thing.colour in thing.colours
        reaches = 0 in (thing.y, thing.x) or box[0].stop == grid.shape[0]
        assert thing.touches_border == (reaches or box[1].stop == grid.shape[1])
        firsts.append(tuple((np.argwhere(thing.mask)[0] + (thing.y, thing.x)).tolist()))
    expected = np.ones(grid.shape, int) if kind == "colour4_all" else grid != background
    assert np.array_equal(times, expected)
    if kind != "by_colour":
        assert firsts == sorted(firsts)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("colour4", ["1", "2", "1"]),
        ("colour8", ["12/01", "2"]),
        ("any4", ["12/01"]),
        ("any8", ["12/01"]),
        ("by_colour", ["12/01", "2"]),
        ("colour4_all", ["1", "2", "0", "1"]),
    ],
)
def test_readings_of_a_picture(kind: str, found: list[str]) -> None:
    things = segment(cells("12/01"), kind)
    assert [text(t.cells) for t in things] == found


def test_a_given_background_is_of_no_object() -> None:
    assert [t.colour for t in segment(cells("012"), "colour4", background=1)] == [0, 2]


@pytest.mark.parametrize(("rows", "colour"), [("011", 0), ("221", 2), ("12", 1), ("555/570", 0)])
def test_background_colour(rows: str, colour: int) -> None:
    assert background_colour(cells(rows)) == colour


def test_the_main_colour_of_a_tie_is_the_smaller() -> None:
    (thing,) = segment(cells("0320"), "any4")
    assert thing.colour == 2 and thing.colours == (2, 3)


def test_a_picture_of_background_has_no_object() -> None:
    assert segment(cells("00"), "any8") == ()


def test_unknown_readings_are_refused() -> None:
    with pytest.raises(ValueError, match="no segmentation is called 'blobs'; there are colour4, "):
        segment(cells("1"), "blobs")
