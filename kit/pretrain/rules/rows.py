"""Rules in one dimension, and rules that sort, shift or gather whole rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from kit.pretrain.rules.cells import Array, blank, fallen
from kit.pretrain.rules.rule import (
    Drawn,
    Maker,
    Rng,
    Room,
    Rule,
    between,
    chance,
    colours,
    single,
    variants,
)
from kit.pretrain.rules.scenes import any_scene, mosaic, speckle


def _segments(
    rng: Rng, length: int, palette: list[int], gap: int = 1
) -> list[tuple[int, int, int]]:
    """(start, length, colour) of strokes in a row, apart by at least `gap`."""
    found, x = [], between(rng, 0, 2)
    while x < length - 1:
        size = between(rng, 1, min(5, length - x))
        found.append((x, size, int(rng.choice(palette))))
        x += size + gap + between(rng, 0, 3)
    return found


def _row(length: int, strokes: list[tuple[int, int, int]]) -> Array:
    row = blank(1, length)
    for x, size, colour in strokes:
        row[0, x : x + size] = colour
    return row


def strokes_in_rows(rng: Rng, room: Room, variant: str) -> Maker:
    """Each row is a line of strokes on which the rule of the task works."""
    act = _STROKE_RULES[variant]
    palette = colours(rng, 3)
    new = next(c for c in colours(rng, 9) if c not in palette)
    step = between(rng, 1, 3)
    single_row = chance(rng, 0.5)

    def make(rng: Rng) -> Drawn:
        length = between(rng, max(7, room.low), max(9, room.high, between(rng, 9, 18) * single_row))
        rows, results = [], []
        for _ in range(1 if single_row else between(rng, 2, 5)):
            strokes = _segments(rng, length, palette)
            rows.append(_row(length, strokes))
            results.append(act(rows[-1], strokes, step, new))
        return np.concatenate(rows), np.concatenate(results)

    return make


Strokes = list[tuple[int, int, int]]


def _longest(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    most = max(size for _, size, _ in strokes)
    return _row(row.shape[1], [(x, s, new if s == most else c) for x, s, c in strokes])


def _shortened(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    return _row(row.shape[1], [(x + 1, s - 2, c) for x, s, c in strokes if s > 2])


def _odd_recoloured(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    return _row(row.shape[1], [(x, s, new if s % 2 else c) for x, s, c in strokes])


def _packed(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    out, x = blank(*row.shape), 0
    for _, size, colour in strokes:
        out[0, x : x + size] = colour
        x += size + 1
    return out


def _by_length(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    out, x = blank(*row.shape), 0
    for _, size, colour in sorted(strokes, key=lambda s: s[1]):
        out[0, x : x + size] = colour
        x += size + 1
    return out


def _hollowed(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    return _row(row.shape[1], [*strokes, *((x + 1, s - 2, new) for x, s, _ in strokes if s > 2)])


def _shadowed(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    out = np.where(np.roll(row, 1, axis=1) > 0, new, 0).astype(np.uint8)
    out[0, 0] = 0
    return np.where(row > 0, row, out).astype(np.uint8)


def _shifted(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    return np.roll(row, step, axis=1)


def _gaps_filled(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    filled = row.copy()
    for (x, size, _), (after, _, _) in pairwise(strokes):
        if after - x - size <= step:
            filled[0, x + size : after] = new
    return filled


def _ends_marked(row: Array, strokes: Strokes, step: int, new: int) -> Array:
    marks = [(e, 1, new) for x, s, _ in strokes for e in (x, x + s - 1)]
    return _row(row.shape[1], [*strokes, *marks])


_STROKE_RULES: dict[str, Callable[[Array, Strokes, int, int], Array]] = {
    "longest": _longest,
    "shortened": _shortened,
    "odd": _odd_recoloured,
    "packed": _packed,
    "by_length": _by_length,
    "hollowed": _hollowed,
    "shadowed": _shadowed,
    "shifted": _shifted,
    "gaps": _gaps_filled,
    "ends": _ends_marked,
}


def rearrange_rows(rng: Rng, room: Room, variant: str) -> Maker:
    """Rows sorted by how full they are, rotated by a step, stacked without gaps, or swapped."""
    palette = colours(rng, 3)
    step = between(rng, 1, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        if variant == "sorted":
            lengths = rng.integers(0, width, height, endpoint=True)
            tints = rng.choice(palette, (height, 1))
            grid = ((np.arange(width) < lengths[:, None]) * tints).astype(np.uint8)
            return grid, grid[np.argsort(lengths, kind="stable")]
        grid = speckle(rng, height, width, palette, 0.5)
        if variant == "rolled":
            return grid, np.roll(grid, step, axis=0)
        if variant == "dense":
            grid[rng.random(height) < 0.35] = 0
            kept = grid[grid.any(1)]
            return grid, kept
        out = grid.copy()
        even = height // 2 * 2
        out[0:even:2], out[1:even:2] = grid[1:even:2], grid[0:even:2]
        return grid, out

    return make


def sort_cells(rng: Rng, room: Room, variant: str) -> Maker:
    """Cells of every row: colours gathered at one side, in the order of the palette, reversed."""
    palette = colours(rng, 3)
    order = np.zeros(10, dtype=np.int64)
    order[palette] = rng.permutation([1, 2, 3])

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3)
        grid = speckle(rng, height, width, palette, 0.5)
        if variant == "gathered":
            return grid, np.rot90(fallen(np.rot90(grid)), -1)
        if variant == "ordered":
            places = np.argsort(order[grid], axis=1, kind="stable")
            return grid, np.take_along_axis(grid, places, axis=1)
        out = grid.copy()
        for row in out:
            filled = np.flatnonzero(row)
            row[filled] = row[filled][::-1]
        return grid, out

    return make


def bars(rng: Rng, room: Room, variant: str) -> Maker:
    """Columns of a bar chart: sorted, longest and shortest coloured, ranked by colour, filled."""
    base, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        columns = np.arange(between(rng, 0, 1), width, 2)
        if len(columns) > height - 1:
            columns = columns[: height - 1]
        lengths = rng.permutation(np.arange(1, height))[: len(columns)]
        if len(columns) < 3:
            return None
        tints = np.full(len(columns), base)
        if variant == "sorted":
            tints = rng.choice(palette, len(columns))
        grid = _chart(height, width, columns, lengths, tints)
        rank = np.argsort(np.argsort(-lengths))
        if variant == "sorted":
            order = np.argsort(lengths)
            return grid, _chart(height, width, columns, lengths[order], tints[order])
        if variant == "extremes":
            tints[rank == 0], tints[rank == len(rank) - 1] = palette[0], palette[1]
        elif variant == "ranked":
            tints = np.array([base, *palette])[np.minimum(rank, 3)]
        else:
            out = grid.copy()
            out[:, columns] = np.where(grid[:, columns] > 0, base, palette[0])
            return grid, out
        return grid, _chart(height, width, columns, lengths, tints)

    return make


def _chart(height: int, width: int, columns: Array, lengths: Array, tints: Array) -> Array:
    """Bars that stand on the floor."""
    grid = blank(height, width)
    for x, length, tint in zip(columns, lengths, tints, strict=True):
        grid[height - length :, x] = tint
    return grid


def shift_grid(rng: Rng, room: Room, variant: str) -> Maker:
    """The whole picture moves: cut off at the border, wrapped round, or sheared row by row."""
    dy, dx = between(rng, 0, 2), between(rng, 1, 2)

    def make(rng: Rng) -> Drawn:
        grid = any_scene(rng, room)
        height, width = grid.shape
        if min(height, width) < 4:
            return None
        if variant == "wrapped":
            return grid, np.roll(grid, (dy, dx), axis=(0, 1))
        if variant == "cut":
            out = blank(height, width)
            out[dy:, dx:] = grid[: height - dy, : width - dx]
            return grid, out
        rows = [np.roll(row, dx * y) for y, row in enumerate(grid)]
        return grid, np.stack(rows)

    return make


def cells_in_one_row(rng: Rng, room: Room) -> Maker:
    """The coloured cells in reading order as one row."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3)
        grid = speckle(rng, height, width, palette, min(0.5, 9 / (height * width)))
        filled = grid[grid > 0]
        return (grid, filled[None].copy()) if 1 < len(filled) <= 20 else None

    return make


def unroll_diagonal(rng: Rng, room: Room) -> Maker:
    """A coloured first row falls: each row is the one above moved on, cells vanish at the end."""
    palette = [0, *colours(rng, 3)]

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        grid = blank(height, width)
        grid[0] = mosaic(rng, 1, width, palette)[0]
        out = blank(height, width)
        for y in range(min(height, width)):
            out[y, y:] = grid[0, : width - y]
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants("rows", strokes_in_rows, *_STROKE_RULES),
    *variants("sorting", rearrange_rows, "sorted", "rolled", "dense", "swapped"),
    *variants("sorting", sort_cells, "gathered", "ordered", "reversed"),
    *variants("sorting", bars, "sorted", "extremes", "ranked", "filled"),
    *variants("movement", shift_grid, "cut", "wrapped", "sheared"),
    single("rows", cells_in_one_row),
    single("rows", unroll_diagonal),
)
