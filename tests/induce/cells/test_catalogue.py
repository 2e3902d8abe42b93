"""Cell features: names, shapes, determinism, and values that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kit.induce.cells.catalogue import GROUPS, all_planes, feature_bits, feature_plane

RING = np.array(
    [
        [0, 0, 0, 0, 0],
        [0, 3, 3, 3, 0],
        [0, 3, 0, 3, 0],
        [0, 3, 3, 3, 0],
        [5, 0, 0, 0, 0],
    ],
    np.uint8,
)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (5, 5), (30, 30)])
@pytest.mark.parametrize("colours", [1, 2, 10])
def test_every_feature_has_the_size_of_the_grid(shape: tuple[int, int], colours: int) -> None:
    grid = np.random.default_rng(7).integers(0, colours, shape).astype(np.uint8)
    planes = all_planes(grid)
    assert len(planes.planes) > 300
    for name, plane in planes.planes.items():
        assert plane.shape == shape, name
        assert plane.dtype == np.int32, name
    for name in planes.copyable:
        assert planes.planes[name].min() >= 0, name
        assert planes.planes[name].max() <= 10, name


def test_a_name_leads_back_to_its_plane() -> None:
    for name, plane in all_planes(RING).planes.items():
        assert name.split(".")[0] in GROUPS
        assert np.array_equal(feature_plane(RING.copy(), name), plane), name
        assert feature_bits(name) >= 0


def test_a_grid_without_panels_has_no_panel_features() -> None:
    assert feature_plane(RING, "panel.index") is None


def test_an_unknown_group_is_an_error() -> None:
    with pytest.raises(KeyError, match="weather"):
        feature_plane(RING, "weather.sunny")


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("inside.enclosed4", (2, 2), 1),
        ("inside.enclosed4", (0, 0), 0),
        ("inside.hole_size4", (2, 2), 1),
        ("near.filled8", (2, 2), 8),
        ("near.count4_of_3", (1, 1), 2),
        ("near.left", (4, 0), 10),
        ("ray.right", (4, 0), 10),
        ("ray.up", (4, 0), 10),
        ("ray.down", (0, 0), 5),
        ("ray.between_horizontal", (2, 2), 3),
        ("object4.size", (1, 1), 8),
        ("object4.holes", (1, 1), 1),
        ("object4.holes", (4, 0), 0),
        ("object4.size_rank", (4, 0), 1),
        ("object4.on_edge", (4, 0), 1),
        ("object4.in_box", (2, 2), 1),
        ("object8.nearest_colour", (4, 0), 3),
        ("area4.touching", (2, 2), 3),
        ("own.rank", (4, 0), 2),
        ("grid.least_common", (0, 0), 5),
        ("grid.majority", (1, 1), 0),
        ("distance.steps8", (2, 2), 1),
        ("row.colour", (1, 0), 3),
        ("mirror.left_right", (4, 4), 5),
        ("place.edge_distance", (2, 2), 2),
        ("run.horizontal", (1, 2), 3),
        ("run.in_square_2", (1, 1), 0),
    ],
)
def test_values(name: str, cell: tuple[int, int], value: int) -> None:
    plane = feature_plane(RING, name)
    assert plane is not None
    assert plane[cell] == value


def test_panels_are_read_between_lines() -> None:
    grid = np.full((5, 5), 0, np.uint8)
    grid[2], grid[:, 2] = 8, 8
    grid[0, 1], grid[4, 4], grid[4, 3] = 3, 4, 4
    index = feature_plane(grid, "panel.index")
    assert index is not None
    assert [int(index[y, x]) for y, x in ((0, 0), (0, 4), (4, 0), (4, 4), (2, 2))] == [
        0,
        1,
        2,
        3,
        -1,
    ]
    assert int(feature_plane(grid, "panel.colour")[3, 3]) == 4
    assert int(feature_plane(grid, "panel.rank")[4, 4]) == 0
    assert int(feature_plane(grid, "panel.any_other")[3, 1]) == 3
