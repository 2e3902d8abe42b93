"""Rules made of others: two or three steps in a row, and steps chosen by a condition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.pretrain.rules.cells import Array, counts, parts
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
from kit.pretrain.rules.scenes import any_scene, mosaic, scatter, speckle
from kit.pretrain.rules.steps import IN_PLACE, RESIZING, STEPS, Step


def drawn_inputs(rng: Rng) -> Callable[[Rng, Room], Array | None]:
    """A kind of input for one task: things, speckles or any picture, in few colours."""
    palette = colours(rng, between(rng, 1, 4))
    kind = int(rng.integers(3))

    def draw(rng: Rng, room: Room) -> Array | None:
        if kind == 0:
            scene = scatter(rng, room, palette, (2, 5), least=6)
            return None if scene is None else scene.grid()
        if kind == 1:
            height, width = room.sides(rng, 4)
            return speckle(rng, height, width, palette, rng.uniform(0.2, 0.6))
        return any_scene(rng, room)

    return draw


def _run(steps: list[Step], grid: Array) -> Array | None:
    """The steps one after the other; None where one does nothing or does not apply."""
    for step in steps:
        result = step(grid)
        if result is None or np.array_equal(result, grid):
            return None
        grid = result
    return grid


def one_step(rng: Rng, room: Room, variant: str) -> Maker:
    """A single step on any picture."""
    return _chain(rng, room, [variant])


def two_steps(rng: Rng, room: Room, variant: str) -> Maker:
    """The named step, and before it another one that keeps the size."""
    return _chain(rng, room, [_other(rng, variant), variant])


def three_steps(rng: Rng, room: Room, variant: str) -> Maker:
    """The named step, and before it two others that keep the size."""
    first = _other(rng, variant)
    return _chain(rng, room, [first, _other(rng, first), variant])


def _other(rng: Rng, name: str) -> str:
    return str(rng.choice([n for n in IN_PLACE if n != name]))


def _chain(rng: Rng, room: Room, names: list[str]) -> Maker:
    steps = [STEPS[name](rng) for name in names]
    inputs = drawn_inputs(rng)

    def make(rng: Rng) -> Drawn:
        grid = inputs(rng, room)
        output = None if grid is None else _run(steps, grid)
        return None if grid is None or output is None else (grid, output)

    return make


_CONDITIONS: dict[str, Callable[[Array], bool]] = {
    "wide": lambda g: g.shape[1] > g.shape[0],
    "many_cells": lambda g: 2 * int((g > 0).sum()) > g.size,
    "one_thing": lambda g: len(parts(g > 0, diagonal=True)) == 1,
    "many_colours": lambda g: int((counts(g)[1:] > 0).sum()) > 1,
    "corner": lambda g: g[0, 0] > 0,
    "more_left": lambda g: (
        (g[:, : g.shape[1] // 2] > 0).sum() > (g[:, -(g.shape[1] // 2) :] > 0).sum()
    ),
    "mirror_image": lambda g: bool(np.array_equal(g, g[:, ::-1])),
}


def either_step(rng: Rng, room: Room, variant: str) -> Maker:
    """A property of the picture decides which of two steps is done."""
    first, second = (STEPS[str(n)](rng) for n in rng.permutation(list(IN_PLACE))[:2])
    holds = _CONDITIONS[variant]
    palette = colours(rng, between(rng, 2, 3))
    seen = [0, 0]

    def make(rng: Rng) -> Drawn:
        grid = _for_condition(rng, room, variant, palette)
        truth = bool(holds(grid))
        output = _run([first if truth else second], grid)
        # Both branches must show about equally often, else there is no condition to learn.
        if output is None or seen[truth] > seen[not truth]:
            return None
        seen[truth] += 1
        return grid, output

    return make


def _for_condition(rng: Rng, room: Room, variant: str, palette: list[int]) -> Array:
    """A picture for which a condition is about as often true as false."""
    yes = chance(rng, 0.5)
    height, width = room.sides(rng, 4)
    if variant == "wide":
        width = between(rng, 3, height - 1) if not yes else between(rng, height + 1, height + 5)
        return speckle(rng, height, min(width, 30), palette, 0.3)
    if variant == "many_cells":
        return speckle(rng, height, width, palette, 0.3 if yes else 0.7)
    if variant == "many_colours":
        return speckle(rng, height, width, palette if yes else palette[:1], 0.4)
    if variant == "one_thing":
        scene = scatter(rng, room, palette, (1, 1) if yes else (2, 4))
        return mosaic(rng, height, width, palette) if scene is None else scene.grid()
    grid = speckle(rng, height, width, palette, 0.35)
    if variant == "mirror_image" and yes:
        return np.maximum(grid, grid[:, ::-1])
    if variant == "corner":
        grid[0, 0] = palette[0] if yes else 0
    return grid


def undo_step(rng: Rng, room: Room, variant: str) -> Maker:
    """The step backwards: from its result to the picture, where nothing was lost."""
    step = RESIZING[variant](rng)
    inputs = drawn_inputs(rng)

    def make(rng: Rng) -> Drawn:
        grid = inputs(rng, room)
        result = None if grid is None else step(grid)
        return None if grid is None or result is None else (result, grid)

    return make


RULES: tuple[Rule, ...] = (
    *variants(
        "steps",
        one_step,
        *(n for n in STEPS if n not in ("recolour", "turn", "one_colour", "ground")),
    ),
    *variants("chains", two_steps, *STEPS),
    *variants("chains", three_steps, *STEPS),
    *variants("conditions", either_step, *_CONDITIONS),
    *variants("steps", undo_step, "double", "repeat", "mirror_join", "pad"),
)
