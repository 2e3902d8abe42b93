"""Rules about regions: fill what is enclosed, flood from a dot, borders, nested frames."""

from __future__ import annotations

import numpy as np

from kit.arc.masks import spread
from kit.pretrain.rules.cells import Array, blank, border, bounds, enclosed, flood, parts
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
from kit.pretrain.rules.scenes import Scene, any_scene, blob, mosaic, ring, scatter


def _rings(rng: Rng, room: Room, palette: list[int], extra: int = 0) -> Scene | None:
    """Closed and broken rings."""
    scene = scatter(rng, room, palette, (1, 4), lambda r, m: ring(r, max(m, 4) + extra), least=8)
    if scene is None:
        return None
    for thing in scene.things:
        if chance(rng, 0.25):
            thing.cells[0, between(rng, 1, thing.width - 2)] = 0
    return scene


def fill_enclosed(rng: Rng, room: Room, variant: str) -> Maker:
    """Enclosed regions are filled: all, only squares, by their size, or in the wall's colour."""
    palette = colours(rng, 2)
    small, large = [c for c in colours(rng, 9) if c not in palette][:2]
    limit = between(rng, 2, 4)

    def make(rng: Rng) -> Drawn:
        scene = _rings(rng, room, palette, extra=int(variant in ("size", "square")))
        if scene is None:
            return None
        grid = scene.grid()
        inside = enclosed(grid)
        out = grid.copy()
        for region in parts(inside):
            rows, columns = bounds(region)
            height, width = rows.stop - rows.start, columns.stop - columns.start
            if variant == "wall":
                out[region] = grid[spread(region) & ~region].max()
            elif variant == "square":
                out[region] = small if height == width else 0
            elif variant == "size":
                out[region] = small if region.sum() <= limit else large
            else:
                out[region] = small
        if variant == "outside":
            out = np.where((grid == 0) & ~inside, small, grid).astype(np.uint8)
        return grid, out

    return make


def recolour_closed(rng: Rng, room: Room) -> Maker:
    """Rings that are closed change their colour, broken ones stay."""
    base, new = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        scene = _rings(rng, room, [base])
        if scene is None:
            return None
        things = tuple(t.recoloured(new) if t.num_holes() else t for t in scene.things)
        return scene.grid(), Scene(scene.height, scene.width, things).grid()

    return make


def flood_from_dot(rng: Rng, room: Room, variant: str) -> Maker:
    """A dot floods its region up to the walls."""
    wall, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        grid = _walls(rng, height, width, wall)
        out = grid.copy()
        regions = parts(grid == 0)
        chosen = [r for r in regions if r.sum() > 2 and chance(rng, 0.6)]
        for region in chosen:
            colour = int(rng.choice(palette))
            cells = np.argwhere(region)
            y, x = cells[rng.integers(len(cells))]
            grid[y, x] = colour
            out[region] = colour
            if variant == "checks":
                even = (np.indices(grid.shape).sum(0) + y + x) % 2 == 1
                out[region & even] = 0
        return (grid, out) if chosen else None

    return make


def _walls(rng: Rng, height: int, width: int, wall: int) -> Array:
    """Straight walls right across the grid."""
    grid = blank(height, width)
    for _ in range(between(rng, 1, 2)):
        grid[between(rng, 1, height - 2)] = wall
        grid[:, between(rng, 1, width - 2)] = wall
    if chance(rng, 0.3):
        grid[between(rng, 0, height - 1), between(rng, 0, width - 1)] = 0
    return grid


def colour_regions(rng: Rng, room: Room, variant: str) -> Maker:
    """Regions between walls are coloured by rank of size, or by whether they reach the border."""
    wall, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        grid = _walls(rng, height, width, wall)
        regions = sorted(parts(grid == 0), key=lambda r: -int(r.sum()))
        sizes = [int(r.sum()) for r in regions]
        if len(regions) < 3 or sizes[0] == sizes[1] or sizes[-1] == sizes[-2]:
            return None
        out = grid.copy()
        out[regions[0]] = palette[0]
        if variant != "largest":
            out[regions[-1]] = palette[1]
        if variant == "all":
            for region in regions[1:-1]:
                out[region] = palette[2]
        return grid, out

    return make


