"""All cell features by name, and what each costs in a rule.

A name is `group.feature`; a group's planes are computed together and kept with the scene.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np

from kit.induce.cells.around import (
    mirror_planes,
    near_planes,
    own_planes,
    ray_planes,
    row_planes,
)
from kit.induce.cells.places import (
    box_planes,
    distance_planes,
    grid_planes,
    inside_planes,
    panel_planes,
    place_planes,
)
from kit.induce.cells.relations import relation_planes, run_planes
from kit.induce.cells.scene import Planes, Scene, scene_of
from kit.induce.cells.things import READINGS, thing_planes

GROUPS: dict[str, tuple[Callable[[Scene, Planes], None], ...]] = {
    "own": (own_planes,),
    "near": (near_planes,),
    "inside": (inside_planes,),
    "distance": (distance_planes,),
    "ray": (ray_planes,),
    "row": (row_planes,),
    "column": (row_planes,),
    "mirror": (mirror_planes,),
    "place": (place_planes,),
    "panel": (panel_planes,),
    "box": (box_planes,),
    "grid": (grid_planes,),
    "run": (run_planes,),
    **{
        reading: (
            partial(thing_planes, reading=reading),
            partial(relation_planes, reading=reading),
        )
        for reading in READINGS
    },
}
"""Group -> what adds its planes."""

_COSTS = (
    (r"own\.colour", 0.0),
    (r"own\.filled", 0.5),
    (r"own\.", 3.0),
    (r"inside\.(enclosed|surrounded)", 1.5),
    (r"inside\.", 3.0),
    (r"near\.(filled|same)[48]", 2.5),
    (r"near\.(colour|majority)", 3.0),
    (r"near\..*mask8", 8.0),
    (r"near\..*mask4", 5.0),
    (r"near\.any", 3.5),
    (r"near\.count", 4.0),
    (r"near\.", 4.0),
    (r"ray\.between", 2.5),
    (r"ray\.seen", 3.0),
    (r"ray\.sees", 4.5),
    (r"ray\.distance", 4.5),
    (r"ray\.", 3.5),
    (r"(row|column)\.(colour|majority|uniform|filled|is_line)", 3.0),
    (r"(row|column)\.", 4.0),
    (r"mirror\.rolled", 5.0),
    (r"mirror\.", 3.5),
    (r"distance\.steps", 4.0),
    (r"distance\.", 3.5),
    (r"place\.(row|column|row_from_below|column_from_right)$", 7.0),
    (r"place\..*_mod_2", 4.0),
    (r"place\..*_mod_", 5.0),
    (r"place\.(edge_distance|half|on_diag|any_diag)", 4.5),
    (r"place\.", 4.0),
    (r"panel\.(rank|least|border|colour|any_other|of_busiest)", 3.0),
    (r"panel\.", 4.0),
    (r"box\.", 4.0),
    (r"grid\.(majority|most_common|least_common)", 3.0),
    (r"grid\.", 4.0),
    (r"run\.in_square", 3.0),
    (r"run\.", 4.0),
    (r"\w+\.(touches|touching|nearest|same)", 3.5),
    (r"\w+\.(largest|smallest|on_edge|has_hole|in_box|colour|box_colour)$", 2.5),
    (r"\w+\.(size_rank|symmetric|is_rectangle|larger_than_1|shape_unique|holes|in_ring)$", 3.0),
    (r"\w+\.(larger_than|tall|is_line|colour|has_|ring)", 3.5),
    (r"\w+\.(size|height|width|longer_side|box_size)$", 4.5),
    (r"\w+\.(box_row|box_column)$", 5.5),
    (r"\w+\.shape$", 5.0),
    (r"", 4.0),
)
"""First pattern that matches the name: bits. Chosen by what generalises on training tasks."""


@lru_cache(maxsize=4096)
def feature_bits(name: str) -> float:
    """What a feature costs in a rule."""
    return next(bits for pattern, bits in _COSTS if re.match(pattern, name))


@lru_cache(maxsize=1024)
def _planes(scene: Scene, group: str) -> Planes:
    """The planes of a group; scenes are kept alive and compared by identity."""
    planes = Planes()
    for add in GROUPS[group]:
        add(scene, planes)
    return planes


def all_planes(cells: np.ndarray) -> Planes:
    """Every feature of a grid."""
    scene, merged = scene_of(cells), Planes()
    for group in GROUPS:
        planes = _planes(scene, group)
        merged.planes.update(planes.planes)
        merged.copyable += [n for n in planes.copyable if n not in merged.copyable]
    return merged


def feature_plane(cells: np.ndarray, name: str) -> np.ndarray | None:
    """(H, W) int32 values of one feature; None where the grid has it not (panels, mirrors).

    Raises:
        KeyError: no such group of features.
    """
    return _planes(scene_of(cells), name.split(".")[0]).planes.get(name)
