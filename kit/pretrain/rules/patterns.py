"""Rules about patterns: continue or repair a period, checkers, rings, sequences that grow."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import Array, blank
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
from kit.pretrain.rules.scenes import mosaic


def _periodic(rng: Rng, height: int, width: int, palette: list[int], kind: str) -> Array:
    """A picture that repeats: tiles, stripes, diagonals, rings or sheared rows."""
    rows, columns = np.indices((height, width))
    period = between(rng, 2, 4)
    beat = rng.choice(palette, period).astype(np.uint8)
    if kind == "tiles":
        tile = mosaic(rng, between(rng, 2, 4), between(rng, 2, 4), palette)
        times = height // tile.shape[0] + 1, width // tile.shape[1] + 1
        return np.tile(tile, times)[:height, :width]
    if kind == "stripes":
        return beat[rows % period]
    if kind == "diagonals":
        return beat[(rows + columns) % period]
    if kind == "rings":
        return beat[
            np.minimum.reduce([rows, columns, height - 1 - rows, width - 1 - columns]) % period
        ]
    return beat[np.maximum(rows, columns) % period]


_KINDS = ("tiles", "stripes", "diagonals", "rings", "corner")


def repair_pattern(rng: Rng, room: Room, variant: str) -> Maker:
    """Patches of a repeating picture are hidden."""
    hidden, *palette = colours(rng, 6)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 7)
        whole = _periodic(rng, height, width, palette[: between(rng, 2, 5)], variant)
        grid = whole.copy()
        for _ in range(between(rng, 1, 3)):
            h, w = between(rng, 1, height // 3), between(rng, 1, width // 3)
            y, x = between(rng, 0, height - h), between(rng, 0, width - w)
            grid[y : y + h, x : x + w] = hidden
        return (grid, whole) if len(np.unique(whole)) > 1 else None

    return make


def extend_pattern(rng: Rng, room: Room, variant: str) -> Maker:
    """The upper part of a repeating picture is there, the rest follows."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 8)
        whole = _periodic(rng, height, width, [0, *palette[: between(rng, 1, 4)]], variant)
        grid = whole.copy()
        shown = max(height // 2, 8) if variant == "tiles" else max(height // 2, 4)
        grid[shown:] = 0
        return (grid, whole) if whole[:shown].any() else None

    return make


def longer_pattern(rng: Rng, room: Room) -> Maker:
    """A repeating strip is shown on a canvas of twice the length."""
    palette = [0, *colours(rng, 2)]
    swap = {palette[1]: palette[2]} if chance(rng, 0.4) else {}

    def make(rng: Rng) -> Drawn:
        height = between(rng, 2, 3)
        tile = mosaic(rng, height, between(rng, 2, 4), palette)
        if tile.shape[1] * 4 > 30 or not tile.any():
            return None
        out = np.tile(tile, (1, 4))
        for old, new in swap.items():
            out = np.where(out == old, new, out).astype(np.uint8)
        return np.tile(tile, (1, 2)), out

    return make


def growing_sequence(rng: Rng, room: Room, variant: str) -> Maker:
    """Bars or squares that grow by one: the next ones are added."""
    ink, other = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height = room.side(rng, 5, 14)
        width = 2 * height - 1 if 2 * height - 1 <= 30 else 29
        whole = blank(height, width)
        start, step = between(rng, 1, 2), between(rng, 1, 2)
        for index, x in enumerate(range(0, width, 2)):
            length = min(height, start + step * index)
            if variant == "alternating":
                whole[height - length :, x] = ink if index % 2 == 0 else other
            elif variant == "falling":
                whole[height - max(1, height - step * index) :, x] = ink
            else:
                whole[height - length :, x] = ink
        grid = whole.copy()
        grid[:, 2 * between(rng, 3, max(3, width // 3)) :] = 0
        return grid, whole

    return make


def checker(rng: Rng, room: Room, variant: str) -> Maker:
    """Coloured areas become checkered: every second cell, or every second row."""
    new = int(rng.choice([0, *colours(rng, 1)]))
    palette = [c for c in colours(rng, 9) if c != new][:2]

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        grid = blank(height, width)
        for colour in palette:
            h, w = between(rng, 2, height - 2), between(rng, 2, width - 2)
            y, x = between(rng, 0, height - h), between(rng, 0, width - w)
            grid[y : y + h, x : x + w] = colour
        rows, columns = np.indices(grid.shape)
        odd = (rows + columns) % 2 == 1 if variant == "cells" else rows % 2 == 1
        return grid, np.where(odd & (grid > 0), new, grid).astype(np.uint8)

    return make


def next_frame(rng: Rng, room: Room) -> Maker:
    """A thing moves by the same step from row to row; the missing steps are added."""
    ink = colours(rng, 1)[0]

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        step, start = between(rng, 1, 2), between(rng, 0, 1)
        whole = blank(height, width)
        x, way = start, 1
        for y in range(height):
            whole[y, x] = ink
            if not 0 <= x + way * step < width:
                way = -way
            x += way * step
        grid = whole.copy()
        grid[between(rng, 3, height - 2) :] = 0
        return grid, whole

    return make


def rings_from_row(rng: Rng, room: Room, variant: str) -> Maker:
    """A list of colours becomes concentric squares, or a square that repeats it diagonally."""
    palette = colours(rng, 6)

    def make(rng: Rng) -> Drawn:
        number = between(rng, 2, 6)
        row = np.array(rng.permutation(palette)[:number], dtype=np.uint8)
        if variant == "square":
            rows, columns = np.indices((number, number))
            return row[None], row[(rows + columns) % number]
        side = 2 * number - 1
        rows, columns = np.indices((side, side))
        depth = np.minimum.reduce([rows, columns, side - 1 - rows, side - 1 - columns])
        return row[None], row[depth]

    return make


def stripes_from_dots(rng: Rng, room: Room, variant: str) -> Maker:
    """Dots become full columns that repeat with the dots' distance to the border."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        width = min(30, width + 4)
        gap, first = between(rng, 2, 3), between(rng, 0, 2)
        a, b = (int(c) for c in rng.permutation(palette)[:2])
        grid, out = blank(height, width), blank(height, width)
        for index, x in enumerate(range(first, width, gap)):
            colour = (a, b)[index % 2]
            if variant == "once" and index > 1:
                break
            if index < 2:
                grid[between(rng, 0, height - 1), x] = colour
            out[:, x] = colour
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants("patterns", repair_pattern, *_KINDS),
    *variants("patterns", extend_pattern, "tiles", "stripes", "diagonals", "corner"),
    single("patterns", longer_pattern),
    *variants("patterns", growing_sequence, "plain", "alternating", "falling"),
    *variants("patterns", checker, "cells", "rows"),
    single("patterns", next_frame),
    *variants("patterns", rings_from_row, "rings", "square"),
    *variants("patterns", stripes_from_dots, "repeated", "once"),
)