def frame_grid(rng: Rng, room: Room, variant: str) -> Maker:
    """A frame around the grid: outside it, on its edge, taken away, or only the corners."""
    new = colours(rng, 1)[0]

    def make(rng: Rng) -> Drawn:
        grid = any_scene(rng, room)
        if min(grid.shape) < 3 or max(grid.shape) > 28:
            return None
        if variant == "outside":
            return grid, np.pad(grid, 1, constant_values=new)
        if variant == "removed":
            return np.pad(grid, 1, constant_values=new), grid
        out = grid.copy()
        edge = border(*grid.shape)
        if variant == "corners":
            edge[1:-1] = False
            edge[:, 1:-1] = False
        out[edge] = new
        return grid, out

    return make


def nested_frames(rng: Rng, room: Room, variant: str) -> Maker:
    """Frames within frames: colours in reverse order, moved on by one, or one cell for each."""
    palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        depth = between(rng, 3, 4)
        order = [int(c) for c in rng.permutation(palette)[:depth]]
        rest = between(rng, 1, 3), between(rng, 1, 3)
        grid = blank(*rest, order[-1])
        after = order[::-1] if variant == "reversed" else [order[-1], *order[:-1]]
        out = blank(*rest, after[-1])
        for old, new in zip(order[-2::-1], after[-2::-1], strict=True):
            thick = between(rng, 1, 2) if room.high > 12 else 1
            grid = np.pad(grid, thick, constant_values=old)
            out = np.pad(out, thick, constant_values=new)
        if variant == "listed":
            return grid, np.array([order], dtype=np.uint8)
        return grid, out

    return make


def grow_frames(rng: Rng, room: Room) -> Maker:
    """Frames around a block in the alternating colours that the rule has."""
    palette = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 6)
        y, x = between(rng, 1, height - 2), between(rng, 1, width - 2)
        grid = blank(height, width)
        grid[y, x] = palette[0]
        rows, columns = np.indices(grid.shape)
        distance = np.maximum(abs(rows - y), abs(columns - x))
        return grid, np.array(palette, dtype=np.uint8)[distance % 2]

    return make


def fill_to_border(rng: Rng, room: Room) -> Maker:
    """Bays of a thing are filled down to the floor: every column under its first cell."""
    base, new = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        scene = scatter(rng, room, [base], (1, 3), lambda r, m: blob(r, max(3, m), 2))
        if scene is None:
            return None
        grid = scene.grid()
        under = np.maximum.accumulate(grid > 0, axis=0)
        return grid, np.where(under & (grid == 0), new, grid).astype(np.uint8)

    return make


def colour_of_region(rng: Rng, room: Room) -> Maker:
    """The map of a few regions: every region becomes one cell of its colour, in their order."""
    palette = colours(rng, 6)

    def make(rng: Rng) -> Drawn:
        rows, columns = between(rng, 1, 3), between(rng, 2, 3)
        small = mosaic(rng, rows, columns, palette)
        beside = (small[:, 1:] == small[:, :-1]).any() or (small[1:] == small[:-1]).any()
        high = max(2, room.high // 3)
        tall = rng.integers(1, high, rows, endpoint=True)
        wide = rng.integers(1, high, columns, endpoint=True)
        return None if beside else (np.repeat(np.repeat(small, tall, 0), wide, 1), small)

    return make


def keep_reachable(rng: Rng, room: Room) -> Maker:
    """Of a speckled picture only what hangs together with the marked cell stays."""
    mark, base = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        mask = rng.random((height, width)) < 0.55
        cells = np.argwhere(mask)
        if not len(cells):
            return None
        seed = np.zeros_like(mask)
        seed[tuple(cells[rng.integers(len(cells))])] = True
        kept = flood(mask, seed)
        grid = np.where(seed, mark, mask * base).astype(np.uint8)
        return (grid, np.where(kept, grid, 0).astype(np.uint8)) if kept.sum() > 2 else None

    return make


RULES: tuple[Rule, ...] = (
    *variants("regions", fill_enclosed, "all", "square", "size", "wall", "outside"),
    single("regions", recolour_closed),
    *variants("regions", flood_from_dot, "plain", "checks"),
    *variants("regions", colour_regions, "largest", "extremes", "all"),
    *variants("borders", frame_grid, "outside", "removed", "edge", "corners"),
    *variants("borders", nested_frames, "reversed", "rotated", "listed"),
    single("borders", grow_frames),
    single("regions", fill_to_border),
    single("regions", colour_of_region),
    single("regions", keep_reachable),
)
