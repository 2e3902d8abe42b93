"""Programs that paint or erase whole objects, each by a table of its properties.

What it does: outputs of the input's size in which every object has one colour and nothing else
changed. What it does not: change shapes (see `boxes`), move (see `object_motion`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.things.object_tables import Table, colour_for, learn_tables, lesson_of
from kit.induce.things.properties import Scene, colour_names

MAX_BITS = 32.0
"""Longer programs have hardly ever been right on other grids."""

READINGS = {
    "colour4": 0.5,
    "colour8": 0.5,
    "any4": 1.5,
    "any8": 1.5,
    "by_colour": 2.0,
    "colour4_all": 2.0,
}
"""Segmentation -> bits."""

SOURCES: tuple[int | str, ...] = ("keep", "background", *colour_names(), *range(10))
"""Actions: what an object is painted with."""


def source_bits(source: int | str) -> float:
    """What it costs to name a colour, or a way to find it."""
    if source in ("keep", "background"):
        return 0.5
    return 1.5 if isinstance(source, int) else 2.0


def propose_object_recolour(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Tables from properties to colours, cheapest first."""
    if not problem.same_size:
        return
    found: list[Proposal] = []
    for segmentation, bits in READINGS.items():
        if not meter.spend(20):
            break
        found += _by_objects(problem, segmentation, bits, meter)
    yield from sift([p for p in best_first(found) if p.bits <= MAX_BITS], problem, meter, nodes=20)


def _by_objects(
    problem: Problem, segmentation: str, bits: float, meter: Meter
) -> Iterator[Proposal]:
    """Programs under one segmentation."""
    lesson = lesson_of(problem.inputs, problem.tests, segmentation)
    if lesson is None:
        return
    allowed: list[int] = []
    for here, wanted in zip(lesson.scenes, problem.outputs, strict=True):
        nothing = here.around.owner < 0
        if not np.array_equal(here.cells[nothing], wanted[nothing]):
            return
        masks = source_masks(here)
        for thing, own in zip(here.things, masks, strict=True):
            place = np.s_[thing.y : thing.y + thing.height, thing.x : thing.x + thing.width]
            after = wanted[place][thing.mask]
            same = np.array_equal(after, here.cells[place][thing.mask])
            allowed.append(int(same) | (own[after[0]] if (after == after[0]).all() else 0))
    for table in learn_tables(lesson, np.array(allowed, dtype=np.int64), meter):
        yield Proposal(
            single("recolour_objects", segmentation, table.names, *named(table)),
            bits + table.bits + sum(source_bits(SOURCES[a]) for a in actions_of(table)),
        )


def actions_of(table: Table) -> list[int]:
    """The different actions of a table."""
    last = [] if table.otherwise is None else [table.otherwise]
    return sorted({*table.entries.values(), *last})


def named(table: Table) -> tuple[dict[object, int | str], int | str | None]:
    """Entries and fallback of a table, as colour sources."""
    entries = {key: SOURCES[action] for key, action in table.entries.items()}
    return entries, None if table.otherwise is None else SOURCES[table.otherwise]


def source_masks(here: Scene) -> list[list[int]]:
    """For each object and each of the 10 colours the mask of sources that give that colour."""
    masks = [[0] * 10 for _ in here.things]
    for number, source in enumerate(SOURCES[1:], 1):
        for index, own in enumerate(masks):
            colour = colour_for(here, index, source)
            if colour is not None:
                own[colour] |= 1 << number
    return masks
