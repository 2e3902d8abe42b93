"""Outputs as layers of enumerated images: the general family.

Every expression up to some depth is evaluated on all examples at once; those of the output's size
are pieces; a greedy cover with several beginnings lays them over each other. Outputs that one
expression gives by itself are covers of one layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.arc.grid import MAX_SIDE
from kit.induce.enumeration.columns import (
    Arena,
    Column,
    fit_to_frame,
    grow,
    make_arena,
    stack_lists,
)
from kit.induce.enumeration.cover import (
    DOT_BITS,
    PAINT_BITS,
    Cover,
    Layers,
    Use,
    first_layers,
    greedy_cover,
    make_layers,
    pack,
    painted,
    whole_layers,
)
from kit.induce.enumeration.operations import LATE_FRAME_OPERATIONS
from kit.induce.enumeration.sizes import Frame, frames
from kit.induce.meter import Meter
from kit.induce.primitives.layers import OPEN
from kit.induce.primitives.measures import picture
from kit.induce.problem import Problem
from kit.induce.program import Name, Program, Statement
from kit.induce.proposal import Family, Proposal

FRAMED_BITS = 4.0
PICTURE_BITS = 14.0
PARTIAL_BITS = 12.0
"""Added for every demonstration that a cover does not explain."""

OPEN_BITS = 4.0
"""Added when cells of a test output stay open and become 0."""

MAX_LAYER_CELLS = 40_000_000
"""Most cells that all pieces of one size hypothesis may hold; the dearer ones are left out."""

MAX_DOTS = 8
MAX_FRAMES = 3
MAX_WHOLE = 24
BEGINNINGS = 12
LAYER_BITS_LIMITS = (9.0, 14.0, 20.0, np.inf)
"""Covers are looked for with layers up to each of these lengths: short ones first."""


@dataclass(frozen=True, slots=True)
class _Canvas:
    """One output-size hypothesis with its pieces.

    Attributes:
        columns: of the pieces, cheapest first.
        bounds: where each demonstration's, then each test's cells begin in a flat picture.
        wanted: (C,) cells of the demonstrations' outputs.
    """

    columns: tuple[int, ...]
    layers: Layers
    bounds: tuple[int, ...]
    wanted: np.ndarray

    def counts(self, *skipped: int) -> np.ndarray:
        """(W,) bit set of the demonstrations' cells, some demonstrations left out."""
        mask = np.ones((1, self.wanted.size), bool)
        for pair in skipped:
            mask[0, self.bounds[pair] : self.bounds[pair + 1]] = False
        return pack(mask)[0]


def stacking(depth: int, max_columns: int = 30_000, max_cells: int = 60_000_000) -> Family:
    """The family with expressions of up to `depth` operations (and one more to fit the size)."""

    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        largest = max(grid.size for grid in (*problem.grids, *problem.outputs))
        arena = make_arena(problem.grids, largest, max_cells)
        begin = 0
        found: tuple[Frame, ...] = ()
        for level in range(depth):
            end = len(arena.columns)
            done = grow(arena, begin, end, meter.part(0.7), max_columns)
            begin = end
            if level == 0:
                found = frames(problem, arena, MAX_FRAMES)
                if found:
                    fit_to_frame(arena, range(begin), found[0].column, meter.part(0.2), FRAMED_BITS)
            if not done:
                break
        stack_lists(arena, range(begin, len(arena.columns)), meter.part(0.2), FRAMED_BITS)
        found = found or frames(problem, arena, 1)
        for frame in found:
            yield from _propose_in(problem, arena, frame, begin, meter.part(1 / len(found)))

    return propose


