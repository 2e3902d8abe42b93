"""Rules about templates: signs around dots, copies of a shape at marks, shapes to complete."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import Array, blank, turn
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
from kit.pretrain.rules.scenes import Thing, blob, coloured, dots, painted, place

_SIGNS = {
    "plus": ((0, 1, 0), (1, 0, 1), (0, 1, 0)),
    "times": ((1, 0, 1), (0, 0, 0), (1, 0, 1)),
    "ring": ((1, 1, 1), (1, 0, 1), (1, 1, 1)),
    "bar": ((0, 0, 0), (1, 0, 1), (0, 0, 0)),
}


def _sign(name: str, colour: int) -> Array:
    return np.array(_SIGNS[name], dtype=np.uint8) * np.uint8(colour)


def sign_at_dots(rng: Rng, room: Room, variant: str) -> Maker:
    """A sign is drawn around every dot, the same, or one for each colour of dots."""
    palette = colours(rng, 4)
    names = list(rng.permutation(list(_SIGNS)))
    signs = {c: _sign(names[k], palette[3]) for k, c in enumerate(palette[:3])}
    if variant != "by_colour":
        signs = {c: _sign(variant, palette[3]) for c in palette[:3]}

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        number = between(rng, 1, max(1, min(5, height * width // 20)))
        marks = dots(rng, height, width, list(rng.choice(palette[:3], number)), gap=2)
        grid = painted(blank(height, width), marks)
        out = painted(grid, [Thing(signs[d.colour], d.y - 1, d.x - 1) for d in marks])
        return grid, painted(out, marks)

    return make


def random_sign_at_dots(rng: Rng, room: Room, variant: str) -> Maker:
    """A sign drawn at random for the task, or shown in a corner of every input."""
    mark, *palette = colours(rng, 4)
    fixed = _random_sign(rng, palette)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 8)
        sign = fixed if variant == "hidden" else _random_sign(rng, palette)
        shapes = [sign] if variant == "shown" else []
        number = between(rng, 1, max(1, min(4, height * width // 30)))
        spots = [blank(3, 3, mark)] * number
        things = place(rng, height, width, [*shapes, *spots])
        if things is None:
            return None
        shown, where = things[: len(shapes)], things[len(shapes) :]
        marks = [Thing(blank(1, 1, mark), t.y + 1, t.x + 1) for t in where]
        grid = painted(painted(blank(height, width), shown), marks)
        out = painted(painted(blank(height, width), shown), [Thing(sign, t.y, t.x) for t in where])
        return grid, out

    return make


def _random_sign(rng: Rng, palette: list[int]) -> Array:
    """A 3x3 sign with its middle filled."""
    sign = rng.choice([0, *palette], (3, 3), p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
    sign[1, 1] = palette[0]
    sign[0, 0] = palette[1]
    return sign


def copies_in_mark_colour(rng: Rng, room: Room, variant: str) -> Maker:
    """The one large shape is copied to every mark, in the mark's colour, upright or mirrored."""
    base, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 9)
        shape = blob(rng, 3, 2)
        if shape.sum() < 3:
            return None
        image = turn(shape, 4) if variant == "mirrored" else shape
        number = between(rng, 1, 3)
        tints = [int(rng.choice(palette)) for _ in range(number)]
        room_for = [coloured(image, c) for c in tints]
        things = place(rng, height, width, [coloured(shape, base), *room_for])
        if things is None:
            return None
        marks = []
        for thing in things[1:]:
            y, x = np.argwhere(thing.mask)[0]
            marks.append(Thing(blank(1, 1, thing.colour), thing.y + int(y), thing.x + int(x)))
        grid = painted(blank(height, width), [things[0], *marks])
        if variant == "moved":
            return grid, painted(blank(height, width), things[1:])
        return grid, painted(blank(height, width), things)

    return make


