"""Lines that leave cells or objects: to the edge, until something is in the way, bouncing.

What it does: try every reading of "source and way of running" whose strokes reach all cells that
must change, and learn which labels are painted and how. What it does not: strokes that need an end
of their own kind; connect.py has those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from kit.induce.chains import LISTING_SHARE
from kit.induce.meter import Meter
from kit.induce.primitives.registry import primitives
from kit.induce.problem import Problem
from kit.induce.program import Program, call
from kit.induce.proposal import Proposal
from kit.induce.readings.paint_tables import (
    Table,
    covers_changes,
    learn_paints,
    table_bits,
    tables_of,
)
from kit.induce.readings.strokes import Strokes
from kit.induce.sift import best_first, sift
from kit.induce.things.objects import background_colour
from kit.induce.things.properties import property_bits
from kit.induce.values import Image

UNSEEN_BITS = 4.0
"""Surcharge when a test picture has strokes whose source no demonstration has."""

CROSSING_BITS = 4.0
"""Surcharge for a colour of crossings."""

PASSING_RULES = ("through", "to_own")
"""Rules whose strokes have things in their way that they may cover."""

MAX_BITS = 22.0
"""Dearer programs are coincidences."""

MAX_FOUND = 12
"""Right readings after which dearer ones are not tried."""

MAX_THINNED = 24
"""Longer tables are not thinned."""


class Reading(NamedTuple):
    """One way to see strokes in a picture.

    Attributes:
        bits: what it costs to name it.
        primitive, arguments: the call that makes the strokes, without the picture.
    """

    bits: float
    primitive: str
    arguments: tuple[str, ...]

    def way(self) -> tuple[str, ...]:
        """All but the attribute: which cells the strokes reach depends on no more."""
        *source, _, rule = self.arguments
        return (self.primitive, *source, rule)


RULE_BITS = {
    "through": 0.0,
    "stop": 0.5,
    "clear": 2.0,
    "hit": 2.0,
    "bounce_sides": 3.0,
    "bounce_ends": 3.0,
    "turn_right": 4.0,
    "turn_left": 4.0,
    "reflect": 4.0,
}
FRAME_BITS = {"north": 0.0, "neighbour": 2.0, "edge": 2.5, "tip": 2.5}
ATTRIBUTE_BITS = {"any": 0.5, "colour": 1.0}
RARE_ATTRIBUTES = {
    "rarer": ("north", "neighbour"),
    "other": ("north",),
    "pair": ("north",),
}
PROPERTIES = (
    *("line_kind", "is_dot", "size", "is_largest", "is_smallest", "is_full"),
    *("has_unique_colour", "has_rare_colour", "has_fewest_cells", "touches_border", "touches"),
)
"""Properties of a source's object that are tried as attributes."""


def _readings() -> Iterator[Reading]:
    """All readings of this family."""
    for rule, rule_bits in RULE_BITS.items():
        for attribute, bits in ATTRIBUTE_BITS.items():
            for frame, frame_bits in FRAME_BITS.items():
                arguments = (frame, attribute, rule)
                yield Reading(rule_bits + bits + frame_bits, "cell_rays", arguments)
            if rule_bits > 2.0:
                continue
            for source in ("corner_rays", "middle_rays", "notch_rays"):
                for kind in ("colour8", "any8"):
                    yield Reading(rule_bits + bits + 2.5, source, (kind, attribute, rule))
        if rule_bits <= 2.0:
            yield Reading(rule_bits + 2.0, "edge_rays", ("any", rule))
            yield Reading(rule_bits + 3.0, "edge_rays", ("other", rule))
    for rule in ("through", "stop"):
        for name in PROPERTIES:
            bits = RULE_BITS[rule] + 2.0 + property_bits(name)
            yield Reading(bits, "cell_rays", ("north", name, rule))
        for attribute, frames in RARE_ATTRIBUTES.items():
            for frame in frames:
                bits = RULE_BITS[rule] + FRAME_BITS[frame] + 3.5
                yield Reading(bits, "cell_rays", (frame, attribute, rule))