def _propose_in(
    problem: Problem, arena: Arena, frame: Frame, begin: int, meter: Meter
) -> Iterator[Proposal]:
    """Covers for one size hypothesis, shortest first."""
    last = range(begin, len(arena.columns))
    fit_to_frame(arena, last, frame.column, meter.part(0.3), FRAMED_BITS, (("embed", ()),))
    canvas = _canvas(problem, arena, frame)
    if canvas is None:
        return
    if not problem.same_size and not whole_layers(canvas.layers, canvas.counts(), 1):
        # Tiling, stretching ... of the dearest images is dear, and pays only for other sizes.
        ways = LATE_FRAME_OPERATIONS
        fit_to_frame(arena, last, frame.column, meter.part(0.3), FRAMED_BITS, ways)
        canvas = _canvas(problem, arena, frame) or canvas
    best: dict[bytes, tuple[float, Cover]] = {}
    for cover, extra in _covers(canvas, len(problem.inputs), meter):
        cells = painted(canvas.layers, cover)
        tests = cells[canvas.bounds[len(problem.inputs)] :]
        wrong = _wrong_pairs(canvas, cells, len(problem.inputs))
        if wrong == len(problem.inputs):
            continue
        bits = cover.bits + frame.bits + extra + PARTIAL_BITS * wrong
        bits += OPEN_BITS * bool((tests == OPEN).any())
        key = np.where(tests == OPEN, 0, tests).tobytes()
        if key not in best or bits < best[key][0]:
            best[key] = (bits, cover)
    left_out = _left_out(canvas, len(problem.inputs), meter) if best else None
    for bits, cover in sorted(best.values(), key=lambda b: b[0])[:12]:
        yield Proposal(_program(arena, canvas, cover), bits, left_out)


