"""Lines between two things: equal or different cells, gaps between objects, dot and wall.

What it does: the readings of rays.py whose strokes end at something, and paths with one corner
between two cells. What it does not: paths around obstacles.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from kit.induce.families.rays import Reading, may_be_lines, propose_strokes
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import sift

ELBOW_BITS = 8.0
"""Two colours, a turn and a paint."""


def _readings() -> Iterator[Reading]:
    """All readings of this family."""
    for attribute, bits in {
        "any": 0.5,
        "same": 1.0,
        "colour": 1.5,
        "other": 2.0,
        "pair": 3.0,
    }.items():
        yield Reading(bits + 0.5, "cell_rays", ("north", attribute, "hit"))
        yield Reading(bits + 2.0, "cell_rays", ("north", attribute, "to_own"))
        for kind in ("colour8", "any8"):
            yield Reading(bits + 3.0, "middle_rays", (kind, attribute, "hit"))
            yield Reading(bits + 3.0, "middle_rays", (kind, attribute, "to_own"))


def propose_connections(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that draw lines between things."""
    if may_be_lines(problem):
        yield from propose_strokes(problem, meter, sorted(_readings()))
        yield from sift(_elbows(problem), problem, meter)


def _elbows(problem: Problem) -> Iterator[Proposal]:
    """Paths with one corner between the only cells of two colours."""
    counts = [np.bincount(grid.ravel(), minlength=10) for grid in problem.grids]
    dots = [c for c in range(10) if all(count[c] == 1 for count in counts)]
    changed = [o[i != o] for i, o in zip(problem.inputs, problem.outputs, strict=True)]
    colours = np.unique(np.concatenate(changed)).tolist()
    if len(colours) == 1:
        for start, end in permutations(dots, 2):
            for upright_first in (True, False):
                program = single("elbow", start, end, upright_first, colours[0])
                yield Proposal(program, ELBOW_BITS)
