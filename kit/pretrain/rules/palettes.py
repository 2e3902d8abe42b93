"""Rules about colours: exchange, permute, look up in a key, follow a mark; and noise."""

from __future__ import annotations

import numpy as np

from kit.arc.masks import spread
from kit.pretrain.rules.cells import alone, blank, counts, mapped
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
from kit.pretrain.rules.scenes import any_scene, box, mosaic, painted, scatter, speckle


def exchange_colours(rng: Rng, room: Room) -> Maker:
    """A fixed permutation of some colours."""
    palette = colours(rng, between(rng, 2, 5))
    table = dict(zip(palette, np.roll(palette, 1).tolist(), strict=True))

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3)
        share = 1.0 if rng.random() < 0.4 else 0.4
        grid = speckle(rng, height, width, palette, share)
        return grid, mapped(grid, table)

    return make


def swap_own_colours(rng: Rng, room: Room, variant: str) -> Maker:
    """The two commonest colours of the picture change places, or the rarest spreads."""

    def make(rng: Rng) -> Drawn:
        a, b, c = colours(rng, 3)
        height, width = room.sides(rng, 3)
        grid = rng.choice([a, b, c], (height, width), p=[0.55, 0.3, 0.15]).astype(np.uint8)
        seen = counts(grid)
        if not seen[a] > seen[b] > seen[c] > 0:
            return None
        table = {a: b, b: a} if variant == "commonest" else {b: c}
        return grid, mapped(grid, table)

    return make


def look_up_key(rng: Rng, room: Room, variant: str) -> Maker:
    """Pairs of colours at the edge say what becomes of what in the picture below."""
    line = colours(rng, 1)[0]
    number = between(rng, 1, 3)

    def make(rng: Rng) -> Drawn:
        palette = [c for c in colours(rng, 9) if c != line]
        old, new = palette[:number], palette[number : 2 * number]
        height, width = room.sides(rng, max(3, number))
        picture = speckle(rng, height, width, old, 0.5)
        key = blank(height, 2)
        key[:number, 0], key[:number, 1] = old, new
        table = dict(zip(old, new, strict=True))
        result = mapped(picture, table)
        bar = blank(height, 1, line)
        grid = np.concatenate([key, bar, picture], axis=1)
        if variant == "cropped":
            return grid, result
        return grid, np.concatenate([key, bar, result], axis=1)

    return make


def colour_from_corner(rng: Rng, room: Room, variant: str) -> Maker:
    """All things take the colour of the cell in the corner, or only those of one colour do."""
    base, other = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [base, other] if variant == "one" else [base], (1, 4), box)
        if scene is None:
            return None
        grid = scene.grid()
        if grid[:2, :2].any():
            return None
        tint = next(c for c in colours(rng, 9) if c not in (base, other))
        grid[0, 0] = tint
        return grid, mapped(grid, {base: tint})

    return make


def remove_noise(rng: Rng, room: Room, variant: str) -> Maker:
    """Single cells are noise: around things, on things, or both."""
    palette = colours(rng, 3)
    other = next(c for c in colours(rng, 9) if c not in palette)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, palette, (1, 3), lambda r, m: box(r, max(m, 3), 3), least=8)
        if scene is None:
            return None
        clean = scene.grid()
        noise = int(rng.choice(palette)) if variant == "around" else other
        spots = alone(rng.random(clean.shape) < 0.1)
        if variant == "around":
            spots &= ~spread(clean > 0, diagonal=True)
        elif variant == "on_things":
            spots &= clean > 0
        grid = np.where(spots, noise, clean).astype(np.uint8)
        return grid, clean

    return make


