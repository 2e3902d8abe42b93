"""Rules that change the scale: repeat, enlarge, reduce, tile, Kronecker products, block grids."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import Array, blank, counts
from kit.pretrain.rules.rule import (
    Drawn,
    Maker,
    Rng,
    Room,
    Rule,
    between,
    colours,
    single,
    variants,
)
from kit.pretrain.rules.scenes import any_scene, mosaic, speckle


def _small(rng: Rng, room: Room, palette: list[int], most: int, least: int = 2) -> Array:
    height, width = room.sides(rng, least, most)
    return mosaic(rng, height, width, palette)


def enlarge(rng: Rng, room: Room, variant: str) -> Maker:
    """Every cell becomes a block: of a fixed side, or as many as there are colours or cells."""
    palette = [0, *colours(rng, 4)]
    factor = between(rng, 2, 4)
    wide = between(rng, 1, 3)

    def make(rng: Rng) -> Drawn:
        grid = _small(rng, room, palette[: between(rng, 2, 5)], 5)
        number = factor
        if variant == "by_colours":
            number = len(np.unique(grid[grid > 0]))
        elif variant == "by_cells":
            number = min(6, int((grid > 0).sum()))
        if not 1 <= number <= 6:
            return None
        shape = (factor, wide) if variant == "uneven" else (number, number)
        return grid, np.kron(grid, np.ones(shape, dtype=np.uint8))

    return make


def reduce_blocks(rng: Rng, room: Room, variant: str) -> Maker:
    """Equal blocks become cells: of one colour each, noisy, or told by their fullness."""
    palette = [0, *colours(rng, 4)]
    factor = between(rng, 2, 4)
    yes = palette[1]

    def make(rng: Rng) -> Drawn:
        small = _small(rng, room, palette, 6)
        grid = np.kron(small, np.ones((factor, factor), dtype=np.uint8))
        if variant == "noisy":
            spots = rng.random(grid.shape) < 0.12
            grid = np.where(spots, rng.choice(palette, grid.shape), grid).astype(np.uint8)
            out = _blocks(grid, factor, lambda b: int(counts(b).argmax()))
            return (grid, small) if np.array_equal(out, small) else None
        if variant == "fullest":
            grid = speckle(rng, *grid.shape, palette[1:2], 0.5)
            sums = _blocks(grid, factor, lambda b: int((b > 0).sum()))
            return (grid, ((sums == sums.max()) * yes).astype(np.uint8))
        return grid, small

    return make


def _blocks(grid: Array, side: int, value: object) -> Array:
    """A value of every block of `side` x `side` cells."""
    height, width = grid.shape[0] // side, grid.shape[1] // side
    rows = [
        [value(grid[y * side : (y + 1) * side, x * side : (x + 1) * side]) for x in range(width)]  # type: ignore[operator]
        for y in range(height)
    ]
    return np.array(rows, dtype=np.uint8)


def repeat_input(rng: Rng, room: Room, variant: str) -> Maker:
    """The input several times: on a plain grid, shifted row by row, or with lines between."""
    palette = [0, *colours(rng, 4)]
    down, across = between(rng, 1, 3), between(rng, 2, 3)
    line = next(c for c in colours(rng, 9) if c not in palette)

    def make(rng: Rng) -> Drawn:
        grid = _small(rng, room, palette[: between(rng, 2, 5)], 6)
        if variant == "plain":
            return grid, np.tile(grid, (down, across))
        if variant == "shifted":
            rows = [np.tile(np.roll(grid, k, axis=1), (1, across)) for k in range(down + 1)]
            return grid, np.concatenate(rows)
        framed = np.pad(grid, ((0, 1), (0, 1)), constant_values=line)
        return grid, np.tile(framed, (down, across))[:-1, :-1]

    return make


def kronecker(rng: Rng, room: Room, variant: str) -> Maker:
    """Copies of the input where the input has colour, lacks it, or has its commonest colour."""
    palette = colours(rng, between(rng, 1, 3))

    def make(rng: Rng) -> Drawn:
        side = between(rng, 3, 3 if room.high < 16 else 5)
        grid = speckle(rng, side, side, palette, 0.6)
        if not grid.any():
            return None
        where = {
            "filled": grid > 0,
            "empty": grid == 0,
            "commonest": grid == 1 + counts(grid)[1:].argmax(),
        }[variant]
        return grid, np.kron(where, grid).astype(np.uint8)

    return make


def repeat_for_each_cell(rng: Rng, room: Room, variant: str) -> Maker:
    """Every cell becomes a small sign of its colour."""
    palette = [0, *colours(rng, 3)]
    side = 3 if variant != "pair" else 2
    sign = rng.random((side, side)) < 0.6
    sign[0, 0] = True
    if variant == "rings":
        sign[:] = True
        sign[1, 1] = False

    def make(rng: Rng) -> Drawn:
        grid = _small(rng, room, palette, 6)
        return grid, np.kron(grid, sign).astype(np.uint8)

    return make


def half_of(rng: Rng, room: Room, variant: str) -> Maker:
    """The half or quarter with the most colour, or the first piece of a repetition."""
    palette = colours(rng, 3)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        if variant == "unit":
            unit = mosaic(rng, between(rng, 2, 4), between(rng, 2, 4), [0, *palette])
            times = between(rng, 1, 3), between(rng, 2, 3)
            return np.tile(unit, times), unit
        h, w = height // 2, width // 2
        shares = rng.permutation([0.2, 0.35, 0.5, 0.7])
        pieces = [speckle(rng, h, w, palette, s) for s in shares[: 2 if variant == "half" else 4]]
        filled = [int((p > 0).sum()) for p in pieces]
        if sorted(filled)[-1] == sorted(filled)[-2]:
            return None
        best = pieces[int(np.argmax(filled))]
        if variant == "half":
            return np.concatenate(pieces, axis=1), best
        top, bottom = np.concatenate(pieces[:2], axis=1), np.concatenate(pieces[2:], axis=1)
        return np.concatenate([top, bottom]), best

    return make


def grow_canvas(rng: Rng, room: Room, variant: str) -> Maker:
    """The input on a larger canvas: in a corner, in the middle, its edge cells continued."""
    by = between(rng, 1, 3)
    fill = int(rng.choice([0, *colours(rng, 1)]))

    def make(rng: Rng) -> Drawn:
        grid = any_scene(rng, room)
        height, width = grid.shape
        if max(height, width) + 2 * by > 30:
            return None
        if variant == "doubled":
            out = blank(2 * height, 2 * width, fill)
            out[:height, :width] = grid
            return grid, out
        if variant == "edges":
            return grid, np.pad(grid, by, mode="edge")
        if variant == "mirrored":
            return grid, np.pad(grid, min(by, height, width), mode="symmetric")
        return grid, np.pad(grid, ((0, by), (by, 0)), constant_values=fill)

    return make


def separate_cells(rng: Rng, room: Room) -> Maker:
    """Empty lines, or lines of a colour, between all rows and columns."""
    line = int(rng.choice([0, *colours(rng, 1)]))
    palette = [0, *colours(rng, 4)]

    def make(rng: Rng) -> Drawn:
        grid = _small(rng, room, palette, 12)
        out = blank(2 * grid.shape[0] - 1, 2 * grid.shape[1] - 1, line)
        out[::2, ::2] = grid
        return grid, out

    return make


def remove_repeats(rng: Rng, room: Room) -> Maker:
    """Rows and columns equal to the one before are left out."""
    palette = [0, *colours(rng, 4)]

    def make(rng: Rng) -> Drawn:
        small = _small(rng, room, palette, 4)
        wide = np.repeat(small, rng.integers(1, 4, small.shape[1]), axis=1)
        grid = np.repeat(wide, rng.integers(1, 4, small.shape[0]), axis=0)
        twice = (small[1:] == small[:-1]).all(1).any() or (small[:, 1:] == small[:, :-1]).all(
            0
        ).any()
        return None if twice else (grid, small)

    return make


def upper_left_of_each(rng: Rng, room: Room) -> Maker:
    """Every second row and column, from the first."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        grid = speckle(rng, height, width, palette, 0.6)
        return grid, grid[::2, ::2]

    return make


RULES: tuple[Rule, ...] = (
    *variants("scaling", enlarge, "fixed", "by_colours", "by_cells", "uneven"),
    *variants("scaling", reduce_blocks, "clean", "noisy", "fullest"),
    *variants("tiling", repeat_input, "plain", "shifted", "lines"),
    *variants("tiling", kronecker, "filled", "empty", "commonest"),
    *variants("tiling", repeat_for_each_cell, "signs", "rings", "pair"),
    *variants("crop", half_of, "half", "quarter", "unit"),
    *variants("scaling", grow_canvas, "doubled", "edges", "mirrored", "corner"),
    single("scaling", separate_cells),
    single("scaling", remove_repeats),
    single("crop", upper_left_of_each),
)