def _canvas(problem: Problem, arena: Arena, frame: Frame) -> _Canvas | None:
    """All images of the frame's size on every example, as layers."""
    tests = arena.columns[frame.column].values[len(problem.inputs) :]
    shapes = tuple(o.shape for o in problem.outputs) + tuple(v.cells.shape for v in tests)
    if max(max(shape) for shape in shapes) > MAX_SIDE:
        return None
    _add_pictures(problem, arena, shapes)
    fitting = [
        i
        for i, column in enumerate(arena.columns)
        if not column.many
        and all(v.cells.shape == s for v, s in zip(column.values, shapes, strict=True))
    ]
    total = sum(height * width for height, width in shapes)
    fitting = sorted(fitting, key=lambda i: arena.columns[i].bits)[: MAX_LAYER_CELLS // total]
    pieces = np.empty((len(fitting), total), np.uint8)
    for row, index in enumerate(fitting):
        np.concatenate([v.cells.ravel() for v in arena.columns[index].values], out=pieces[row])
    wanted = np.concatenate([output.ravel() for output in problem.outputs])
    bits = np.array([arena.columns[i].bits for i in fitting])
    areas = [height * width for height, width in shapes]
    paints = (*_constant_paints(problem, total), *_dot_paints(arena, areas))
    layers = make_layers(pieces, bits, wanted, paints)
    bounds = np.cumsum([0, *areas])
    return _Canvas(tuple(fitting), layers, tuple(bounds.tolist()), wanted)


def _constant_paints(problem: Problem, total: int) -> Iterator[Use]:
    """Painting in each colour that all outputs have."""
    everywhere = set(range(1, 10))
    for output in problem.outputs:
        everywhere &= set(np.unique(output).tolist())
    for colour in sorted(everywhere):
        yield Use(f"paint {colour}", PAINT_BITS, np.full(total, colour, np.uint8))


def _dot_paints(arena: Arena, areas: list[int]) -> Iterator[Use]:
    """Painting in colours that differ between the examples: those of one-cell images."""
    dots: dict[tuple[int, ...], int] = {}
    for index in sorted(range(len(arena.columns)), key=lambda i: arena.columns[i].bits):
        column = arena.columns[index]
        if column.many or any(v.cells.size > 1 for v in column.values):
            continue
        colours = tuple(int(v.cells[0, 0]) for v in column.values)
        if min(colours) > 0 and len(set(colours)) > 1 and len(dots) < MAX_DOTS:
            dots.setdefault(colours, index)
    for colours, index in dots.items():
        flat = np.repeat(np.array(colours, np.uint8), areas)
        yield Use("dot", DOT_BITS + arena.columns[index].bits / 2, flat, index)


def _add_pictures(problem: Problem, arena: Arena, shapes: tuple[tuple[int, int], ...]) -> None:
    """The first outputs as constants, where all outputs have one size."""
    if len(set(shapes)) > 1:
        return
    for output in problem.outputs[:2]:
        rows = "/".join("".join(str(c) for c in row) for row in output.tolist())
        values = tuple(picture(rows) for _ in problem.grids)
        arena.add(Column(values, False, "picture", (rows,), (), 1, PICTURE_BITS))


def _covers(canvas: _Canvas, pairs: int, meter: Meter) -> Iterator[tuple[Cover, float]]:
    """Covers of all demonstrations, then of all but one, with bits for what they lack."""
    layers, counts = canvas.layers, canvas.counts()
    for index in whole_layers(layers, counts, MAX_WHOLE):
        yield Cover((index,), float(layers.bits[index]), True), 0.0
    complete = False
    for limit in _limits(layers):
        for first in (None, *first_layers(layers, counts, limit, BEGINNINGS)):
            if not meter.spend(1 + layers.writes.size / 2000):
                return
            cover = greedy_cover(layers, counts, first, limit)
            if cover.done:
                complete = True
                yield cover, 0.0
            elif cover.layers:
                yield cover, PARTIAL_BITS
    if complete:
        return
    for skipped in _left_aside(pairs):
        for limit in _limits(layers):
            if not meter.spend(1 + layers.writes.size / 2000):
                return
            cover = greedy_cover(layers, canvas.counts(*skipped), None, limit)
            if cover.done:
                yield cover, 0.0


def _left_aside(pairs: int) -> Iterator[tuple[int, ...]]:
    """Demonstrations that a cover may ignore: one, then two, but not all."""
    for number in range(1, min(3, pairs)):
        yield from itertools.combinations(range(pairs), number)


def _limits(layers: Layers) -> list[int]:
    """How many of the layers, which are sorted by length, each bound on the length leaves."""
    counts = [int(np.searchsorted(layers.bits, bits, "right")) for bits in LAYER_BITS_LIMITS]
    return sorted({count for count in counts if count})


def _wrong_pairs(canvas: _Canvas, cells: np.ndarray, pairs: int) -> int:
    """How many demonstrations a picture does not reproduce; open cells become 0."""
    closed = np.where(cells == OPEN, 0, cells)
    wrong = closed[: canvas.wanted.size] != canvas.wanted
    return sum(bool(wrong[canvas.bounds[i] : canvas.bounds[i + 1]].any()) for i in range(pairs))


def _left_out(canvas: _Canvas, pairs: int, meter: Meter) -> float | None:
    """Share of demonstrations that the shortest cover of the others predicts."""
    if pairs < 2:
        return None
    right = 0
    for skipped in range(pairs):
        counts = canvas.counts(skipped)
        covers = [
            Cover((i,), float(canvas.layers.bits[i]), True)
            for i in whole_layers(canvas.layers, counts, 1)
        ]
        for limit in _limits(canvas.layers):
            if not meter.spend(1 + canvas.layers.writes.size / 2000):
                return None
            covers.append(greedy_cover(canvas.layers, counts, None, limit))
        done = [cover for cover in covers if cover.done]
        if done:
            best = min(done, key=lambda cover: cover.bits)
            cells = painted(canvas.layers, best)[
                canvas.bounds[skipped] : canvas.bounds[skipped + 1]
            ]
            wanted = canvas.wanted[canvas.bounds[skipped] : canvas.bounds[skipped + 1]]
            right += bool((np.where(cells == OPEN, 0, cells) == wanted).all())
    return right / pairs


def _program(arena: Arena, canvas: _Canvas, cover: Cover) -> Program:
    """The lines that compute a cover's layers and lay them over each other."""
    names = {0: "input"}
    lines: list[Statement] = []
    for number, layer in enumerate(cover.layers):
        column = canvas.columns[canvas.layers.piece[layer]]
        lines += arena.statements(column, names)
        use = canvas.layers.uses[canvas.layers.use[layer]]
        image = Name(names[column])
        given = (image,) if number == 0 else (Name("canvas"), image)
        how: Any = use.name
        if use.dot is not None:
            lines += arena.statements(use.dot, names)
            how = Name(names[use.dot])
        lines.append(Statement("canvas", "lay_below" if number else "lay", (*given, how)))
    lines.append(Statement("output", "close", (Name("canvas"), 0)))
    return Program(tuple(lines))
