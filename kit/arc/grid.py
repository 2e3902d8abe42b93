"""Grids: what a valid one is, and how to move between tuples and arrays.

A grid is a tuple of rows of colours, so that `==`, hashing and votes work on it directly.
Arrays appear only inside numeric loops.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from itertools import chain

import numpy as np

Grid = tuple[tuple[int, ...], ...]
"""H rows of W colours, 1 <= H, W <= 30, colours 0..9."""

MAX_SIDE = 30
NUM_COLOURS = 10
_COLOURS = frozenset(range(NUM_COLOURS))


class GridError(ValueError):
    """A value that was offered as a grid is not one; the message says where and why."""


def check_grid(value: object, where: str) -> Grid:
    """The grid held by parsed JSON.

    Args:
        value: anything; a list of lists of ints 0..9 is accepted.
        where: position for the message, e.g. "task 0a1b train[0].input".
    Raises:
        GridError: not a list of rows, empty, ragged, too large, or a cell that is not an int 0..9.
    """
    if not isinstance(value, list | tuple):
        raise GridError(f"{where}: a grid must be a list of rows, got {describe(value)}")
    if not 1 <= len(value) <= MAX_SIDE:
        raise GridError(f"{where}: a grid has 1 to {MAX_SIDE} rows, got {len(value)}")
    for y, row in enumerate(value):
        if not isinstance(row, list | tuple):
            raise GridError(f"{where}, row {y}: a row must be a list of cells, got {describe(row)}")
        if not 1 <= len(row) <= MAX_SIDE:
            raise GridError(f"{where}, row {y}: a row has 1 to {MAX_SIDE} cells, got {len(row)}")
        if len(row) != len(value[0]):
            raise GridError(
                f"{where}, row {y}: rows must be equally long, got {len(row)} cells "
                f"after a first row of {len(value[0])}"
            )
    # All cells at once: this runs over every grid of a set before its first answers are there.
    if set(map(type, chain.from_iterable(value))) != {int} or not _COLOURS.issuperset(
        chain.from_iterable(value)
    ):
        raise GridError(_bad_cell(value, where))
    return tuple(map(tuple, value))


def _bad_cell(rows: Sequence[Sequence[object]], where: str) -> str:
    """What is wrong with the first cell that is no colour."""
    y, x, cell = next(
        (y, x, cell)
        for y, row in enumerate(rows)
        for x, cell in enumerate(row)
        if type(cell) is not int or cell not in _COLOURS
    )
    return f"{where}, row {y}, column {x}: a cell is an integer 0 to 9, got {describe(cell)}"


def describe(value: object) -> str:
    """A short description of a bad JSON value for an error message: one line, any depth."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if value != value:
        return "NaN"
    # Not repr(): a value can be nested too deep for it, or be a number of thousands of digits.
    text = reprlib.repr(value)
    if isinstance(value, int | float):
        return text
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"


def shape(grid: Grid) -> tuple[int, int]:
    """(H, W) of a grid."""
    return len(grid), len(grid[0])


def as_array(grid: Grid) -> np.ndarray:
    """(H, W) uint8 copy of a grid."""
    return np.array(grid, dtype=np.uint8)


def from_array(array: np.ndarray) -> Grid:
    """The grid held by an (H, W) integer array."""
    return tuple(tuple(row) for row in array.tolist())
