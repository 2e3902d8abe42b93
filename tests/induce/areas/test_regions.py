"""Cutting a grid into regions, their features, views and areas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kit.induce.areas.box_features import BOX_FEATURES, Boxes
from kit.induce.areas.region_areas import AREAS, COLOUR_WORDS, area_colour, region_area
from kit.induce.areas.region_features import column, feature_bits, names_for, ordered
from kit.induce.areas.region_views import VIEWS, region_view, shrunk, view_shape
from kit.induce.areas.regions import POOLED_KIND, REGION_KINDS, find_regions, kind_background
from tests.induce.pictures import cells, text

grids = hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 7)] * 2), elements=st.integers(0, 3))
kinds = st.sampled_from((*REGION_KINDS, POOLED_KIND, "windows_2x3"))


def boxes_of(grid: np.ndarray, kind: str) -> Boxes:
    return Boxes(grid, kind_background(grid, kind), find_regions(grid, kind))


@settings(max_examples=150, deadline=None)
@given(grids, kinds)
def test_regions_lie_where_they_say(grid: np.ndarray, kind: str) -> None:
    for thing in find_regions(grid, kind):
        cut = grid[thing.y : thing.y + thing.height, thing.x : thing.x + thing.width]
        assert np.array_equal(cut, thing.cells)
        assert thing.mask.any()


@settings(max_examples=60, deadline=None)
@given(grids, kinds)
def test_features_have_one_value_per_region_that_a_program_can_spell(
    grid: np.ndarray, kind: str
) -> None:
    boxes = boxes_of(grid, kind)
    if not boxes.things:
        return
    for name in names_for(False):
        values = column(boxes, name)
        assert len(values) == len(boxes.things)
        assert all(isinstance(v, int | float | bool | str | bytes | tuple) for v in values), name
        if ordered(name):
            assert all(isinstance(v, int | float) for v in values), name


@settings(max_examples=80, deadline=None)
@given(grids, kinds)
def test_views_have_the_shape_that_is_foretold(grid: np.ndarray, kind: str) -> None:
    boxes = boxes_of(grid, kind)
    for index in range(len(boxes.things)):
        for view in VIEWS:
            picture = region_view(boxes, index, view)
            assert picture is None or picture.shape == view_shape(boxes, index, view)


@settings(max_examples=60, deadline=None)
@given(grids)
def test_areas_and_colours_are_defined_for_all_regions(grid: np.ndarray) -> None:
    boxes = boxes_of(grid, "colour4_all")
    for index, thing in enumerate(boxes.things):
        assert all(region_area(boxes, index, area).shape == grid.shape for area in AREAS)
        assert region_area(boxes, index, "own").sum() == thing.size
        assert all(0 <= area_colour(boxes, index, word) <= 9 for word in COLOUR_WORDS)


def test_panels_are_what_lines_separate() -> None:
    found = find_regions(cells("10500/00502/55555/00500"), "panels")
    assert [text(t.cells) for t in found] == ["10/00", "00/02", "00", "00"]


def test_frames_have_an_edge_of_one_colour() -> None:
    found = find_regions(cells("00000/02220/02120/02220/00000"), "frames")
    assert [text(t.cells) for t in found] == ["222/212/222"]


def test_solid_is_the_largest_rectangle_of_a_colour() -> None:
    found = find_regions(cells("1101/1101/1100"), "solid")
    assert [text(t.cells) for t in found] == ["11/11/11"]


def test_corners_mark_a_box() -> None:
    found = find_regions(cells("40040/01000/40040"), "corners")
    assert [text(t.cells) for t in found] == ["4004/0100/4004"]


def test_parts_need_a_size_that_divides() -> None:
    assert len(find_regions(cells("1234/5678"), "parts_2x2")) == 4
    assert find_regions(cells("123/567"), "parts_2x2") == ()
    assert len(find_regions(cells("123456/123456"), "squares")) == 3
    assert len(find_regions(cells("1234/5678"), "long_halves")) == 2
    assert find_regions(cells("12/34"), "squares") == find_regions(cells("12/34"), "long_halves")


def test_an_empty_grid_has_no_content() -> None:
    assert find_regions(cells("00/00"), "content") == ()
    assert [text(t.cells) for t in find_regions(cells("111/121"), "content_common")] == ["2"]


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="no regions are called 'stars'"):
        find_regions(cells("1"), "stars")


def test_counting_features_count() -> None:
    boxes = boxes_of(cells("0000/0120/0100/0030"), "any8")
    at = {name: column(boxes, name) for name in BOX_FEATURES}
    assert at["box_filled"] == [4]
    assert at["box_area"] == [6]
    assert at["box_colours"] == [4]
    assert at["box_cells_of_1"] == [2]
    assert at["box_parts"] == [3]
    assert at["box_ring_filled"] == [0]


def test_naming_a_place_costs_more_than_naming_a_size() -> None:
    assert feature_bits("box_row") > feature_bits("size")
    assert feature_bits("box_cells_of_7") > feature_bits("box_scarcest")


def test_shrunk_takes_the_largest_blocks() -> None:
    assert text(shrunk(cells("1111/1111/1111/1111"))) == "1"
    assert shrunk(cells("1121")) is None
