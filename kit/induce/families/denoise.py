"""Noise removal: a few filters with small parameters, one or two of them in a row.

What it does: same-size tasks whose outputs have no colour that is new to their input. What it does
not: repair of patterns (see repair).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call
from kit.induce.proposal import Proposal
from kit.induce.sift import sift

SIZES = (1, 2, 3, 4, 5, 6, 8, 10)
FIRST_BITS, SECOND_BITS = 6.0, 6.0


def propose_denoising(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Filters that give the outputs."""
    if not problem.same_size or not _fewer_colours(problem):
        return
    yield from sift(_candidates(problem), problem, meter, 6, 4.0)


def _fewer_colours(problem: Problem) -> bool:
    """Whether outputs differ from inputs and use only colours of their inputs."""
    pairs = list(zip(problem.inputs, problem.outputs, strict=True))
    if all(np.array_equal(i, o) for i, o in pairs):
        return False
    return all(np.isin(o, i).all() for i, o in pairs)


def _candidates(problem: Problem) -> Iterator[Proposal]:
    """One filter, then two."""
    filters = _filters(problem)
    for bits, name, arguments in filters:
        yield Proposal(_program((name, arguments)), FIRST_BITS + bits)
    colours = [f for f in filters if f[1] == "remove_colour_noise"]
    for first in colours:
        for second in filters:
            if second != first:
                bits = FIRST_BITS + SECOND_BITS + first[0] + second[0]
                yield Proposal(_program(first[1:], second[1:]), bits)


def _filters(problem: Problem) -> list[tuple[float, str, tuple[int | bool, ...]]]:
    """Bits, primitive and its literal arguments, cheapest first."""
    found: list[tuple[float, str, tuple[int | bool, ...]]] = []
    common = set.intersection(*(set(np.unique(grid).tolist()) for grid in problem.grids))
    found += [(2.0, "remove_colour_noise", (c,)) for c in sorted(common)]
    for one_colour in (True, False):
        for diagonal in (True, False):
            found.append((1.0, "keep_largest_object", (diagonal, one_colour)))
            for place, most in enumerate(SIZES):
                found.append((place / 2, "remove_small_objects", (diagonal, one_colour, most)))
        for side in (2, 3, 4):
            found.append((side / 2, "keep_squares", (side, one_colour)))
    for place, most in enumerate(SIZES):
        found.append((1 + place / 2, "melt_small_areas", (most,)))
        for diagonal in (False, True):
            bits = 3 + place / 2
            found.append((bits, "fill_boxes_with_majority", (diagonal, most)))
    for times in (1, 2):
        for outvote in (4, 5, 6, 7):
            found.append((2.0 + times, "smooth_majority", (times, outvote)))
    return sorted(found, key=lambda f: f[0])


def _program(*filters: tuple[str, tuple[int | bool, ...]]) -> Program:
    """Filters in a row."""
    lines: list[Statement] = []
    source = "$input"
    for number, (name, arguments) in enumerate(filters, 1):
        target = "output" if number == len(filters) else f"cleaned_{number}"
        lines.append(call(name, source, *arguments, target=target))
        source = f"${target}"
    return Program(tuple(lines))
