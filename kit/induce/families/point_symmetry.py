"""Programs that complete each object to a symmetric one.

What it does: mirrors, half and quarter turns about the best centre, the box's, a colour's, or a
side. What it does not: repair patterns that fill the grid (see `repair`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.things.objects import background_colour
from kit.induce.things.symmetry_centres import IMAGES

READINGS = {"any8": 1.0, "whole": 1.0, "colour8": 1.5, "any4": 1.5, "colour4": 2.0}
"""Segmentation -> bits."""

ANCHORS = {"best": 1.0, "box": 1.5} | dict.fromkeys(("top", "bottom", "left", "right"), 3.0)
"""Anchor -> bits; colours cost COLOUR_BITS."""

COLOUR_BITS = 2.5


def propose_point_symmetry(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Completions, cheapest first."""
    if not problem.same_size or not _only_adds(problem):
        return
    yield from sift(best_first(_candidates(problem)), problem, meter, nodes=4)


def _only_adds(problem: Problem) -> bool:
    """Whether background cells change, and nothing else."""
    is_changed = False
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        changed = given != wanted
        is_changed |= bool(changed.any())
        if (given[changed] != background_colour(given)).any():
            return False
        if not np.isin(np.unique(wanted), np.unique(given)).all():
            return False
    return is_changed


def _candidates(problem: Problem) -> Iterator[Proposal]:
    """All programs of the family."""
    common = set.intersection(*(set(np.unique(g).tolist()) for g in problem.inputs))
    anchors = ANCHORS | {str(colour): COLOUR_BITS for colour in sorted(common)}
    for segmentation, reading_bits in READINGS.items():
        for number, symmetry in enumerate(IMAGES):
            for anchor, anchor_bits in anchors.items():
                yield Proposal(
                    single("symmetrise_objects", segmentation, symmetry, anchor),
                    reading_bits + anchor_bits + 2.0 + 0.2 * number,
                )