def propose_rays(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that draw lines away from cells or objects."""
    if may_be_lines(problem):
        yield from propose_strokes(problem, meter, sorted(_readings()))


def may_be_lines(problem: Problem) -> bool:
    """Whether outputs are inputs with a part of the background painted over."""
    if not problem.same_size:
        return False
    moved = False
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        changed = given != wanted
        moved = moved or bool(changed.any())
        if changed.any() and not (given[changed] == background_colour(given)).any():
            return False
    return moved


def propose_strokes(
    problem: Problem, meter: Meter, readings: Sequence[Reading]
) -> Iterator[Proposal]:
    """Programs that paint the strokes of one of these readings."""
    found = best_first(_candidates(problem, meter.part(LISTING_SHARE), readings))
    yield from sift(found, problem, meter)


def _candidates(problem: Problem, meter: Meter, readings: Sequence[Reading]) -> Iterator[Proposal]:
    """Programs with learned tables that are right on all pairs."""
    covers = _covers(problem)
    hopeless: set[tuple[str, ...]] = set()
    found = 0
    for reading in readings:
        if found >= MAX_FOUND:
            return
        if reading.way() in hopeless:
            continue
        if not meter.spend(10.0 * len(problem.inputs)):
            return
        strokes = _strokes_of_pairs(problem, reading)
        if strokes is None:
            continue
        if not _reach_changes(problem, strokes):
            hopeless.add(reading.way())
            continue
        over = covers and reading.arguments[-1] in PASSING_RULES
        meter.spend(50.0 * len(problem.inputs))
        table, crossing = _right_table(problem, strokes, over)
        if table:
            bits = reading.bits + over + table_bits(table) + _unseen(problem, reading, strokes)
            bits += CROSSING_BITS * (crossing is not None)
            if bits <= MAX_BITS:
                found += 1
                yield Proposal(_program(reading, table, over, crossing), bits)


def _covers(problem: Problem) -> bool:
    """Whether cells change that are not background."""
    pairs = zip(problem.inputs, problem.outputs, strict=True)
    return any(bool(((i != o) & (i != background_colour(i))).any()) for i, o in pairs)


def _right_table(problem: Problem, strokes: list[Strokes], over: bool) -> tuple[Table, int | None]:
    """A table that is right on all pairs, and the colour of crossings if it needs one."""
    for cycles in (False, True):
        for table in tables_of(learn_paints(strokes, problem, over, cycles)):
            is_right, crossing = _check(problem, strokes, table, over)
            if is_right:
                return _thinned(problem, strokes, table, over, crossing), crossing
    return {}, None


def _check(
    problem: Problem, strokes: list[Strokes], table: Table, over: bool
) -> tuple[bool, int | None]:
    """Whether a table is right on all pairs, perhaps with one colour for all crossings."""
    paint, cross = primitives()["paint_strokes"], primitives()["paint_crossings"]
    pairs = list(zip(strokes, problem.inputs, problem.outputs, strict=True))
    painted = [paint(Image(given), lines, table, over) for lines, given, _ in pairs]
    wrong = [image.cells != o for image, (_, _, o) in zip(painted, pairs, strict=True)]
    if not any(w.any() for w in wrong):
        return True, None
    colours = np.unique(np.concatenate([o[w] for w, (_, _, o) in zip(wrong, pairs, strict=True)]))
    if len(colours) > 1:
        return False, None
    crossing = int(colours[0])
    for image, (lines, _, wanted) in zip(painted, pairs, strict=True):
        if not np.array_equal(cross(image, lines, table, crossing).cells, wanted):
            return False, None
    return True, crossing


def _thinned(
    problem: Problem, strokes: list[Strokes], table: Table, over: bool, crossing: int | None
) -> Table:
    """The table without the entries that it costs more to name than to miss."""
    if len(table) > MAX_THINNED:
        return table
    for label in list(table):
        fewer = {key: paint for key, paint in table.items() if key != label}
        cheaper = fewer and table_bits(fewer) < table_bits(table)
        if cheaper and _check(problem, strokes, fewer, over) == (True, crossing):
            table = fewer
    return table


def _program(reading: Reading, table: Table, over: bool, crossing: int | None) -> Program:
    """The program of a reading and its table."""
    lines = call(reading.primitive, "$input", *reading.arguments, target="strokes")
    if crossing is None:
        return Program((lines, call("paint_strokes", "$input", "$strokes", table, over)))
    painted = call("paint_strokes", "$input", "$strokes", table, over, target="painted")
    crossed = call("paint_crossings", "$painted", "$strokes", table, crossing)
    return Program((lines, painted, crossed))


def _strokes_of_pairs(problem: Problem, reading: Reading) -> list[Strokes] | None:
    """The strokes of every demonstration; None where one has none to tell of."""
    make = primitives()[reading.primitive]
    found = []
    for given in problem.inputs:
        strokes = make(Image(given), *reading.arguments)
        if strokes is None:
            return None
        found.append(strokes)
    return found


def _reach_changes(problem: Problem, strokes: list[Strokes]) -> bool:
    """Whether every cell that must change lies on a stroke."""
    pairs = zip(strokes, problem.inputs, problem.outputs, strict=True)
    return all(covers_changes(*pair) for pair in pairs)


def _unseen(problem: Problem, reading: Reading, strokes: list[Strokes]) -> float:
    """The surcharge for sources that only a test picture has."""
    seen = {attribute for s in strokes for attribute, _ in s.labels}
    for grid in problem.tests:
        made = primitives()[reading.primitive](Image(grid), *reading.arguments)
        if made is None or not {attribute for attribute, _ in made.labels} <= seen:
            return UNSEEN_BITS
    return 0.0
