"""Bottom-up enumeration over all examples of a task at once.

A column is the value of one expression on every train input and every test input. Columns that
agree everywhere are one (observational equivalence), and an expression that is undefined on one
example is dropped, so that one row of work decides about a program for the whole task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kit.induce.enumeration.operations import FRAME_OPERATIONS, Operation, operations
from kit.induce.meter import Meter
from kit.induce.primitives.registry import primitives
from kit.induce.program import Name, Statement
from kit.induce.values import Image

TOO_MANY_CELLS = 1 << 60

MAX_LIST = 40
"""Longest list of images in a column."""


@dataclass(slots=True)
class Column:
    """The value of one expression on every example.

    Attributes:
        values: one per example: an `Image`, or a tuple of them in all.
        many: which of the two.
        name, arguments: the primitive that made it and what followed its first argument.
        parents: indices of the columns it was made from; empty for the input.
        depth: operations on the way from the input.
        bits: length of the expression.
    """

    values: tuple[Any, ...]
    many: bool
    name: str
    arguments: tuple[Any, ...]
    parents: tuple[int, ...]
    depth: int
    bits: float


@dataclass(slots=True)
class Arena:
    """All columns of a task, each once.

    Attributes:
        max_area: most cells of an image; lists may hold `5 / 2` times as many in all.
        max_cells: most cells that all columns may hold together, a bound on memory.
    """

    max_area: int
    max_cells: int
    columns: list[Column] = field(default_factory=list)
    known: dict[bytes, int] = field(default_factory=dict)
    cells: int = 0

    def add(self, column: Column) -> int | None:
        """Keep a column unless an equal one is there, which is at most as deep.

        Returns its index, None where it is not new or too large.
        """
        key, cells = self._key(column)
        if key in self.known or self.cells + cells > self.max_cells:
            return None
        self.cells += cells
        self.known[key] = len(self.columns)
        self.columns.append(column)
        return len(self.columns) - 1

    def find(self, column: Column) -> int | None:
        """The index of the column that is equal to this one; None without one."""
        return self.known.get(self._key(column)[0])

    def _key(self, column: Column) -> tuple[bytes, int]:
        """A digest that equal columns share, and how many cells the column holds; more than any
        column may hold where one of its values is too large."""
        # A list of one image is another value than that image: `pick` gives the latter.
        parts = [b"many" if column.many else b"one"]
        total = 0
        most = self.max_area * (2.5 if column.many else 1)
        for value in column.values:
            size = 0
            for image in value if column.many else (value,):
                cells = image.cells
                size += cells.size
                parts.append(b"%d,%d,%d;" % (cells.shape[0], image.y, image.x))
                parts.append(cells.tobytes())
            if size > most:
                return b"", TOO_MANY_CELLS
            parts.append(b"|")
            total += size
        return hashlib.blake2b(b"".join(parts), digest_size=12).digest(), total

    def statements(self, index: int, names: dict[int, str]) -> list[Statement]:
        """The lines that compute a column, those that `names` knows left out.

        Args:
            names: column -> variable; grows by what is defined here.
        """
        if index in names:
            return []
        column = self.columns[index]
        lines = [line for parent in column.parents for line in self.statements(parent, names)]
        names[index] = f"x{len(names)}"
        given = tuple(Name(names[parent]) for parent in column.parents)
        lines.append(Statement(names[index], column.name, given + column.arguments))
        return lines


def make_arena(grids: Sequence[np.ndarray], largest: int, max_cells: int) -> Arena:
    """An arena that holds the input as column 0.

    Args:
        grids: inputs of all examples.
        largest: cells of the largest grid of the task.
    """
    arena = Arena(max_area=2 * largest, max_cells=max_cells)
    arena.add(Column(tuple(Image(g) for g in grids), False, "input", (), (), 0, 0.0))
    return arena


def evaluate(operation: Operation, column: Column) -> tuple[tuple[Any, ...], bool] | None:
    """The operation's value on every example and whether it is many; None if one is undefined."""
    function, arguments = operation.function, operation.arguments
    values = []
    if operation.many == column.many:
        for value in column.values:
            result = function(value, *arguments)
            if result is None:
                return None
            values.append(result)
        return tuple(values), type(values[0]) is tuple
    if operation.many:
        return None
    for value in column.values:
        results = []
        for image in value:
            result = function(image, *arguments)
            if type(result) is tuple:
                return None
            if result is not None:
                results.append(result)
        if not results:
            return None
        values.append(tuple(results))
    return tuple(values), True


def grow(arena: Arena, begin: int, end: int, meter: Meter, max_columns: int) -> bool:
    """Apply every operation to columns `begin` to `end`, cheapest columns first.

    Returns:
        Whether all was done before the meter or a bound said stop.
    """
    table = operations()
    order = sorted(range(begin, end), key=lambda i: arena.columns[i].bits)
    for index in order:
        column = arena.columns[index]
        if column.many and max(len(v) for v in column.values) > MAX_LIST:
            continue
        weight = sum(len(v) for v in column.values) / 8 if column.many else 0.5
        for operation in table:
            if operation.many and not column.many:
                continue
            if not meter.spend(weight) or len(arena.columns) >= max_columns:
                return False
            found = evaluate(operation, column)
            if found is None:
                continue
            values, many = found
            arena.add(
                Column(
                    values,
                    many,
                    operation.name,
                    operation.arguments,
                    (index,),
                    column.depth + 1,
                    column.bits + operation.bits,
                )
            )
    return True


def fit_to_frame(
    arena: Arena,
    indices: range,
    frame: int,
    meter: Meter,
    bits: float,
    ways: Sequence[tuple[str, tuple[Any, ...]]] = FRAME_OPERATIONS,
) -> None:
    """Add images laid out in the size of a frame column.

    Args:
        indices: of the columns; those of many images are left out.
        bits: what one such step adds to the length.
        ways: primitives of an image and a frame with the rest of their arguments.
    """
    known = primitives()
    frames = arena.columns[frame].values
    for index in indices:
        column = arena.columns[index]
        if column.many or index == frame:
            continue
        for name, arguments in ways:
            if not meter.spend(0.3):
                return
            values = []
            for image, shape in zip(column.values, frames, strict=True):
                value = known[name](image, shape, *arguments)
                if value is None:
                    break
                values.append(value)
            if len(values) == len(frames):
                arena.add(
                    Column(
                        tuple(values),
                        False,
                        name,
                        arguments,
                        (index, frame),
                        column.depth + 1,
                        column.bits + bits,
                    )
                )


def stack_lists(arena: Arena, indices: range, meter: Meter, bits: float) -> None:
    """Add every column of many images laid over each other."""
    function = primitives()["stack"]
    for index in indices:
        column = arena.columns[index]
        if not column.many:
            continue
        if not meter.spend(1.0):
            return
        values = [function(images) for images in column.values]
        if all(value is not None for value in values):
            made = Column(
                tuple(values), False, "stack", (), (index,), column.depth + 1, column.bits + bits
            )
            arena.add(made)
