"""Programs on rows and columns: shifted, sorted, pushed, repeated, continued, unrolled.

What it does: chains of one or two such steps, with a colour table behind them. What it does not:
periods in two directions at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from kit.induce.chains import LISTING_SHARE, Option, Stage, grow_chains
from kit.induce.meter import Meter
from kit.induce.primitives.rows import AXES
from kit.induce.problem import Problem
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift

STEPS = (-3, -2, -1, 1, 2, 3)
"""Shifts from row to row that are tried."""


def propose_rows(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that treat a picture as a sequence of rows or columns."""
    listing = meter.part(LISTING_SHARE)
    if all(grid.shape[0] == 1 for grid in problem.grids):
        found = grow_chains(problem, listing, [Stage("output", _unrolled())], recolour=True)
        yield from sift(best_first(found), problem, meter)
    if not problem.same_size:
        return
    single = [Option(o.bits, o.primitive, ("$input", *o.arguments)) for o in _orders() + _fills()]
    found = chain(
        grow_chains(problem, listing, [Stage("output", single)], recolour=True),
        grow_chains(problem, listing, _pairs_of_steps()),
    )
    yield from sift(best_first(found), problem, meter)


def _pairs_of_steps() -> list[Stage]:
    """Two steps, one after the other."""
    steps = _orders() + _fills()
    short = [o for o in steps if o.primitive != "shift_rows"]
    first = [Option(o.bits, o.primitive, ("$input", *o.arguments)) for o in short]
    second = [Option(o.bits + 1.0, o.primitive, ("$half", *o.arguments)) for o in short]
    return [Stage("half", first), Stage("output", second)]


def _orders() -> list[Option]:
    """Steps that move cells."""
    options = []
    for axis in AXES:
        for end in (False, True):
            options.append(Option(2.0, "shift_to_edge", (axis, end)))
        for key, bits in {"cells": 3.0, "first": 4.0, "colour": 4.0, "colours": 4.0}.items():
            for descending in (False, True):
                options.append(Option(bits, "sort_rows", (axis, key, descending)))
        for around in (False, True):
            for step in STEPS:
                bits = 3.0 + abs(step)
                options.append(Option(bits, "shift_rows", (axis, step, 0, around)))
                options.append(Option(bits + 1.0, "shift_rows", (axis, 0, step, around)))
                options.append(Option(bits + 2.0, "shift_rows", (axis, step, step, around)))
    return options


def _fills() -> list[Option]:
    """Steps that continue a sequence."""
    options = []
    for axis in AXES:
        options.append(Option(2.0, "fill_periods", (axis,)))
        for seen, bits in {"all": 2.0, "content": 2.0, "spaced": 3.0}.items():
            options.append(Option(bits, "continue_rows", (axis, seen)))
    for direction in ("rows", "columns", "rising", "falling"):
        options.append(Option(3.0, "fill_stripes", (direction,)))
    return options


def _unrolled() -> list[Option]:
    """One row becomes several."""
    options = []
    for height in ("width", "half", "filled", "product"):
        for change in (-1, 1):
            for move, grow in ((change, 0), (0, change)):
                for up in (False, True):
                    arguments = ("$input", height, move, grow, up)
                    options.append(Option(4.0 + up, "unroll", arguments))
    return options