def block_in_noise(rng: Rng, room: Room, variant: str) -> Maker:
    """The one full rectangle in a speckled picture: cut out, alone, or coloured."""
    ink, noise, new = colours(rng, 3)
    noise = ink if variant in ("coloured", "alone") else noise

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 8)
        grid = speckle(rng, height, width, [noise], 0.35)
        h, w = between(rng, 3, height // 2), between(rng, 3, width // 2)
        y, x = between(rng, 0, height - h), between(rng, 0, width - w)
        if noise == ink:
            grid[max(0, y - 1) : y + h + 1, max(0, x - 1) : x + w + 1] = 0
        grid[y : y + h, x : x + w] = ink
        if variant == "clearing":
            grid[y : y + h, x : x + w] = 0
        out = blank(height, width)
        if variant == "alone":
            out[y : y + h, x : x + w] = ink
            return grid, out
        if variant == "size":
            return grid, blank(h, w, ink)
        out = grid.copy()
        out[y : y + h, x : x + w] = new
        return grid, out

    return make


def majority_of_copies(rng: Rng, room: Room) -> Maker:
    """One picture three times with different noise: the picture that two of them agree on."""
    palette = [0, *colours(rng, 2)]
    noise = next(c for c in colours(rng, 9) if c not in palette)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3, 8)
        picture = mosaic(rng, height, width, palette)
        bad = rng.integers(0, 9, (height, width))
        copies = [np.where(bad == k, noise, picture).astype(np.uint8) for k in range(3)]
        bars = blank(height, 1, noise)
        return np.concatenate([copies[0], bars, copies[1], bars, copies[2]], axis=1), picture

    return make


def negative(rng: Rng, room: Room, variant: str) -> Maker:
    """Colour and background change places, in the picture's own colour; also next to itself."""

    def make(rng: Rng) -> Drawn:
        ink = colours(rng, 1)[0]
        grid = (any_scene(rng, room) > 0).astype(np.uint8) * np.uint8(ink)
        image = mapped(grid, {0: ink, ink: 0})
        if variant == "beside":
            both = np.concatenate([grid, image], axis=1)
            return (grid, both) if both.shape[1] <= 30 else None
        return grid, image

    return make


def colour_by_place(rng: Rng, room: Room, variant: str) -> Maker:
    """Things are coloured by the half or the quarter of the grid that they stand in."""
    base, *palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        if variant == "cells":
            grid = speckle(rng, height, width, [base], 0.3)
            rows, columns = np.indices(grid.shape)
            tint = np.array(palette)[(rows * 2 // height) * 2 + columns * 2 // width]
            return grid, np.where(grid > 0, tint, 0).astype(np.uint8)
        scene = scatter(rng, room, [base], (2, 5))
        if scene is None:
            return None
        new = []
        for thing in scene.things:
            left = 2 * thing.x + thing.width <= scene.width
            new.append(thing.recoloured(palette[0] if left else palette[1]))
        return scene.grid(), painted(blank(scene.height, scene.width), new)

    return make


def columns_in_turn(rng: Rng, room: Room) -> Maker:
    """Columns of one colour get the colours of a fixed list in turn."""
    base, *palette = colours(rng, between(rng, 3, 5))

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        grid = blank(height, width)
        chosen = np.flatnonzero(rng.random(width) < 0.5)
        if len(chosen) < 2:
            return None
        out = grid.copy()
        for index, x in enumerate(chosen):
            length = between(rng, 1, height)
            grid[:length, x] = base
            out[:length, x] = palette[index % len(palette)]
        return grid, out

    return make


def recolour_joined(rng: Rng, room: Room) -> Maker:
    """Cells that have a neighbour of their colour change, single ones stay."""
    ink, new = colours(rng, 2)
    diagonal = chance(rng, 0.3)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        mask = rng.random((height, width)) < rng.uniform(0.15, 0.35)
        near = np.zeros_like(mask)
        for axis in (0, 1):
            along = mask if axis == 0 else mask.T
            both = along[1:] & along[:-1]
            seen = near if axis == 0 else near.T
            seen[1:] |= both
            seen[:-1] |= both
        if diagonal:
            near = mask & ~alone(mask)
        grid = (mask * ink).astype(np.uint8)
        return grid, np.where(near, new, grid).astype(np.uint8)

    return make


RULES: tuple[Rule, ...] = (
    single("colours", exchange_colours, plain=True),
    *variants("colours", swap_own_colours, "commonest", "rarest"),
    *variants("colours", look_up_key, "kept", "cropped"),
    *variants("colours", colour_from_corner, "all", "one"),
    *variants("noise", remove_noise, "around", "on_things", "both"),
    *variants("noise", block_in_noise, "alone", "size", "coloured", "clearing"),
    single("noise", majority_of_copies),
    *variants("colours", negative, "alone", "beside"),
    *variants("colours", colour_by_place, "cells", "things"),
    single("colours", columns_in_turn),
    single("colours", recolour_joined),
)
