"""Recolouring by a rule about colours: fixed tables, swaps, ranks, rings, legends in the grid.

What it does: outputs that are the input (or its largest object) in other colours. What it does not:
objects that are recoloured one by one; the object families do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from kit.induce.chains import LISTING_SHARE, Option, Stage, colour_table, grow_chains
from kit.induce.meter import Meter
from kit.induce.primitives.counting import tally
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.values import Image

RANKED = {"cells": 1.0, "all_cells": 1.5, "parts8": 2.0, "box": 3.0, "left": 3.0, "top": 3.0}
"""Measures that colours are ranked by, and what they cost."""

KINDS = ("any8", "any4")

UNSEEN_BITS = 5.0
"""Surcharge for a table that lacks a colour of a test picture."""


def propose_palettes(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that replace colours."""
    listing = meter.part(LISTING_SHARE)
    found = [_legends(problem, listing), _cut_swaps(problem, listing)]
    if problem.same_size:
        found += [_fixed(problem), grow_chains(problem, listing, [Stage("output", _swaps())])]
        found += [_ranks(problem, listing)]
    yield from sift(best_first(chain(*found)), problem, meter)


def _fixed(problem: Problem) -> Iterator[Proposal]:
    """One table for all pictures."""
    table = colour_table(problem.inputs, problem.outputs)
    if table:
        seen = {int(c) for grid in problem.inputs for c in np.unique(grid)}
        tested = {int(c) for grid in problem.tests for c in np.unique(grid)}
        bits = 1.0 + 2.0 * len(table) + UNSEEN_BITS * (not tested <= seen)
        yield Proposal(single("map_colours", table), bits)


def _swaps() -> list[Option]:
    """Colours change places."""
    options = [Option(1.0, "swap_colours", ("$input",))]
    for by in (0, 1, -1):
        options.append(Option(2.0 + abs(by), "turn_rings", ("$input", by)))
        for measure, bits in RANKED.items():
            options.append(Option(bits + 2.0 + abs(by), "turn_ranks", ("$input", measure, by)))
    for kind in KINDS:
        options.append(Option(2.0, "swap_in_objects", ("$input", kind)))
        for rarer in (True, False):
            options.append(Option(2.5, "flood_objects", ("$input", kind, rarer)))
    for kind in ("colour8", "any8"):
        for erase in (True, False):
            options.append(Option(3.0, "take_colour", ("$input", kind, erase)))
    return options


def _legends(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Tables that are drawn in the picture."""
    readings = [Option(1.0, "read_legend", ("$input", down)) for down in (False, True)]
    ways = [
        Option(1.0 + (way == "both"), "apply_legend", ("$input", "$legend", way, erase))
        for way in ("there", "back", "both")
        for erase in (False, True)
    ]
    legend = Stage("legend", readings)
    yield from grow_chains(problem, meter, [legend, Stage("output", ways)])
    crops = [Option(1.0, "crop_largest", ("$changed", kind)) for kind in KINDS]
    yield from grow_chains(problem, meter, [legend, Stage("changed", ways), Stage("output", crops)])


def _cut_swaps(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """The largest object with its colours exchanged."""
    cuts = [Option(1.0, "crop_largest", ("$input", kind)) for kind in KINDS]
    swaps = [Option(1.0, "swap_colours", ("$cut",))]
    swaps += [Option(2.0 + abs(by), "turn_rings", ("$cut", by)) for by in (0, 1, -1)]
    yield from grow_chains(problem, meter, [Stage("cut", cuts), Stage("output", swaps)])


def _ranks(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Each rank of colour has a colour of its own."""
    for measure, bits in RANKED.items():
        if not meter.spend(3.0 * len(problem.inputs)):
            return
        for from_last in (False, True):
            table = _rank_table(problem, measure, from_last)
            if table:
                cost = bits + from_last + 3.0 * len(table)
                yield Proposal(single("colours_by_rank", measure, table), cost)


def _rank_table(problem: Problem, measure: str, from_last: bool) -> dict[int, int] | None:
    """The table from ranks to colours that the demonstrations agree on."""
    table: dict[int, int] = {}
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        numbers = tally(Image(given), measure)
        changes = colour_table([given], [wanted])
        if numbers is None or changes is None:
            return None
        steps = sorted({number for _, number in numbers}, reverse=True)
        for colour, number in numbers:
            rank = steps.index(number) - len(steps) * from_last
            new = changes.get(colour)
            if table.setdefault(rank, -1 if new is None else new) != (-1 if new is None else new):
                return None
    return {rank: colour for rank, colour in sorted(table.items()) if colour >= 0}
