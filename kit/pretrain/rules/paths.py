"""Rules about lines that find their own way: bouncing, tails, spirals, stairs, crossings."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import blank
from kit.pretrain.rules.lines import DIAGONAL, shoot
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
from kit.pretrain.rules.scenes import box, coloured, painted, place


def bounce(rng: Rng, room: Room, variant: str) -> Maker:
    """A diagonal line from a dot at the bottom that is thrown back by the side walls."""
    dot, ink = colours(rng, 2)
    ink = dot if chance(rng, 0.6) else ink

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        width = between(rng, 3, max(3, width - 2)) if variant == "narrow" else width
        grid = blank(height, width)
        x, step = (0, 1) if variant == "corner" else (between(rng, 0, width - 1), 1)
        grid[-1, x] = dot
        out = grid.copy()
        for y in range(height - 2, -1, -1):
            if not 0 <= x + step < width:
                step = -step
            x += step
            out[y, x] = ink
        return grid, out

    return make


def cross_lines(rng: Rng, room: Room, variant: str) -> Maker:
    """Dots at the border grow to whole lines; crossings get a colour of their own or the
    columns' colour."""
    a, b, new = colours(rng, 3)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        rows = rng.permutation(np.arange(1, height))[: between(rng, 1, 3)]
        columns = rng.permutation(np.arange(1, width))[: between(rng, 1, 3)]
        grid = blank(height, width)
        grid[rows, 0] = a
        grid[0, columns] = b
        out = blank(height, width)
        out[rows] = a
        out[:, columns] = b
        if variant == "marked":
            out[np.ix_(rows, columns)] = new
        elif variant == "only_crossings":
            out = grid.copy()
            out[np.ix_(rows, columns)] = new
        return grid, out

    return make


def extend_lines(rng: Rng, room: Room, variant: str) -> Maker:
    """Short strokes go on in their direction, to the border or in a repeating beat."""
    palette = colours(rng, 3)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        grid = blank(height, width)
        out = grid.copy()
        for y in rng.permutation(height)[: between(rng, 1, 3)]:
            if variant == "beat":
                beat = [int(c) for c in rng.permutation([0, *palette])[: between(rng, 2, 3)]]
                row = np.resize(np.array(beat, dtype=np.uint8), width)
                grid[y, : 2 * len(beat)] = row[: 2 * len(beat)]
                out[y] = row
            else:
                length = between(rng, 2, 3)
                colour = int(rng.choice(palette))
                grid[y, :length] = colour
                out[y, : width if variant == "wall" else 2 * length] = colour
        return grid, out

    return make


def diagonal_from_block(rng: Rng, room: Room) -> Maker:
    """Diagonal tails leave the corners of every block."""
    palette = colours(rng, 2)
    ways = DIAGONAL if chance(rng, 0.5) else DIAGONAL[::3]

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        things = place(rng, height, width, [coloured(box(rng, 2, 2), int(rng.choice(palette)))])
        grid = painted(blank(height, width), things or ())
        out = grid.copy()
        for thing in things or ():
            for step in ways:
                y = thing.y + (thing.height - 1 if step[0] > 0 else 0)
                x = thing.x + (thing.width - 1 if step[1] > 0 else 0)
                shoot(out, y, x, step, thing.colour, grid == 0)
        return grid, out

    return make


def spiral(rng: Rng, room: Room) -> Maker:
    """A line from the first cell winds to the middle, an empty line between its turns."""
    dot, ink = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = between(rng, 5, max(5, room.high)), between(rng, 5, max(5, room.high))
        grid = blank(height, width)
        grid[0, 0] = dot
        out = grid.copy()
        y, x, (dy, dx), still = 0, 0, (0, 1), 0
        while still < 2:
            ahead, beyond = (y + dy, x + dx), (y + 2 * dy, x + 2 * dx)
            free = 0 <= ahead[0] < height and 0 <= ahead[1] < width and not out[ahead]
            clear = not (0 <= beyond[0] < height and 0 <= beyond[1] < width and out[beyond])
            if free and clear:
                (y, x), still = ahead, 0
                out[y, x] = ink
            else:
                (dy, dx), still = (dx, -dy), still + 1
        return grid, out

    return make


def zigzag_steps(rng: Rng, room: Room) -> Maker:
    """A staircase from a dot down to the floor."""
    dot, ink = colours(rng, 2)
    run = between(rng, 1, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        grid = blank(height, width)
        y, x = between(rng, 0, height // 3), between(rng, 0, width // 3)
        grid[y, x] = dot
        out = grid.copy()
        while y < height and x < width:
            out[y, x : x + run + 1] = ink
            y, x = y + 1, x + run
        out[grid > 0] = dot
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants("lines", bounce, "any", "corner", "narrow"),
    *variants("lines", cross_lines, "marked", "columns", "only_crossings"),
    *variants("lines", extend_lines, "wall", "beat", "double"),
    single("lines", diagonal_from_block),
    single("lines", spiral),
    single("lines", zigzag_steps),
)
