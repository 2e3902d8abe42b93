"""Objects laid out anew: sorted, joined, moved together into a compact grid.

What it does: take the objects out, perhaps drop repeats, turn them into dots or put them in order,
and lay them out; or sort them where they stand. What it does not: choose some of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from kit.induce.chains import LISTING_SHARE, Option, Stage, grow_chains
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift

KINDS = {"colour8": 1.0, "any8": 1.0, "colour4": 1.5, "by_colour": 1.5, "colour4_all": 2.0}
KEYS = {
    "cells": 1.0,
    "left": 1.0,
    "top": 1.0,
    "area": 2.0,
    "width": 2.0,
    "height": 2.0,
    "right": 2.5,
    "bottom": 2.5,
    "colours": 3.0,
}


def propose_arrangements(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that lay out a picture's objects."""
    listing = meter.part(LISTING_SHARE)
    if problem.same_size:
        found = grow_chains(problem, listing, [Stage("output", _sorted_in_place())])
    else:
        found = chain(
            *(grow_chains(problem, listing, stages, recolour=True) for stages in _layouts())
        )
    yield from sift(best_first(found), problem, meter)


def _sorted_in_place() -> list[Option]:
    """Objects that exchange their places."""
    return [
        Option(kind_bits + bits + 1.0, "sort_objects", ("$input", kind, key, descending))
        for kind, kind_bits in KINDS.items()
        for key, bits in KEYS.items()
        for descending in (False, True)
    ]


def _layouts() -> Iterator[list[Stage]]:
    """The ways to a new picture."""
    objects = Stage(
        "objects", [Option(bits, "objects_of", ("$input", kind)) for kind, bits in KINDS.items()]
    )
    dots = Stage("dots", [Option(1.0, "as_dots", ("$objects",))])
    distinct = Stage("kinds", [Option(2.0, "distinct_images", ("$objects",))])
    colours = [Option(1.0, "lattice_of_colours", ("$objects",))]
    yield [objects, Stage("output", [*colours, *_grids("$objects")])]
    yield [objects, dots, Stage("output", _grids("$dots"))]
    yield [objects, _ordered("$objects"), Stage("output", _joins("$ordered"))]
    yield [objects, _ordered("$objects"), _dotted(), Stage("output", _joins("$dots")[:2])]
    yield [objects, distinct, _ordered("$kinds"), Stage("output", _joins("$ordered"))]


def _ordered(images: str) -> Stage:
    """The stage that puts images in order."""
    options = [
        Option(bits + descending, "order_images", (images, key, descending))
        for key, bits in KEYS.items()
        for descending in (False, True)
    ]
    return Stage("ordered", options)


def _dotted() -> Stage:
    """The stage that turns ordered images into dots."""
    return Stage("dots", [Option(1.0, "as_dots", ("$ordered",))])


def _grids(images: str) -> list[Option]:
    """Layouts that keep rows and columns."""
    return [Option(1.0 + gap, "lattice", (images, gap)) for gap in (0, 1)]


def _joins(images: str) -> list[Option]:
    """Layouts in a line; the two plain ones come first."""
    plain = [Option(1.0, "join_images", (images, down, 0, "start")) for down in (False, True)]
    rest = [
        Option(1.0 + gap + (align != "start"), "join_images", (images, down, gap, align))
        for down in (False, True)
        for gap in (0, 1)
        for align in ("start", "middle", "end")
        if gap or align != "start"
    ]
    placed = [Option(2.0, "join_in_place", (images, down)) for down in (False, True)]
    return plain + rest + placed
