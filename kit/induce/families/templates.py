"""Programs that copy a template: unfinished copies completed, dots replaced, patterns marked.

What it does: as its primitives say. What it does not: learn stamps that are not in the input
(see `stamps`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.things.objects import background_colour, label_components

READINGS = {"any8": 0.5, "any4": 1.0, "colour8": 2.0}
"""Segmentation -> bits."""

TURN_BITS = {"same": 0.5, "all": 1.0, "rotations": 2.0, "mirrors": 2.0}

MOST_PATTERNS = 6


def propose_templates(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Copies of templates, cheapest first."""
    if not problem.same_size:
        return
    if all(np.array_equal(i, o) for i, o in zip(problem.inputs, problem.outputs, strict=True)):
        return
    candidates = best_first(_copies(), _dots(), _occurrences(problem))
    yield from sift(candidates, problem, meter, nodes=4)


def _copies() -> Iterator[Proposal]:
    """Programs that complete copies."""
    for segmentation, bits in READINGS.items():
        for turns, turn_bits in TURN_BITS.items():
            for scales in (1, 4):
                for keep in (True, False):
                    program = single("complete_copies", segmentation, turns, scales, keep)
                    total = 2.0 + bits + turn_bits + (scales > 1) + 1.5 * (not keep)
                    yield Proposal(program, total)


def _dots() -> Iterator[Proposal]:
    """Programs that draw copies around dots."""
    for segmentation, bits in READINGS.items():
        for own_colours in (True, False):
            for keep in (True, False):
                program = single("copy_to_dots", segmentation, own_colours, keep)
                yield Proposal(program, 4.0 + bits + own_colours + (not keep))


def _occurrences(problem: Problem) -> Iterator[Proposal]:
    """Programs that recolour a pattern; patterns are read off what changed."""
    old_new: set[tuple[int, int]] = set()
    patterns: list[str] = []
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        changed = given != wanted
        background = background_colour(given)
        pairs = sorted(zip(given[changed].tolist(), wanted[changed].tolist(), strict=True))
        old_new |= set(pairs)
        if len(old_new) != 1 or background in given[changed]:
            return
        labels, count = label_components(changed.astype(np.uint8), True, True, 0)
        for label in range(1, count + 1):
            patterns += _pattern(labels == label)
    ((old, new),) = old_new or {(0, 0)}
    if old == new:
        return
    common = sorted(set(patterns), key=lambda p: (-patterns.count(p), len(p), p))
    for pattern in common[:MOST_PATTERNS]:
        for turns, bits in TURN_BITS.items():
            program = single("recolour_occurrences", old, new, turns, pattern)
            yield Proposal(program, 6.0 + bits + 0.3 * len(pattern))


def _pattern(mask: np.ndarray) -> list[str]:
    """A changed area as text, as it is and with a free row and column all around."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if cut.size > 36 or cut.size < 2:
        return []
    return ["/".join("".join("#" if c else "." for c in row) for row in cut.tolist())]
