"""The families in the order in which a task meets them: what is cheap and precise first."""

from __future__ import annotations

from functools import cache

from kit.augment.transform import DIHEDRAL_NAMES
from kit.induce.augmented import either, with_roles, with_symmetry
from kit.induce.families.arrange import propose_arrangements
from kit.induce.families.boxes import propose_boxes
from kit.induce.families.cell_rules import propose_cell_rules
from kit.induce.families.cell_stages import propose_cell_stages
from kit.induce.families.conditional import branches, propose_classes
from kit.induce.families.connect import propose_connections
from kit.induce.families.counting import propose_counting
from kit.induce.families.crop import propose_crops
from kit.induce.families.denoise import propose_denoising
from kit.induce.families.inverse_steps import inverse_steps
from kit.induce.families.iterated import propose_iterated_rules
from kit.induce.families.layers import layers
from kit.induce.families.mosaics import propose_mosaics
from kit.induce.families.object_motion import propose_object_motion
from kit.induce.families.object_recolour import propose_object_recolour
from kit.induce.families.palettes import propose_palettes
from kit.induce.families.panels import propose_panels
from kit.induce.families.point_symmetry import propose_point_symmetry
from kit.induce.families.rays import propose_rays
from kit.induce.families.rectangles import propose_rectangles
from kit.induce.families.repair import propose_repair
from kit.induce.families.restore import propose_restorations
from kit.induce.families.rows import propose_rows
from kit.induce.families.scaling import propose_scaling
from kit.induce.families.stacking import stacking
from kit.induce.families.stamps import propose_stamps
from kit.induce.families.templates import propose_templates
from kit.induce.search import Stage

TRANSPOSE = DIHEDRAL_NAMES.index("transpose")

_SMALLER = (
    propose_panels,
    propose_mosaics,
    propose_repair,
    propose_scaling,
    propose_crops,
    propose_cell_rules,
)
"""Asked about the smaller problems that steps on input and output leave."""

_LAYERED = (
    propose_restorations,
    propose_object_recolour,
    propose_connections,
    propose_rays,
    propose_cell_rules,
)
"""Asked about one layer of the output."""

_BRANCHED = (
    propose_crops,
    propose_restorations,
    propose_panels,
    propose_mosaics,
    propose_scaling,
)
"""Asked about one side of a branch."""

_BY_COLOUR = (
    propose_panels,
    propose_counting,
    propose_connections,
    propose_crops,
    propose_object_recolour,
    propose_restorations,
    propose_boxes,
    propose_rays,
    propose_templates,
    propose_point_symmetry,
    propose_object_motion,
)
"""Asked again with colours named by their rank."""

_ONE_SIDED = (
    propose_panels,
    propose_mosaics,
    propose_repair,
    propose_counting,
    propose_cell_rules,
    propose_arrangements,
    propose_rows,
)
"""Asked again with rows and columns exchanged."""


@cache
def stages() -> tuple[Stage, ...]:
    """All stages, in order."""
    return (
        Stage("panels", propose_panels, 10_000),
        Stage("scaling", propose_scaling, 10_000),
        Stage("mosaics", propose_mosaics, 10_000),
        Stage("repair", propose_repair, 10_000),
        Stage("palettes", propose_palettes, 10_000),
        Stage("counting", propose_counting, 10_000),
        Stage("classes", propose_classes, 10_000),
        Stage("connections", propose_connections, 10_000),
        Stage("crops", propose_crops, 10_000),
        Stage("templates", propose_templates, 10_000),
        Stage("point_symmetry", propose_point_symmetry, 10_000),
        Stage("restorations", propose_restorations, 10_000),
        Stage("object_recolour", propose_object_recolour, 10_000),
        Stage("cell_rules", propose_cell_rules, 10_000),
        Stage("boxes", propose_boxes, 10_000),
        Stage("rays", propose_rays, 10_000),
        Stage("rectangles", propose_rectangles, 10_000),
        Stage("arrangements", propose_arrangements, 10_000),
        Stage("stacking", stacking(2), 60_000, leave_out=False),
        Stage("inverse_steps", inverse_steps(_SMALLER), 20_000, leave_out=False),
        Stage("rows", propose_rows, 10_000),
        Stage("object_motion", propose_object_motion, 10_000),
        Stage("stamps", propose_stamps, 10_000),
        Stage("denoising", propose_denoising, 10_000),
        Stage("stacking_roles", with_roles(stacking(2), "most"), 60_000, leave_out=False),
        Stage("iterated", propose_iterated_rules, 10_000, leave_out=False),
        Stage("branches", branches(_BRANCHED), 20_000, leave_out=False),
        Stage("layers", layers(_LAYERED), 30_000, leave_out=False),
        Stage("cell_stages", propose_cell_stages, 20_000, leave_out=False),
        Stage("roles", with_roles(either(_BY_COLOUR), "most"), 20_000, leave_out=False),
        Stage("turned", with_symmetry(either(_ONE_SIDED), TRANSPOSE), 20_000, leave_out=False),
        Stage("stacking_deep", stacking(3), 1_000_000, leave_out=False, share=1.0),
    )
