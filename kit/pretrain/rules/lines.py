"""Rules about straight lines: rays from dots, up to obstacles, between dots."""

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
    variants,
)
from kit.pretrain.rules.scenes import box, dots, painted, scatter

_STRAIGHT = ((0, 1), (0, -1), (1, 0), (-1, 0))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))
_WAYS = {
    "right": ((0, 1),),
    "row": ((0, 1), (0, -1)),
    "cross": _STRAIGHT,
    "diagonal": ((1, 1),),
    "diagonals": DIAGONAL,
    "star": _STRAIGHT + DIAGONAL,
}


def shoot(
    out: Array, y: int, x: int, step: tuple[int, int], colour: int, over: Array
) -> tuple[int, int]:
    """Draw from a cell on until the border or a cell where `over` is False; the last cell."""
    dy, dx = step
    while 0 <= y + dy < out.shape[0] and 0 <= x + dx < out.shape[1] and over[y + dy, x + dx]:
        y, x = y + dy, x + dx
        out[y, x] = colour
    return y, x


def rays(rng: Rng, room: Room, variant: str) -> Maker:
    """Rays from dots to the border in the directions of the rule, dots on top."""
    palette = colours(rng, 3)
    ink = int(rng.choice([0, *colours(rng, 1)]))

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        marks = dots(rng, height, width, palette[: between(rng, 1, 2 if height < 9 else 3)])
        grid = painted(blank(height, width), marks)
        out = grid.copy()
        for dot in marks:
            for step in _WAYS[variant]:
                shoot(out, dot.y, dot.x, step, ink or dot.colour, grid == 0)
        return grid, out

    return make


def rays_by_colour(rng: Rng, room: Room, variant: str) -> Maker:
    """The colour of a dot says where its ray goes; some colours have none."""
    palette = colours(rng, 3)
    ways = [((0, 1), (0, -1)), ((1, 0), (-1, 0)), ()]
    if variant == "directions":
        ways = [((0, 1),), ((1, 0),), ((0, -1),)]
    elif variant == "kinds":
        ways = [_STRAIGHT, DIAGONAL, ()]

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        kinds = [int(k) for k in rng.integers(0, 3, between(rng, 2, 4))]
        marks = dots(rng, height, width, [palette[k] for k in kinds])
        grid = painted(blank(height, width), marks)
        out = grid.copy()
        for dot in sorted(marks, key=lambda d: palette.index(d.colour)):
            for step in ways[palette.index(dot.colour)]:
                shoot(out, dot.y, dot.x, step, dot.colour, grid == 0)
        return grid, out

    return make


def rays_to_things(rng: Rng, room: Room, variant: str) -> Maker:
    """Rays that end at obstacles: drawn always, drawn only if they hit, or turning aside."""
    wall, dot, ink = colours(rng, 3)
    ink = dot if chance(rng, 0.6) else ink

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [wall], (2, 5), lambda r, m: box(r, min(m, 3)), least=7)
        if scene is None:
            return None
        grid = scene.grid()
        rows = np.flatnonzero(grid[:, 0] == 0)
        if not len(rows):
            return None
        starts = [int(y) for y in rng.permutation(rows)[: between(rng, 1, 3)]]
        if variant == "turn":
            starts = starts[:1]
        grid[starts, 0] = dot
        out = grid.copy()
        for y in starts:
            _run(grid, out, y, ink, variant)
        return grid, out

    return make


def _run(grid: Array, out: Array, y: int, ink: int, variant: str) -> None:
    """The way of one ray that begins at the left border."""
    free = grid == 0
    drawn = out.copy()
    end = shoot(drawn, y, 0, (0, 1), ink, free)
    hits = end[1] < grid.shape[1] - 1
    if hits or variant != "hits_only":
        out[:] = drawn
    step = (0, 1)
    while variant == "turn" and hits:
        step = (step[1], -step[0])
        y, x = shoot(out, *end, step, ink, free & (out == 0))
        if (y, x) == end:
            return
        end = (y, x)
        hits = 0 < y + step[0] < grid.shape[0] - 1 and 0 < x + step[1] < grid.shape[1] - 1


def connect_dots(rng: Rng, room: Room, variant: str) -> Maker:
    """Lines between two dots of one colour in a row or column, or on a diagonal."""
    palette = colours(rng, 3)
    ink = int(rng.choice([0, *colours(rng, 1)]))

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        if variant == "diagonal":
            return _diagonal_pair(rng, height, width, palette[0], ink)
        grid = blank(height, width)
        out = grid.copy()
        for y in rng.permutation(height)[: between(rng, 1, 3)]:
            colour = int(rng.choice(palette))
            a, b = sorted(int(v) for v in rng.permutation(width)[:2])
            grid[y, [a, b]] = colour
            out[y, a : b + 1] = ink or colour
            out[y, [a, b]] = colour
        if variant == "both":
            x = int(rng.integers(width))
            empty = np.flatnonzero(~grid.any(1))
            if len(empty) < 2 or (grid[:, x] > 0).any():
                return None
            top, bottom = int(empty[0]), int(empty[-1])
            grid[[top, bottom], x] = palette[0]
            out[top : bottom + 1, x] = ink or palette[0]
            out[grid > 0] = grid[grid > 0]
        return grid, out

    return make


def _diagonal_pair(rng: Rng, height: int, width: int, colour: int, ink: int) -> Drawn:
    grid = blank(height, width)
    length = between(rng, 3, min(height, width))
    y, x = between(rng, 0, height - length), between(rng, 0, width - length)
    out = grid.copy()
    steps = np.arange(length)
    columns = x + steps if chance(rng, 0.5) else x + length - 1 - steps
    out[y + steps, columns] = ink or colour
    for end in (0, length - 1):
        grid[y + end, columns[end]] = out[y + end, columns[end]] = colour
    return grid, out


RULES: tuple[Rule, ...] = (
    *variants("lines", rays, *_WAYS),
    *variants("lines", rays_by_colour, "axes", "directions", "kinds"),
    *variants("lines", rays_to_things, "always", "hits_only", "turn"),
    *variants("lines", connect_dots, "rows", "both", "diagonal"),
)
