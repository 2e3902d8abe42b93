"""Programs on rows: shifts, orders, periods and growing sequences; columns through a transposition.

Every primitive works along rows unless its `axis` is "columns".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.induce.things.objects import background_colour
from kit.induce.values import Image, make_image

AXES = ("rows", "columns")


def _along(
    image: Image, axis: str, change: Callable[[np.ndarray], np.ndarray | None]
) -> Image | None:
    """A change of an array of rows, or of columns."""
    if axis not in AXES:
        return None
    changed = change(image.cells if axis == "rows" else image.cells.T)
    if changed is None:
        return None
    return make_image(changed if axis == "rows" else changed.T, image.y, image.x)


def shift_rows(image: Image, axis: str, first: int, step: int, around: bool) -> Image | None:
    """Row i moves by first + i * step cells.

    Args:
        around: whether what leaves at one end enters at the other; else background enters.
    """

    def change(cells: np.ndarray) -> np.ndarray:
        return np.stack(
            [_moved(row, first + i * step, around, empty) for i, row in enumerate(cells)]
        )

    empty = background_colour(image.cells)
    return _along(image, axis, change)


def _moved(row: np.ndarray, by: int, around: bool, empty: int) -> np.ndarray:
    """A row whose cells have moved."""
    if around:
        return np.roll(row, by)
    moved = np.full_like(row, empty)
    width = len(row)
    if abs(by) < width:
        moved[max(by, 0) : width + min(by, 0)] = row[max(-by, 0) : width - max(by, 0)]
    return moved


def shift_to_edge(image: Image, axis: str, end: bool) -> Image | None:
    """The cells of every row that are not background move together to one end, in order."""
    empty = background_colour(image.cells)

    def change(cells: np.ndarray) -> np.ndarray:
        order = np.argsort(cells != empty if end else cells == empty, axis=1, kind="stable")
        return np.take_along_axis(cells, order, axis=1)

    return _along(image, axis, change)


_KEYS: dict[str, Callable[[np.ndarray, int], int]] = {
    "cells": lambda row, empty: int((row != empty).sum()),
    "first": lambda row, empty: int(np.argmax(row != empty)),
    "colour": lambda row, empty: int(row.max()),
    "colours": lambda row, empty: len(np.unique(row)),
}


def sort_rows(image: Image, axis: str, key: str, descending: bool) -> Image | None:
    """The rows in another order; equal ones keep theirs.

    Args:
        key: cells (how many are not background), first (where the first of them is), colour (the
            greatest), colours (how many).
    """
    if key not in _KEYS:
        return None
    empty = background_colour(image.cells)
    sign = -1 if descending else 1
    return _along(
        image,
        axis,
        lambda cells: np.stack(sorted(cells, key=lambda row: sign * _KEYS[key](row, empty))),
    )


def fill_periods(image: Image, axis: str) -> Image | None:
    """Every row that is not empty repeats the shortest sequence that agrees with its known cells.

    Background cells are unknown; a sequence must be seen whole at least once.
    """
    empty = background_colour(image.cells)
    return _along(
        image, axis, lambda cells: np.stack([_filled_period(row, empty) for row in cells])
    )


def _filled_period(row: np.ndarray, empty: int) -> np.ndarray:
    """A row filled by its shortest period; as it is when that tells nothing."""
    known = row != empty
    if not known.any():
        return row
    for period in range(1, len(row)):
        unit = np.full(period, -1)
        places = np.arange(len(row)) % period
        unit[places[known]] = row[known]
        if (unit >= 0).all() and (unit[places[known]] == row[known]).all():
            return unit[places].astype(np.uint8)
    return row


def continue_rows(image: Image, axis: str, seen: str) -> Image | None:
    """The sequence of rows goes on over the empty rows behind its last one.

    Args:
        seen: what repeats, with the shortest period that it allows: "all" rows up to the last that
            is not empty, the "content" from the first such row on, or "spaced", the content with as
            many empty rows behind it as there are within it.
    """
    empty = background_colour(image.cells)

    def change(cells: np.ndarray) -> np.ndarray | None:
        used = np.flatnonzero((cells != empty).any(axis=1))
        if not len(used) or used[-1] + 1 == len(cells):
            return None
        start = 0 if seen == "all" else int(used[0])
        period = _row_period(cells[start : used[-1] + 1])
        if seen == "spaced":
            gaps = np.diff(used)
            if len(gaps) == 0 or (gaps != gaps[0]).any():
                return None
            period = int(len(used) * gaps[0])
        grown = cells.copy()
        grown[start:] = cells[start + np.arange(len(cells) - start) % period]
        return grown

    return _along(image, axis, change)


def _row_period(rows: np.ndarray) -> int:
    """The least shift under which a sequence of rows agrees with itself."""
    length = len(rows)
    for period in range(1, length):
        if np.array_equal(rows[period:], rows[: length - period]):
            return period
    return length


def fill_stripes(image: Image, direction: str) -> Image | None:
    """The whole picture in stripes that repeat the shortest sequence its known cells allow.

    Args:
        direction: "rows", "columns", "rising" or "falling" (diagonals).
    """
    cells = image.cells
    ys, xs = np.indices(cells.shape)
    numbers = {"rows": ys, "columns": xs, "rising": ys + xs, "falling": ys - xs + cells.shape[1]}
    if direction not in numbers:
        return None
    line = numbers[direction]
    known = cells != background_colour(cells)
    for period in range(2, int(line.max()) + 1):
        unit = np.full(period, -1)
        unit[line[known] % period] = cells[known]
        if (unit >= 0).all() and np.array_equal(unit[line[known] % period], cells[known]):
            return make_image(unit[line % period], image.y, image.x)
    return None


_HEIGHTS: dict[str, Callable[[np.ndarray, int], int]] = {
    "width": lambda row, filled: len(row),
    "half": lambda row, filled: len(row) // 2,
    "filled": lambda row, filled: filled,
    "product": lambda row, filled: len(row) * filled,
}


def unroll(image: Image, height: str, move: int, grow: int, up: bool) -> Image | None:
    """A picture of one row becomes several: each moves and grows against the one before.

    Args:
        height: how many rows there will be: "width", "half" (of the width), "filled" (its cells
            that are not background) or "product" of the two; with product, the rows are square.
        move: cells by which each row moves to the right.
        grow: cells by which the filled beginning of each row is longer.
        up: whether the new rows are above the given one.
    """
    if image.cells.shape[0] != 1 or height not in _HEIGHTS:
        return None
    row = image.cells[0]
    empty = background_colour(image.cells)
    filled = int((row != empty).sum())
    count = _HEIGHTS[height](row, filled)
    if not 0 < count <= 30:
        return None
    wide = np.full(count if height == "product" else len(row), empty, np.uint8)
    wide[: len(row)] = row[: len(wide)]
    lines = []
    for index in range(count):
        line = _moved(wide, index * move, False, empty)
        if grow:
            line = np.full_like(wide, empty)
            line[: max(0, filled + index * grow)] = row[0]
        lines.append(line)
    return make_image(np.stack(lines[::-1] if up else lines))
