"""Counting: small pictures that show how many of something there are, or of which colour the most.

What it does: tallies of colours as ordered colours, bars and single-coloured pictures; one number
as so many filled cells, as the size of the picture, or as the key of a table of pictures. What it
does not: counts that steer a change of the input.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from kit.induce.chains import LISTING_SHARE, Option, Stage, grow_chains
from kit.induce.meter import Meter
from kit.induce.primitives.counting import ORDERS, tally
from kit.induce.primitives.registry import primitives
from kit.induce.problem import Problem
from kit.induce.program import Program, call
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.values import Image

MEASURE_BITS = {
    "cells": 1.0,
    "all_cells": 1.5,
    "parts8": 1.0,
    "parts4": 1.5,
    "largest": 2.0,
    "dots": 3.0,
    "blocks": 3.0,
    "box": 3.0,
    "height": 3.0,
    "width": 3.0,
    "all_top": 3.0,
    "all_left": 3.0,
    "top": 3.0,
    "left": 3.0,
}
COUNTS = ("cells", "parts8", "parts4", "dots", "blocks")
"""Measures whose sums over the colours are counts."""

MAX_AREA = 120
"""Largest mean area of outputs that show numbers."""

MAX_SAME_AREA = 30
"""The same for outputs of the size of their inputs."""

LOOK_UP_BITS = 4.0
"""What a table of pictures costs, besides 2.5 bits an entry."""

MIN_REPEATS = 2
"""Demonstrations that a table of pictures must be spared by others with the same number."""


def propose_counting(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that show numbers."""
    area = sum(output.size for output in problem.outputs) / len(problem.outputs)
    if area > (MAX_SAME_AREA if problem.same_size else MAX_AREA):
        return
    listing = meter.part(LISTING_SHARE)
    found = chain(
        grow_chains(problem, listing, _tally_stages("colour_line", (False, True))),
        grow_chains(problem, listing, _tally_stages("bars", ("left", "right", "top", "bottom"))),
        grow_chains(problem, listing, _tally_stages("colour_line", (False, True), drop=True)),
        _solids(problem, listing),
        _figures(problem, listing),
        _tables(problem, listing),
    )
    yield from sift(best_first(found), problem, meter)


def _tallies(measures: tuple[str, ...] = tuple(MEASURE_BITS)) -> Stage:
    """The stage that counts per colour."""
    return Stage("numbers", [Option(MEASURE_BITS[m], "tally", ("$input", m)) for m in measures])


def _tally_stages(drawing: str, ways: tuple[object, ...], drop: bool = False) -> list[Stage]:
    """Count, leave the most or least out if wanted, order, draw."""
    given = "$fewer" if drop else "$numbers"
    extremes = [Option(2.5, "drop_extreme", ("$numbers", most)) for most in (True, False)]
    dropped = [Stage("fewer", extremes)] if drop else []
    orders = [Option(1.0, "order_tally", (given, d)) for d in (True, False)]
    drawn = [Option(np.log2(len(ways)), drawing, ("$ordered", way)) for way in ways]
    return [_tallies(), *dropped, Stage("ordered", orders), Stage("output", drawn)]


def _fixed_shape(problem: Problem) -> tuple[int, int] | None:
    """The size that all outputs have."""
    shapes = {output.shape for output in problem.outputs}
    height_width = shapes.pop()
    return None if shapes else (int(height_width[0]), int(height_width[1]))


def _solids(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Pictures filled with the colour of most or least."""
    shape = _fixed_shape(problem)
    if any(len(np.unique(output)) > 1 for output in problem.outputs):
        return
    extremes = [Option(1.0, "extreme_colour", ("$numbers", most)) for most in (True, False)]
    drawn = [Option(0.0, "flood_like", ("$colour", "$input"))]
    if shape is not None:
        drawn.append(Option(0.5, "solid", ("$colour", *shape)))
    stages = [_tallies(), Stage("colour", extremes), Stage("output", drawn)]
    yield from grow_chains(problem, meter, stages)


def _number_stage(problem: Problem) -> Stage:
    """One number from a tally."""
    common = set(range(10)).intersection(*(np.unique(grid).tolist() for grid in problem.grids))
    options = [Option(0.0, "total", ("$numbers",)), Option(1.0, "how_many", ("$numbers",))]
    options += [Option(2.5, "number_of", ("$numbers", c)) for c in sorted(common)]
    return Stage("number", options)


def _figures(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """One number as filled cells, or as the size of the picture."""
    shape = _fixed_shape(problem)
    fixed = sorted(problem.output_colours - {0})
    colour = fixed[0] if len(fixed) == 1 else "$colour"
    forms = ("square", "row", "column", "diagonal", "antidiagonal")
    drawn = [Option(1.5, "figure", ("$number", colour, form)) for form in forms]
    if shape is not None:
        drawn = [Option(2.0, "fill_first", ("$number", colour, o, *shape)) for o in ORDERS]
    stages = [_tallies(COUNTS), _number_stage(problem), Stage("output", drawn)]
    if len(fixed) != 1:
        stages.insert(0, Stage("colour", [Option(0.0, "lone_colour", ("$input",))]))
    yield from grow_chains(problem, meter, stages)


def _tables(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """One number as the key of a table of pictures."""
    texts = ["/".join("".join(map(str, row)) for row in o.tolist()) for o in problem.outputs]
    if not 1 < len(set(texts)) <= 6 or max(map(len, texts)) > 40:
        return
    for measure in _tallies(COUNTS).options:
        tallies = [tally(Image(grid), measure.arguments[1]) for grid in problem.inputs]
        if not meter.spend(2.0 * len(tallies)):
            return
        for option in _number_stage(problem).options:
            compute = primitives()[option.primitive]
            numbers = [None if t is None else compute(t, *option.arguments[1:]) for t in tallies]
            table = dict(zip(numbers, texts, strict=True))
            if None in table or len(table) + MIN_REPEATS > len(texts):
                continue
            if [table[number] for number in numbers] != texts:
                continue
            lines = (
                call("tally", *measure.arguments, target="numbers"),
                call(option.primitive, *option.arguments, target="number"),
                call("look_up", "$number", dict(sorted(table.items()))),
            )
            bits = LOOK_UP_BITS + measure.bits + option.bits + 2.5 * len(table)
            yield Proposal(Program(lines), bits)
