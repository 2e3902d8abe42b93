"""Rules about numbers: count things and colours and show the count; most, least, as many as."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import blank, counts, enclosed, parts
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
from kit.pretrain.rules.scenes import box, coloured, painted, place, ring, scatter, speckle


def count_to_bar(rng: Rng, room: Room, variant: str) -> Maker:
    """As many cells in a row as there are things, dots of a colour, holes or colours."""
    ink, *palette = colours(rng, 4)
    length = between(rng, 5, 9)
    shape = int(rng.integers(3))

    def make(rng: Rng) -> Drawn:
        if variant == "holes":
            scene = scatter(rng, room, palette[:1], (1, 4), ring if rng.random() < 0.5 else box)
        else:
            scene = scatter(rng, room, palette[: 1 if variant == "things" else 3], (1, 6))
        if scene is None:
            return None
        grid = scene.grid()
        number = {
            "things": len(scene.things),
            "holes": len(parts(enclosed(grid))),
            "colours": len(np.unique(grid[grid > 0])),
            "one_colour": sum(t.colour == palette[0] for t in scene.things),
        }[variant]
        if not 0 < number <= length:
            return None
        out = blank(1, length)
        out[0, :number] = ink
        if shape == 1:
            return grid, blank(1, number, ink)
        if shape == 2:
            return grid, np.diag(np.full(number, ink, dtype=np.uint8))
        return grid, out

    return make


def commonest_colour(rng: Rng, room: Room, variant: str) -> Maker:
    """The colour of most or fewest cells: one cell, the whole grid, or only its cells stay."""
    palette = colours(rng, 4)
    least = variant.startswith("rarest")

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3)
        grid = rng.choice(palette, (height, width), p=rng.dirichlet([1.5] * 4)).astype(np.uint8)
        seen = counts(grid)
        present = np.flatnonzero(seen)
        order = present[np.argsort(seen[present])]
        if len(order) < 3 or seen[order[0]] == seen[order[1]] or seen[order[-1]] == seen[order[-2]]:
            return None
        colour = int(order[0] if least else order[-1])
        if variant.endswith("cell"):
            return grid, blank(1, 1, colour)
        if variant.endswith("grid"):
            return grid, blank(height, width, colour)
        return grid, np.where(grid == colour, grid, 0).astype(np.uint8)

    return make


def histogram(rng: Rng, room: Room, variant: str) -> Maker:
    """Colours as bars, one under the other, the longest first; or as a list without lengths."""
    palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3)
        number = between(rng, 2, 4)
        share = 0.3 if variant == "list" else min(0.4, 12 / (height * width))
        grid = speckle(rng, height, width, list(rng.permutation(palette)[:number]), share)
        seen = counts(grid)
        seen[0] = 0
        order = [int(c) for c in np.argsort(-seen, kind="stable") if seen[c]]
        if len(order) < 2 or len({int(seen[c]) for c in order}) < len(order) or seen.max() > 12:
            return None
        if variant == "list":
            return grid, np.array([[c] for c in order], dtype=np.uint8)
        out = blank(len(order), int(seen.max()))
        for y, colour in enumerate(order):
            out[y, : seen[colour]] = colour
        return grid, out

    return make


def count_per_row(rng: Rng, room: Room, variant: str) -> Maker:
    """Rows are treated by how many cells they have: the fullest, or even against odd."""
    ink, new = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        grid = speckle(rng, height, width, [ink], rng.uniform(0.2, 0.6))
        sums = (grid > 0).sum(1)
        if variant == "fullest":
            chosen = sums == sums.max()
            if chosen.sum() > 1:
                return None
        else:
            chosen = (sums % 2 == 0) & (sums > 0)
        out = np.where(chosen[:, None] & (grid > 0), new, grid).astype(np.uint8)
        return grid, out

    return make


def repeat_by_count(rng: Rng, room: Room) -> Maker:
    """A small picture is repeated as often as it has cells of the mark colour."""
    mark, *palette = colours(rng, 3)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 2, 4)
        grid = speckle(rng, height, width, palette, 0.7)
        number = between(rng, 1, min(4, height * width))
        where = rng.permutation(height * width)[:number]
        grid.ravel()[where] = mark
        return grid, np.tile(grid, (1, number))

    return make


def more_things(rng: Rng, room: Room, variant: str) -> Maker:
    """Which of two colours has more things, or more cells? One cell or all things say so."""
    a, b = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [a, b], (3, 7), lambda r, m: box(r, min(m, 3)))
        if scene is None:
            return None
        grid = scene.grid()
        first = sum(t.colour == a for t in scene.things)
        difference = 2 * first - len(scene.things)
        if variant == "cells":
            difference = int((grid == a).sum()) - int((grid == b).sum())
        if difference == 0:
            return None
        colour = a if difference > 0 else b
        if variant == "dye":
            return grid, ((grid > 0) * colour).astype(np.uint8)
        return grid, blank(1, 1, colour)

    return make


def growing_stairs(rng: Rng, room: Room) -> Maker:
    """A staircase below the first row: each row one cell longer than the one above."""
    ink, other = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        width = room.side(rng, 4, 14)
        start = between(rng, 1, width - 2)
        grid = blank(1, width)
        grid[0, :start] = ink
        rows = width - start if width - start < 12 else width // 2
        out = blank(rows, width, 0)
        for y in range(rows):
            out[y, : start + y] = ink
            out[y, start + y :] = 0
        out[-1, -1] = other
        return grid, out

    return make


def square_of_colours(rng: Rng, room: Room) -> Maker:
    """A square canvas as large as there are colours, on it the commonest colour's diagonal."""
    palette = colours(rng, 6)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 4)
        number = between(rng, 2, 6)
        cells = [coloured(box(rng, 2), c) for c in palette[:number]]
        things = place(rng, height, width, cells, gap=0)
        if things is None:
            return None
        grid = painted(blank(height, width), things)
        seen = counts(grid)
        seen[0] = 0
        if (seen == seen.max()).sum() > 1:
            return None
        return grid, np.diag(np.full(number, seen.argmax(), dtype=np.uint8))

    return make


RULES: tuple[Rule, ...] = (
    *variants("counting", count_to_bar, "things", "holes", "colours", "one_colour"),
    *variants(
        "counting", commonest_colour, "most_cell", "rarest_cell", "most_grid", "rarest_grid",
        "most_kept", "rarest_kept",
    ),
    *variants("counting", histogram, "bars", "list"),
    *variants("counting", count_per_row, "fullest", "even"),
    single("counting", repeat_by_count),
    *variants("counting", more_things, "things", "cells", "dye"),
    single("counting", growing_stairs),
    single("counting", square_of_colours),
)  # fmt: skip
