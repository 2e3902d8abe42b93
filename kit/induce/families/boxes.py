"""Programs that paint areas which go with objects: rings, holes, boxes, corners, strips.

What it does: up to three kinds of area, each painted by a table of the object's properties; one
kind alone may leave cells unexplained that another explains. What it does not: lines that stop
at obstacles (see `rays`), or whole objects alone (see `object_recolour`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from kit.induce.families.object_recolour import (
    SOURCES,
    actions_of,
    named,
    source_bits,
    source_masks,
)
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, call
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.things.object_parts import PARTS, STRIPS, part_bits, part_of
from kit.induce.things.object_tables import Lesson, decide, learn_tables, lesson_of
from kit.induce.things.properties import Scene

MAX_BITS = 32.0
"""Longer programs have hardly ever been right on other grids."""

READINGS = {"colour4": 0.5, "colour8": 0.5, "any8": 1.0, "colour4_all": 3.0, "by_colour": 2.0}
"""Segmentation -> bits."""

MOST_BRUSHES = 24
"""Brushes, those that explain most first, that are tried together."""

MOST_CANDIDATES, PAIRED = 24, 8
"""Programs that are run; properties that are tried in pairs."""

MAX_OBJECTS = 200
"""In all demonstrations of a task."""

EVERYTHING = (1 << len(SOURCES)) - 1


class Brush(NamedTuple):
    """One kind of area with its table: it never paints a wrong cell.

    Attributes:
        arguments: of `paint_parts`, after canvas and source.
        painted: changed cells of all demonstrations that it explains, as one mask.
        bits: what naming it costs.
    """

    arguments: tuple[Any, ...]
    painted: np.ndarray
    bits: float


def propose_boxes(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs of one to three brushes, cheapest first."""
    if not problem.same_size:
        return
    pairs = zip(problem.inputs, problem.outputs, strict=True)
    changed = np.concatenate([(i != o).ravel() for i, o in pairs])
    if not changed.any():
        return
    brushes: list[Brush] = []
    for segmentation, bits in READINGS.items():
        lesson = lesson_of(problem.inputs, problem.tests, segmentation)
        if lesson is not None and len(lesson.owner) <= MAX_OBJECTS:
            brushes += _brushes(lesson, problem, bits, meter)
    candidates = best_first(_covers(brushes, changed))[:MOST_CANDIDATES]
    likely = [p for p in candidates if p.bits <= MAX_BITS]
    yield from sift(likely, problem, meter, nodes=30)


def _brushes(lesson: Lesson, problem: Problem, bits: float, meter: Meter) -> Iterator[Brush]:
    """Brushes under one segmentation."""
    masks = [source_masks(here) for here in lesson.scenes]
    for part in (*PARTS, *STRIPS):
        known: list[np.ndarray] = []
        for free_only in (True, False):
            if not meter.spend(0.5 * len(lesson.owner)):
                return
            learned = _allowed(lesson.scenes, masks, part, free_only, problem.outputs)
            if learned is None or any(np.array_equal(learned, k) for k in known):
                continue
            known.append(learned)
            for table in learn_tables(lesson, learned, meter, 3, PAIRED):
                arguments = (part, free_only, table.names, *named(table))
                yield Brush(
                    (lesson.scenes[0].segmentation, *arguments),
                    _painted(lesson.scenes, arguments, problem.outputs),
                    bits
                    + part_bits(part)
                    + 0.5 * (not free_only)
                    + table.bits
                    + sum(source_bits(SOURCES[a]) for a in actions_of(table)),
                )


def _area(here: Scene, index: int, part: str, free_only: bool) -> np.ndarray:
    """The cells of the grid that belong to a part of an object."""
    area = part_of(here.things[index], part, (here.cells.shape[0], here.cells.shape[1]))
    return area & (here.cells == here.background) if free_only else area


def _allowed(
    scenes: Sequence[Scene],
    masks: list[list[list[int]]],
    part: str,
    free_only: bool,
    outputs: tuple[np.ndarray, ...],
) -> np.ndarray | None:
    """Masks of right colours for all areas; None where there is no use in going on."""
    allowed: list[int] = []
    for here, own, wanted in zip(scenes, masks, outputs, strict=True):
        for index in range(len(here.things)):
            area = _area(here, index, part, free_only)
            after = wanted[area]
            if not len(after):
                allowed.append(EVERYTHING)
                continue
            right = int(np.array_equal(after, here.cells[area]))
            if (after == after[0]).all():
                right |= own[index][after[0]]
            if not right:
                return None
            allowed.append(right)
    return None if all(mask & 1 for mask in allowed) else np.array(allowed, dtype=np.int64)


def _painted(
    scenes: Sequence[Scene], arguments: tuple[Any, ...], outputs: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Changed cells that a brush reaches."""
    part, free_only, names, entries, otherwise = arguments
    reached = []
    for here, wanted in zip(scenes, outputs, strict=True):
        mask = np.zeros(wanted.shape, bool)
        for index, action in enumerate(decide(here, names, entries, otherwise) or ()):
            if action != "keep":
                mask |= _area(here, index, part, free_only)
        reached.append((mask & (here.cells != wanted)).ravel())
    return np.concatenate(reached)


def _covers(brushes: list[Brush], changed: np.ndarray) -> Iterator[Proposal]:
    """Sets of brushes that explain every changed cell together, but not without one of them."""
    whole = [b for b in brushes if b.painted.sum() == changed.sum()]
    for brush in whole:
        yield _proposal((brush,))
    useful = [b for b in brushes if 0 < b.painted.sum() < changed.sum()]
    useful = sorted(useful, key=lambda b: (-int(b.painted.sum()), b.bits))[:MOST_BRUSHES]
    for count in (2, 3):
        for chosen in combinations(useful, count):
            if np.array_equal(np.logical_or.reduce([b.painted for b in chosen]), changed):
                yield _proposal(chosen)


def _proposal(brushes: tuple[Brush, ...]) -> Proposal:
    """One line for each brush."""
    lines, canvas = [], "$input"
    for number, brush in enumerate(brushes, 1):
        target = "output" if number == len(brushes) else f"painted_{number}"
        lines.append(call("paint_parts", canvas, "$input", *brush.arguments, target=target))
        canvas = f"${target}"
    return Proposal(Program(tuple(lines)), sum(b.bits for b in brushes) + len(brushes) - 1)
