"""Stamps: what is drawn around marked cells or objects, learned offset by offset.

What it does: an offset belongs to the stamp of a colour when the output there has one colour (or
the mark's own) around every mark, wherever that cell may be written. What it does not: stamps that
are turned or scaled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kit.induce.meter import Meter
from kit.induce.primitives.stamps import OWN, Stamp
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.things.objects import Thing, background_colour, segment

REACHES = (1, 2, 3, 4)
"""Cells that a stamp may reach beyond its mark."""
OUTSIDE = 255
OBJECT_KINDS = ("colour8", "any8", "colour4")
MOST_MARKS = 60
"""Marks of one kind in a grid; with more there is no sense in stamps."""
LEAST_MARKS = 2
"""Marks that must agree on a stamp."""
MARK_BITS, OFFSET_BITS, OWN_BITS, OBJECT_BITS = 4.0, 0.5, 2.0, 4.0
MOST_BITS = 32.0

Key = int | tuple[int, ...]


class _Book:
    """All demonstrations in one padded array, and marks by key.

    Attributes:
        given, wanted: (pairs, H + 2 pad, W + 2 pad), OUTSIDE around the grids.
        free: whether the input there is background.
        marks: key -> rows of (pair, row, column, colour of the mark).
    """

    def __init__(self, problem: Problem) -> None:
        pad = REACHES[-1]
        height = max(grid.shape[0] for grid in problem.inputs) + 2 * pad
        width = max(grid.shape[1] for grid in problem.inputs) + 2 * pad
        shape = (len(problem.inputs), height + pad, width + pad)
        self.given, self.wanted = np.full(shape, OUTSIDE), np.full(shape, OUTSIDE)
        self.free = np.zeros(shape, bool)
        self.marks: dict[Key, list[tuple[int, int, int, int]]] = {}
        for n, (given, wanted) in enumerate(zip(problem.inputs, problem.outputs, strict=True)):
            part = np.s_[n, pad : pad + given.shape[0], pad : pad + given.shape[1]]
            self.given[part], self.wanted[part] = given, wanted
            self.free[part] = given == background_colour(given)

    def stamp(self, key: Key, size: tuple[int, int], over: bool, own: bool) -> Stamp:
        """Offsets around the marks of a key at which all outputs agree and an input is changed."""
        marks = np.array(self.marks[key])
        if len(marks) < LEAST_MARKS:
            return ()
        reach = REACHES[-1]
        cells = []
        for dy in range(-reach, size[0] + reach):
            for dx in range(-reach, size[1] + reach):
                colour = self._agreed(marks, dy + reach, dx + reach, over, own)
                if colour is not None:
                    cells.append((dy, dx, colour))
        return tuple(cells)

    def _agreed(self, marks: np.ndarray, dy: int, dx: int, over: bool, own: bool) -> int | None:
        """The colour at one offset: one colour, or OWN; None where there is none or no change."""
        where = (
            marks[:, 0],
            np.minimum(marks[:, 1] + dy, self.given.shape[1] - 1),
            np.minimum(marks[:, 2] + dx, self.given.shape[2] - 1),
        )
        given, wanted = self.given[where], self.wanted[where]
        seen = given != OUTSIDE
        if not over:
            seen &= self.free[where]
        if not (seen & (given != wanted)).any():
            return None
        if own and (wanted == marks[:, 3])[seen].all():
            return OWN
        colours = np.unique(wanted[seen])
        return int(colours[0]) if len(colours) == 1 else None


def propose_stamps(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Stamps around cells by colour and at objects by size."""
    if not problem.same_size:
        return
    if all(np.array_equal(i, o) for i, o in zip(problem.inputs, problem.outputs, strict=True)):
        return
    plans = [_around_cells(problem, meter)]
    plans += [_at_objects(problem, kind, meter) for kind in OBJECT_KINDS]
    cheap = [p for p in best_first(*plans) if p.bits <= MOST_BITS]
    yield from sift(cheap, problem, meter, 4, 3.0)


def _around_cells(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """One stamp for each colour of the inputs that has one."""
    book = _Book(problem)
    for number, grid in enumerate(problem.inputs):
        for colour in np.unique(grid[grid != background_colour(grid)]).tolist():
            places = np.argwhere(grid == colour)
            if len(places) <= MOST_MARKS:
                rows = [(number, int(y), int(x), colour) for y, x in places]
                book.marks.setdefault(colour, []).extend(rows)
    for over, own, reach, stamps in _stamps(book, {key: (1, 1) for key in book.marks}, meter):
        used = {key: stamp for key, stamp in stamps.items() if stamp}
        if used:
            yield Proposal(single("draw_stamps", used, over), _bits(used, own) + reach / 2)


def _at_objects(problem: Problem, kind: str, meter: Meter) -> Iterator[Proposal]:
    """One stamp for each size of objects, or for each size and colour."""
    found = [segment(grid, kind) for grid in problem.inputs]
    if not all(0 < len(things) <= MOST_MARKS for things in found):
        return
    for with_colour in (False, True):
        book, sizes = _Book(problem), {}
        for number, things in enumerate(found):
            for thing in things:
                key = _key(thing, with_colour)
                sizes[key] = (thing.height, thing.width)
                row = (number, thing.y, thing.x, thing.colour)
                book.marks.setdefault(key, []).append(row)
        if any(_key(t, with_colour) not in sizes for g in problem.tests for t in segment(g, kind)):
            continue
        for over, own, reach, stamps in _stamps(book, sizes, meter):
            if any(stamps.values()):
                program = single("draw_stamps_at_objects", kind, stamps, over)
                yield Proposal(program, _bits(stamps, own) + OBJECT_BITS + reach / 2)


def _stamps(
    book: _Book, sizes: Mapping[Any, tuple[int, int]], meter: Meter
) -> Iterator[tuple[bool, bool, int, dict[Key, Stamp]]]:
    """Whether to write over things, whether the own colour is used, reach, and the stamps."""
    for over in (False, True):
        for own in (False, True):
            area = sum((h + 2 * REACHES[-1]) * (w + 2 * REACHES[-1]) for h, w in sizes.values())
            if not meter.spend(area / 2):
                return
            full = {k: book.stamp(k, size, over, own) for k, size in sorted(sizes.items())}
            for reach in REACHES:
                yield over, own, reach, {k: _near(s, sizes[k], reach) for k, s in full.items()}


def _near(stamp: Stamp, size: tuple[int, int], reach: int) -> Stamp:
    """The part of a stamp that stays within a reach of its mark."""
    height, width = size
    return tuple(
        (dy, dx, c)
        for dy, dx, c in stamp
        if -reach <= dy < height + reach and -reach <= dx < width + reach
    )


def _key(thing: Thing, with_colour: bool) -> tuple[int, ...]:
    """What decides the stamp of an object."""
    size = (thing.height, thing.width)
    return (*size, thing.colour) if with_colour else size


def _bits(stamps: Mapping[Any, Stamp], own: bool) -> float:
    """Marks are dear, offsets cheap (they come in symmetric groups)."""
    bits = OWN_BITS if own else 0.0
    for stamp in stamps.values():
        if stamp:
            bits += MARK_BITS + OFFSET_BITS * len(stamp)
            bits += math.log2(1 + len({colour for _, _, colour in stamp}))
    return bits
