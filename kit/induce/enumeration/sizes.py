"""Hypotheses about the size of the output: constant, a known image's, or in proportion to one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kit.arc.grid import MAX_SIDE
from kit.induce.enumeration.columns import Arena, Column
from kit.induce.primitives.measures import empty, resized
from kit.induce.problem import Problem

FACTORS = (1, 2, 3, 4, 5)
MAX_OFFSET = 3
MAX_SEEDS = 2000
"""Columns that are looked at: the first, which are the simplest."""

BITS_CONSTANT, BITS_FACTOR, BITS_OFFSET = 3.0, 2.0, 3.0
"""What a constant size, a factor other than 1 and an offset other than 0 add to the length."""


@dataclass(frozen=True, slots=True)
class Frame:
    """An output size for every example.

    Attributes:
        column: index of an image that has it everywhere.
        bits: length of the hypothesis.
    """

    column: int
    bits: float


def frames(problem: Problem, arena: Arena, limit: int) -> tuple[Frame, ...]:
    """The simplest hypotheses that are right on all demonstrations and differ on the tests.

    New columns are added to the arena where no image of that size is there yet.
    """
    found: dict[tuple[tuple[int, int], ...], Frame] = {}
    for frame in sorted(_all(problem, arena), key=lambda f: f.bits):
        values = arena.columns[frame.column].values
        sizes = tuple(v.cells.shape for v in values[len(problem.inputs) :])
        if max(max(size) for size in sizes) <= MAX_SIDE:
            found.setdefault(sizes, frame)
    return tuple(found.values())[:limit]


def _all(problem: Problem, arena: Arena) -> Iterator[Frame]:
    """Every hypothesis that is right on the demonstrations."""
    wanted = np.array([output.shape for output in problem.outputs])
    if (wanted == wanted[0]).all():
        yield _constant(problem, arena, wanted[0])
    for index in range(min(len(arena.columns), MAX_SEEDS)):
        column = arena.columns[index]
        if column.many or column.name in ("empty", "resized"):
            continue
        sizes = np.array([v.cells.shape for v in column.values[: len(wanted)]])
        ratio = _proportion(wanted, sizes)
        if ratio is None:
            continue
        factors, offsets = ratio
        bits = column.bits + sum(BITS_FACTOR for f in factors if f != 1)
        bits += sum(BITS_OFFSET for o in offsets if o)
        if factors == (1, 1) and offsets == (0, 0):
            yield Frame(index, bits)
        elif (made := _resized(arena, index, factors, offsets)) is not None:
            yield Frame(made, bits)


def _proportion(
    wanted: np.ndarray, sizes: np.ndarray
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Factors and offsets by which sizes become the wanted ones, on both axes."""
    found = []
    for axis in (0, 1):
        have, want = sizes[:, axis], wanted[:, axis]
        fits = []
        for factor in FACTORS:
            offset = int(want[0] - factor * have[0])
            if abs(offset) <= MAX_OFFSET and (want == factor * have + offset).all():
                fits.append((factor, offset))
        if not fits:
            return None
        found.append(min(fits, key=lambda f: (f[1] != 0) + (f[0] != 1)))
    return (found[0][0], found[1][0]), (found[0][1], found[1][1])


def _constant(problem: Problem, arena: Arena, size: np.ndarray) -> Frame:
    """The column of an empty image of one size."""
    height, width = int(size[0]), int(size[1])
    image = empty(height, width)
    values = tuple(image for _ in problem.grids)
    column = Column(values, False, "empty", (height, width), (), 1, BITS_CONSTANT)
    return Frame(_add(arena, column), BITS_CONSTANT)


def _resized(
    arena: Arena, index: int, factors: tuple[int, int], offsets: tuple[int, int]
) -> int | None:
    """The column of empty images in proportion to those of another."""
    base = arena.columns[index]
    values = tuple(resized(value, factors, offsets) for value in base.values)
    if any(value is None for value in values):
        return None
    bits = base.bits + BITS_FACTOR
    column = Column(values, False, "resized", (factors, offsets), (index,), base.depth + 1, bits)
    return _add(arena, column)


def _add(arena: Arena, column: Column) -> int:
    """The index of an equal column, or of this one, kept even where the arena is full."""
    known = arena.find(column)
    added = arena.add(column) if known is None else known
    if added is None:
        arena.columns.append(column)
        added = len(arena.columns) - 1
    return added
