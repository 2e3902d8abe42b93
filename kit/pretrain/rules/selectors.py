"""Ways to single out things of a scene, and scenes in which they do: used by many rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.pretrain.rules.cells import turn
from kit.pretrain.rules.rule import Rng, Room, between, colours
from kit.pretrain.rules.scenes import (
    Scene,
    Thing,
    any_shape,
    blob,
    box,
    coloured,
    place,
    ring,
    scatter,
    two_holes,
)

_EXTREMES: dict[str, Callable[[Thing, Scene], float]] = {
    "largest": lambda t, s: t.size,
    "smallest": lambda t, s: -t.size,
    "tallest": lambda t, s: t.height,
    "shortest": lambda t, s: -t.height,
    "topmost": lambda t, s: -t.y,
    "longest": lambda t, s: max(t.height, t.width),
    "biggest_box": lambda t, s: t.height * t.width,
    "most_holes": lambda t, s: t.num_holes(),
    "most_central": lambda t, s: (
        -(abs(2 * t.y + t.height - s.height) + abs(2 * t.x + t.width - s.width))
    ),
    "most_spots": lambda t, s: int((t.cells != t.colour).sum() - (t.cells == 0).sum()),
}

_TRAITS: dict[str, Callable[[Thing, Scene], object]] = {
    "hollow": lambda t, s: t.num_holes() > 0,
    "symmetric": lambda t, s: t.is_symmetric(),
    "square": lambda t, s: t.height == t.width,
    "full": lambda t, s: t.size == t.cells.size,
    "upright": lambda t, s: t.height > t.width,
    "at_border": lambda t, s: (
        t.y == 0 or t.x == 0 or t.y + t.height == s.height or t.x + t.width == s.width
    ),
    "upper_half": lambda t, s: 2 * t.y + t.height < s.height,
}

_ODD = ("odd_shape", "odd_colour", "odd_turned")

SELECTORS = (*_EXTREMES, *_TRAITS, *_ODD)
"""Names that `draw_selection` knows."""

SINGLES = (*_EXTREMES, *_ODD)
"""Those that always single out exactly one thing."""

Selection = tuple[Scene, list[bool]]


def draw_selection(rng: Rng, room: Room, name: str, palette: list[int]) -> Selection | None:
    """A scene and which of its things are meant: at least one is, and one is not."""
    scene = (
        _odd_scene(rng, room, name, palette) if name in _ODD else _scene(rng, room, name, palette)
    )
    if scene is None or len(scene.things) < 2:
        return None
    if name in _EXTREMES:
        values = [_EXTREMES[name](thing, scene) for thing in scene.things]
        chosen = [value == max(values) for value in values]
        return (scene, chosen) if sum(chosen) == 1 else None
    if name in _TRAITS:
        chosen = [bool(_TRAITS[name](thing, scene)) for thing in scene.things]
    else:
        chosen = [index == 0 for index in range(len(scene.things))]
    return (scene, chosen) if 0 < sum(chosen) < len(chosen) else None


def _scene(rng: Rng, room: Room, name: str, palette: list[int]) -> Scene | None:
    """A scene of kinds of things among which the property varies."""
    kinds = {
        "hollow": (ring, blob, ring, box),
        "most_holes": (lambda r, m: two_holes(r, max(3, m)), ring, blob, box),
        "full": (box, blob, box, ring),
        "square": (lambda r, m: np.ones((n := between(r, 1, m), n), dtype=bool), box, any_shape),
    }.get(name, (any_shape,))
    scene = scatter(
        rng, room, palette, (2, 5), lambda r, m: kinds[r.integers(len(kinds))](r, m), least=8
    )
    return _spotted(rng, scene) if name == "most_spots" and scene is not None else scene


def _spotted(rng: Rng, scene: Scene) -> Scene:
    """The same things with some cells in another colour."""
    spot = 1 + scene.things[0].colour % 9
    things = []
    for thing in scene.things:
        cells = thing.cells.copy()
        number = between(rng, 0, max(0, thing.size // 2 - 1))
        where = np.argwhere(thing.mask)[rng.permutation(thing.size)[:number]]
        cells[where[:, 0], where[:, 1]] = spot
        things.append(Thing(cells, thing.y, thing.x))
    return Scene(scene.height, scene.width, tuple(things))


def _odd_scene(rng: Rng, room: Room, name: str, palette: list[int]) -> Scene | None:
    """A scene whose first thing alone differs from the others."""
    height, width = room.sides(rng, 8)
    most = 3 if min(height, width) < 14 else 4
    common = blob(rng, most, 2)
    number = between(rng, 2, max(2, min(5, height * width // 30)))
    first, other = common, common
    shared, odd = palette[0], palette[0]
    if name == "odd_colour":
        shared, odd = (int(c) for c in rng.permutation(palette)[:2])
    if name == "odd_shape":
        first = blob(rng, most, 2)
    elif name == "odd_turned":
        first = turn(common, between(rng, 1, 7))
    if name != "odd_colour" and first.shape == other.shape and np.array_equal(first, other):
        return None
    cells = [coloured(first, odd), *(coloured(other, shared) for _ in range(number))]
    things = place(rng, height, width, cells)
    return None if things is None else Scene(height, width, things)


def task_palette(rng: Rng, name: str = "") -> list[int]:
    """Colours of a task's things: often one, else two to four; more to tell one by its colour."""
    if name == "odd_colour":
        return colours(rng, 5)
    return colours(rng, int(rng.choice([1, 1, 2, 3, 4])))
