"""Rules that treat all things alike: recolour by a property, outline, fill, crop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.arc.masks import spread
from kit.pretrain.rules.cells import blank, bounds, enclosed, mapped
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
    box,
    coloured,
    painted,
    ring,
    scatter,
    speckle,
)
from kit.pretrain.rules.selectors import task_palette

_PROPERTIES: dict[str, Callable[[Thing], int]] = {
    "cells": lambda t: t.size,
    "height": lambda t: t.height,
    "width": lambda t: t.width,
    "holes": lambda t: t.num_holes(),
    "box": lambda t: t.height * t.width,
    "missing": lambda t: t.cells.size - t.size,
}


def recolour_by_value(rng: Rng, room: Room, variant: str) -> Maker:
    """A table tells the colour of a thing from one of its numbers, the same in all pairs."""
    measure = _PROPERTIES[variant]
    base, *table = colours(rng, 6)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [base], (2, 5), lambda r, m: any_shape(r, min(m, 3)))
        if scene is None:
            return None
        new = [t.recoloured(table[measure(t) % len(table)]) for t in scene.things]
        return scene.grid(), painted(blank(scene.height, scene.width), new)

    return make


def recolour_by_rank(rng: Rng, room: Room, variant: str) -> Maker:
    """Things ranked by a number get the colours of a list in order."""
    measure = _PROPERTIES[variant]
    base, *table = colours(rng, 6)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [base], (2, 4))
        if scene is None:
            return None
        values = sorted({measure(t) for t in scene.things}, reverse=True)
        if len(values) < len(scene.things):
            return None
        new = [t.recoloured(table[values.index(measure(t))]) for t in scene.things]
        return scene.grid(), painted(blank(scene.height, scene.width), new)

    return make


def recolour_from_dot(rng: Rng, room: Room, variant: str) -> Maker:
    """Every thing takes the colour of the dot inside it or beside it."""
    base, *palette = colours(rng, 6)
    erase = chance(rng, 0.5)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [base], (1, 4), lambda r, m: box(r, max(3, m), 2), least=8)
        if scene is None:
            return None
        grid = scene.grid()
        out = grid.copy()
        for thing in scene.things:
            dot = int(rng.choice(palette))
            y = thing.y + between(rng, 0, thing.height - 1) if variant == "inside" else thing.y - 1
            x = thing.x + between(rng, 0, thing.width - 1)
            if y < 0 or (variant != "inside" and grid[y, x]):
                return None
            grid[y, x] = dot
            out[y, x] = 0 if erase and variant != "inside" else dot
            out = painted(out, [thing.recoloured(dot)])
        return grid, out

    return make


def outline_things(rng: Rng, room: Room, variant: str) -> Maker:
    """A line around every thing, inside its edge, or of the cells that touch it diagonally."""
    palette = task_palette(rng)
    new = next(c for c in colours(rng, 9) if c not in palette)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (1, 3), lambda r, m: any_shape(r, max(m, 3)))
        if scene is None:
            return None
        grid = scene.grid()
        out, mask = grid.copy(), grid > 0
        if variant == "around":
            out[spread(mask, diagonal=True) & ~mask] = new
        elif variant == "beside":
            out[spread(mask) & ~mask] = new
        elif variant == "edge":
            out[mask & spread(~np.pad(mask, 1), diagonal=True)[1:-1, 1:-1]] = new
        else:
            out[spread(mask, diagonal=True) & ~spread(mask)] = new
        return grid, out

    return make


def box_things(rng: Rng, room: Room, variant: str) -> Maker:
    """The box of every thing is filled with a colour, or only its gaps, holes or corners are."""
    palette = task_palette(rng)
    new = next(c for c in colours(rng, 9) if c not in palette)

    shape, least = (ring, 3) if variant == "holes" else (blob, 2)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (1, 4), lambda r, m: shape(r, max(m, 3), least))
        if scene is None:
            return None
        boxes = []
        for thing in scene.things:
            cells = coloured(np.ones(thing.cells.shape, dtype=bool), new)
            if variant == "holes":
                cells = coloured(enclosed(np.pad(thing.cells, 1))[1:-1, 1:-1], new)
            if variant == "corners":
                cells[1:-1] = 0
                cells[:, 1:-1] = 0
            boxes.append(Thing(cells, thing.y, thing.x))
        base = painted(blank(scene.height, scene.width), boxes)
        return scene.grid(), base if variant == "box" else painted(base, scene.things)

    return make


def swap_colours_of_things(rng: Rng, room: Room) -> Maker:
    """Things of two colours: edge and inside exchange their colours."""
    palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [1], (1, 3), lambda r, m: box(r, max(m, 3), 3), least=6)
        if scene is None:
            return None
        before, after = [], []
        for thing in scene.things:
            a, b = (int(c) for c in rng.permutation(palette)[:2])
            cells = coloured(thing.mask, a)
            cells[1:-1, 1:-1] = b
            before.append(Thing(cells, thing.y, thing.x))
            after.append(Thing(mapped(cells, {a: b, b: a}), thing.y, thing.x))
        base = blank(scene.height, scene.width)
        return painted(base, before), painted(base, after)

    return make


def crop_content(rng: Rng, room: Room, variant: str) -> Maker:
    """The box around everything, around one colour, or what a coloured box contains."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        if variant == "everything":
            h, w = between(rng, 2, height - 2), between(rng, 2, width - 2)
            inner = speckle(rng, h, w, palette, 0.6)
            if not inner.any():
                return None
            grid = painted(blank(height, width), [Thing(inner, *_corner(rng, height, width, h, w))])
            return grid, grid[bounds(grid > 0)]
        grid = speckle(rng, height, width, palette[1:], rng.uniform(0.2, 0.9))
        h, w = between(rng, 3, height - 1), between(rng, 3, width - 1)
        y, x = _corner(rng, height, width, h, w)
        if variant == "corners":
            for corner in ((y, x), (y, x + w - 1), (y + h - 1, x), (y + h - 1, x + w - 1)):
                grid[corner] = palette[0]
        else:
            grid[[y, y + h - 1], x : x + w] = palette[0]
            grid[y : y + h, [x, x + w - 1]] = palette[0]
        inside = grid[y + 1 : y + h - 1, x + 1 : x + w - 1]
        return (grid, inside) if inside.any() else None

    return make


def _corner(rng: Rng, height: int, width: int, h: int, w: int) -> tuple[int, int]:
    return between(rng, 0, height - h), between(rng, 0, width - w)


def dots_join_things(rng: Rng, room: Room) -> Maker:
    """Dots that touch a thing take its colour, the others vanish."""
    body, dot = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [body], (1, 3), blob)
        if scene is None:
            return None
        grid = scene.grid()
        free = grid == 0
        near = spread(grid > 0) & free
        marks = free & (rng.random(grid.shape) < 0.12)
        marks |= near & (rng.random(grid.shape) < 0.2)
        out = grid.copy()
        out[marks & near] = body
        grid[marks] = dot
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants("objects", recolour_by_value, *_PROPERTIES),
    *variants("objects", recolour_by_rank, "cells", "height", "box"),
    *variants("objects", recolour_from_dot, "inside", "above"),
    *variants("objects", outline_things, "around", "beside", "edge", "diagonal"),
    *variants("objects", box_things, "box", "gaps", "holes", "corners"),
    single("objects", swap_colours_of_things),
    *variants("crop", crop_content, "everything", "corners", "frame"),
    single("objects", dots_join_things),
)
