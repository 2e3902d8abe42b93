"""Rules that move things: steps, falls, alignment, towards an anchor, turned in their place."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import blank, fallen, turn
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
from kit.pretrain.rules.scenes import (
    Thing,
    any_shape,
    blob,
    coloured,
    painted,
    scatter,
)
from kit.pretrain.rules.selectors import task_palette


def shift_things(rng: Rng, room: Room, variant: str) -> Maker:
    """Things move by a step: the same for all, one per colour, or by their own size."""
    palette = colours(rng, 3)
    steps = {c: (between(rng, -1, 2), between(rng, 1, 2)) for c in palette}
    if variant == "all":
        steps = dict.fromkeys(palette, steps[palette[0]])

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (1, 3), least=6)
        if scene is None:
            return None
        moved = []
        for thing in scene.things:
            dy, dx = (0, thing.width) if variant == "own_width" else steps[thing.colour]
            moved.append(thing.at(thing.y + dy, thing.x + dx))
        out = painted(blank(scene.height, scene.width), moved)
        whole = (out > 0).sum() == sum(t.size for t in moved)
        return (scene.grid(), out) if whole else None

    return make


def things_fall(rng: Rng, room: Room, variant: str) -> Maker:
    """Whole things or single cells sink to the floor; or things stop on a line."""
    palette = task_palette(rng)
    line = next(c for c in colours(rng, 9) if c not in palette)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (2, 5), lambda r, m: any_shape(r, min(m, 3)))
        if scene is None:
            return None
        grid = scene.grid()
        if variant == "cells":
            return grid, fallen(grid)
        floor = scene.height
        if variant == "line":
            empty = np.flatnonzero(~grid.any(1))
            if not len(empty):
                return None
            floor = int(rng.choice(empty))
            grid[floor] = line
        out = blank(*grid.shape)
        out[floor:] = grid[floor:]
        for thing in sorted(scene.things, key=lambda t: -(t.y + t.height)):
            if thing.y < floor:
                out = painted(out, [_lowest(out, thing)])
        return grid, out

    return make


def _lowest(out: np.ndarray, thing: Thing) -> Thing:
    """The thing as far down as it can sink in a straight fall."""
    y = thing.y
    columns = slice(thing.x, thing.x + thing.width)
    while y + thing.height < len(out):
        below = out[y + 1 : y + 1 + thing.height, columns]
        if (below[thing.mask] > 0).any():
            break
        y += 1
    return thing.at(y, thing.x)


def align_things(rng: Rng, room: Room, variant: str) -> Maker:
    """Things slide sideways until their left edges, or their middles, stand on one line."""
    palette = task_palette(rng)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 7)
        things, y = [], between(rng, 0, 1)
        while True:
            cells = coloured(any_shape(rng, min(4, width // 2)), int(rng.choice(palette)))
            if y + len(cells) > height:
                break
            things.append(Thing(cells, y, between(rng, 0, width - cells.shape[1])))
            y += len(cells) + 1
        if len(things) < 2:
            return None
        goal = min(t.x for t in things) if variant == "leftmost" else things[0].x
        goal = 0 if variant == "wall" else goal
        new = [t.at(t.y, goal) for t in things]
        if max(t.x + t.width for t in new) > width:
            return None
        base = blank(height, width)
        return painted(base, things), painted(base, new)

    return make


def move_to_anchor(rng: Rng, room: Room, variant: str) -> Maker:
    """Things slide towards a bar or a block until they touch it."""
    anchor, *palette = colours(rng, 3)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 8)
        base = blank(height, width)
        top = height - between(rng, 1, 2)
        base[top:] = anchor
        side = variant == "both_sides"
        if side:
            top = between(rng, height // 2 - 1, height // 2)
            base = blank(height, width)
            base[top : top + 1] = anchor
        shapes = [
            coloured(blob(rng, 2), int(rng.choice(palette))) for _ in range(between(rng, 2, 4))
        ]
        columns = np.arange(0, width - 1, 3)
        things = []
        for x, cells in zip(rng.permutation(columns), shapes, strict=False):
            high = top - len(cells) - 1
            y = between(rng, 0, high)
            if side and chance(rng, 0.5):
                y = between(rng, top + 2, height - len(cells))
            things.append(Thing(cells, y, int(x)))
        if any(t.y + t.height > height or t.y < 0 for t in things):
            return None
        new = [t.at(top - t.height if t.y < top else top + 1, t.x) for t in things]
        return painted(base, things), painted(base, new)

    return make


def turn_things(rng: Rng, room: Room, variant: str) -> Maker:
    """Every thing is mirrored or turned in its place."""
    palette = task_palette(rng)
    element = {"mirrored": 4, "half_turn": 2, "upside_down": 6}[variant]

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (1, 4), lambda r, m: blob(r, max(3, m), 2))
        if scene is None:
            return None
        new = [Thing(turn(t.cells, element), t.y, t.x) for t in scene.things]
        return scene.grid(), painted(blank(scene.height, scene.width), new)

    return make


def mirror_things(rng: Rng, room: Room, variant: str) -> Maker:
    """A mirror image beside or below every thing, as it is or in another colour."""
    palette = task_palette(rng)
    new = next(c for c in colours(rng, 9) if c not in palette)
    element = {"below": 6, "below_recoloured": 6, "copy_below": 0}[variant]

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (1, 3), lambda r, m: any_shape(r, max(3, m)))
        if scene is None:
            return None
        images = [
            Thing(np.ascontiguousarray(turn(t.cells, element)), t.y + t.height, t.x)
            for t in scene.things
        ]
        if variant.endswith("recoloured"):
            images = [t.recoloured(new) for t in images]
        grid = scene.grid()
        out = painted(grid, images)
        kept = np.array_equal(out[grid > 0], grid[grid > 0])
        return (grid, out) if kept else None

    return make


def bring_together(rng: Rng, room: Room) -> Maker:
    """All things fall onto one dot: each dot moves next to the anchor in its direction."""
    anchor, other = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        y, x = between(rng, 1, height - 2), between(rng, 1, width - 2)
        grid, out = blank(height, width), blank(height, width)
        grid[y, x] = out[y, x] = anchor
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            reach = max((height - 1 - y) if dy > 0 else y if dy < 0 else 0,
                        (width - 1 - x) if dx > 0 else x if dx < 0 else 0)  # fmt: skip
            if reach >= 2 and chance(rng, 0.7):
                steps = between(rng, 2, reach)
                grid[y + dy * steps, x + dx * steps] = other
                out[y + dy, x + dx] = other
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants("movement", shift_things, "all", "by_colour", "own_width"),
    *variants("movement", things_fall, "things", "cells", "line"),
    *variants("movement", align_things, "leftmost", "first", "wall"),
    *variants("movement", move_to_anchor, "floor", "both_sides"),
    *variants("objects", turn_things, "mirrored", "half_turn", "upside_down"),
    *variants("objects", mirror_things, "below", "below_recoloured", "copy_below"),
    single("movement", bring_together),
)