def complete_copies(rng: Rng, room: Room) -> Maker:
    """All things have the shape of the whole one; what is missing is added in a new colour."""
    base, new = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 8)
        shape = blob(rng, 3, 3)
        if shape.sum() < 5:
            return None
        number = between(rng, 2, 3)
        things = place(rng, height, width, [coloured(shape, base)] * number)
        if things is None:
            return None
        out = painted(blank(height, width), things)
        grid = out.copy()
        for thing in things[1:]:
            inner = np.argwhere(shape)[1:-1]
            y, x = inner[rng.integers(len(inner))]
            grid[thing.y + y, thing.x + x] = 0
            out[thing.y + y, thing.x + x] = new
        return grid, out

    return make


def match_shapes(rng: Rng, room: Room, variant: str) -> Maker:
    """A key thing tells a shape: things of this shape are kept, or recoloured as the key is."""
    key, base = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 9)
        shape, other = blob(rng, 3, 2), blob(rng, 3, 2)
        if shape.shape == other.shape and np.array_equal(shape, other):
            return None
        kinds = [shape if chance(rng, 0.5) else other for _ in range(between(rng, 2, 5))]
        things = place(
            rng, height, width, [coloured(shape, key), *(coloured(k, base) for k in kinds)]
        )
        if things is None or not any(k is shape for k in kinds):
            return None
        same = [t for t, k in zip(things[1:], kinds, strict=True) if k is shape]
        grid = painted(blank(height, width), things)
        if variant == "kept":
            return grid, painted(blank(height, width), [things[0], *same])
        return grid, painted(grid, [t.recoloured(key) for t in same])

    return make


def fit_piece(rng: Rng, room: Room) -> Maker:
    """Pieces above fall into the gaps of a wall that have their width."""
    wall, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 7)
        grid = blank(height, width)
        grid[-2:] = wall
        out = grid.copy()
        x = 1
        while x + 3 < width:
            size = between(rng, 1, 2)
            colour = int(rng.choice(palette))
            grid[-2, x : x + size] = 0
            out[-2, x : x + size] = colour
            y = between(rng, 0, height - 4)
            grid[y, x : x + size] = colour
            x += size + between(rng, 1, 3)
        return grid, out

    return make


def enlarge_thing(rng: Rng, room: Room) -> Maker:
    """The thing at the upper left, twice as large, right below it."""
    palette = colours(rng, 3)
    keep = chance(rng, 0.6)

    def make(rng: Rng) -> Drawn:
        side = room.side(rng, 9)
        cells = coloured(blob(rng, side // 3, 2), int(rng.choice(palette)))
        thing = Thing(cells)
        big = Thing(np.kron(cells, np.ones((2, 2), dtype=np.uint8)), len(cells), thing.width)
        base = painted(blank(side, side), [thing])
        return base, painted(base if keep else blank(side, side), [big])

    return make


def dots_into_things(rng: Rng, room: Room) -> Maker:
    """Every dot takes the place of the nearest thing's centre: things get a coloured middle."""
    base, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 8)
        square = np.ones((3, 3), dtype=bool)
        number = between(rng, 1, 3)
        things = place(rng, height - 1, width, [coloured(square, base)] * number, gap=2)
        if things is None:
            return None
        grid = painted(blank(height, width), things)
        out = grid.copy()
        for thing in things:
            colour = int(rng.choice(palette))
            grid[thing.y + 3, thing.x + 1] = colour
            out[thing.y + 1, thing.x + 1] = colour
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants("templates", sign_at_dots, *_SIGNS, "by_colour"),
    *variants("templates", random_sign_at_dots, "hidden", "shown"),
    *variants("templates", copies_in_mark_colour, "upright", "mirrored", "moved"),
    single("templates", complete_copies),
    *variants("templates", match_shapes, "kept", "recoloured"),
    single("templates", fit_piece),
    single("templates", enlarge_thing),
    single("templates", dots_into_things),
)
