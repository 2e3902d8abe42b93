"""Whole-grid operations with drawn parameters, from which rules are composed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.arc.masks import spread
from kit.pretrain.rules.cells import (
    Array,
    blank,
    bounds,
    counts,
    enclosed,
    fallen,
    mapped,
    parts,
    turn,
)
from kit.pretrain.rules.rule import Rng, between, chance, colours

Step = Callable[[Array], Array | None]


def _falling(rng: Rng) -> Step:
    return fallen


def _recolouring(rng: Rng) -> Step:
    table = dict(zip(colours(rng, 9), colours(rng, 9), strict=True))
    return lambda grid: mapped(grid, table)


def _single_colour(rng: Rng) -> Step:
    new = colours(rng, 1)[0]
    return lambda grid: ((grid > 0) * new).astype(np.uint8)


def _holes_filled(rng: Rng) -> Step:
    new = colours(rng, 1)[0]
    return lambda grid: np.where(enclosed(grid), new, grid).astype(np.uint8)


def _outlined(rng: Rng) -> Step:
    new, diagonal = colours(rng, 1)[0], chance(rng, 0.5)
    return lambda grid: np.where(spread(grid > 0, diagonal) & (grid == 0), new, grid).astype(
        np.uint8
    )


def _hollowed(rng: Rng) -> Step:
    new = int(rng.choice([0, *colours(rng, 1)]))

    def hollow(grid: Array) -> Array:
        inner = ~spread(np.pad(grid == 0, 1, constant_values=True))[1:-1, 1:-1]
        return np.where(inner, new, grid).astype(np.uint8)

    return hollow


def _mirrored_onto(rng: Rng) -> Step:
    element = int(rng.choice([4, 6, 2]))
    return lambda grid: np.where(grid > 0, grid, turn(grid, element)).astype(np.uint8)


def _shifted(rng: Rng) -> Step:
    dy, dx = between(rng, 0, 2), between(rng, 1, 2)
    return lambda grid: np.roll(grid, (dy, dx), axis=(0, 1))


def _largest_kept(rng: Rng) -> Step:
    least = chance(rng, 0.4)

    def keep(grid: Array) -> Array | None:
        found = sorted(
            parts(grid > 0, diagonal=True), key=lambda p: int(p.sum()), reverse=not least
        )
        if len(found) < 2 or found[0].sum() == found[1].sum():
            return None
        return np.where(found[0], grid, 0).astype(np.uint8)

    return keep


def _commonest_dropped(rng: Rng) -> Step:
    def drop(grid: Array) -> Array | None:
        seen = counts(grid)
        seen[0] = 0
        colour = int(seen.argmax())
        if (seen == seen[colour]).sum() > 1 or (seen > 0).sum() < 2:
            return None
        return np.where(grid == colour, 0, grid).astype(np.uint8)

    return drop


def _framed(rng: Rng) -> Step:
    new = colours(rng, 1)[0]

    def frame(grid: Array) -> Array:
        out = np.full_like(grid, new)
        out[1:-1, 1:-1] = grid[1:-1, 1:-1]
        return out

    return frame


def _smeared(rng: Rng) -> Step:
    def smear(grid: Array) -> Array:
        out = grid.copy()
        for y in range(1, len(out)):
            out[y] = np.where(out[y] > 0, out[y], out[y - 1])
        return out

    return smear


def _ground_coloured(rng: Rng) -> Step:
    new = colours(rng, 1)[0]
    return lambda grid: np.where(grid == 0, new, grid).astype(np.uint8)


def _lonely_dropped(rng: Rng) -> Step:
    def drop(grid: Array) -> Array:
        mask = grid > 0
        around = np.pad(mask, 1).astype(int)
        near = around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]
        return np.where(near > 0, grid, 0).astype(np.uint8)

    return drop


def _checkered(rng: Rng) -> Step:
    new = int(rng.choice([0, *colours(rng, 1)]))

    def check(grid: Array) -> Array:
        odd = np.indices(grid.shape).sum(0) % 2 == 1
        return np.where(odd & (grid > 0), new, grid).astype(np.uint8)

    return check


def _turned(rng: Rng) -> Step:
    element = between(rng, 1, 7)
    return lambda grid: turn(grid, element)


def _trimmed(rng: Rng) -> Step:
    return lambda grid: grid[bounds(grid > 0)] if grid.any() else None


def _halved(rng: Rng) -> Step:
    upper = chance(rng, 0.5)
    return lambda grid: grid[: len(grid) // 2] if upper else grid[:, : grid.shape[1] // 2]


def _doubled(rng: Rng) -> Step:
    return lambda grid: np.kron(grid, np.ones((2, 2), dtype=np.uint8))


def _repeated(rng: Rng) -> Step:
    times = (1, 2) if chance(rng, 0.5) else (2, 2)
    return lambda grid: np.tile(grid, times)


def _mirror_joined(rng: Rng) -> Step:
    both = chance(rng, 0.4)

    def join(grid: Array) -> Array:
        wide = np.concatenate([grid, grid[:, ::-1]], axis=1)
        return np.concatenate([wide, wide[::-1]]) if both else wide

    return join


def _padded(rng: Rng) -> Step:
    new, by = int(rng.choice([0, *colours(rng, 1)])), between(rng, 1, 2)
    return lambda grid: np.pad(grid, by, constant_values=new)


def _first_part(rng: Rng) -> Step:
    def first(grid: Array) -> Array | None:
        found = sorted(parts(grid > 0, diagonal=True), key=lambda p: -int(p.sum()))
        if len(found) < 2 or found[0].sum() == found[1].sum():
            return None
        box = bounds(found[0])
        return np.where(found[0], grid, 0).astype(np.uint8)[box]

    return first


def _colours_listed(rng: Rng) -> Step:
    def listed(grid: Array) -> Array | None:
        seen = counts(grid)
        seen[0] = 0
        order = [int(c) for c in np.argsort(-seen, kind="stable") if seen[c]]
        if len({int(seen[c]) for c in order}) < len(order) or not order:
            return None
        out = blank(1, len(order))
        out[0] = order
        return out

    return listed


IN_PLACE: dict[str, Callable[[Rng], Step]] = {
    "fall": _falling,
    "recolour": _recolouring,
    "one_colour": _single_colour,
    "fill_holes": _holes_filled,
    "outline": _outlined,
    "hollow": _hollowed,
    "mirror_onto": _mirrored_onto,
    "shift": _shifted,
    "keep_extreme": _largest_kept,
    "drop_commonest": _commonest_dropped,
    "frame": _framed,
    "smear": _smeared,
    "ground": _ground_coloured,
    "drop_lonely": _lonely_dropped,
    "checker": _checkered,
    "turn": _turned,
}
"""Steps after which other steps make sense: the picture keeps its size (or is turned)."""

RESIZING: dict[str, Callable[[Rng], Step]] = {
    "trim": _trimmed,
    "halve": _halved,
    "double": _doubled,
    "repeat": _repeated,
    "mirror_join": _mirror_joined,
    "pad": _padded,
    "cut_largest": _first_part,
    "list_colours": _colours_listed,
}
"""Steps that come last."""

STEPS = IN_PLACE | RESIZING
