"""Features of a cell from relations of its component with others, and from runs of its colour."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from kit.induce.cells.scene import NO_COLOUR, STEPS, Planes, Scene
from kit.induce.cells.things import MOST_SHAPES, Parts, parts_of

SIDES = STEPS[:4]
SQUARES = (2, 3, 4)


def relation_planes(scene: Scene, planes: Planes, reading: str) -> None:
    """What the component of a cell touches, is nearest to, and shares its shape with."""
    parts = parts_of(scene, reading)
    touched = _touched_colours(scene, parts)
    for colour in range(10):
        planes.number(f"{reading}.touches_{colour}", parts.plane(touched[:, colour]))
    touched[:, scene.background] = False
    kinds = touched.sum(1)
    planes.number(f"{reading}.touching_kinds", parts.plane(kinds))
    top = np.where(kinds == 1, touched.argmax(1), NO_COLOUR)
    planes.colour(f"{reading}.touching", parts.plane(top, NO_COLOUR))
    if parts.count > MOST_SHAPES:
        return
    planes.colour(f"{reading}.nearest_colour", parts.plane(_nearest_other(parts), NO_COLOUR))
    colours = parts.colours.tolist()
    for name, keys in (
        ("shape", [(m.shape, m.tobytes()) for m in parts.masks]),
        ("turned_shape", parts.turned_keys),
        ("size", parts.sizes.tolist()),
    ):
        other = _other_colour(keys, colours)
        planes.colour(f"{reading}.same_{name}_colour", parts.plane(other, NO_COLOUR))


def _touched_colours(scene: Scene, parts: Parts) -> np.ndarray:
    """(count, 10) bool: colours beside each component, its own cells left out."""
    table = np.zeros((parts.count + 1, 10), bool)
    height, width = scene.cells.shape
    labels = np.pad(parts.labels, 1, constant_values=-1)
    for dy, dx in SIDES:
        beside = labels[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        here = (beside != parts.labels) & (beside >= 0)
        table[parts.labels[here], scene.neighbour(dy, dx)[here]] = True
    return table[1:]


def _nearest_other(parts: Parts) -> np.ndarray:
    """Colour of the nearest component of another colour, by boxes; NO_COLOUR for none."""
    if not parts.count:
        return np.zeros(0, np.int64)
    down = np.maximum(
        parts.top[:, None] - parts.bottom[None], parts.top[None] - parts.bottom[:, None]
    )
    side = np.maximum(
        parts.left[:, None] - parts.right[None], parts.left[None] - parts.right[:, None]
    )
    far = np.maximum(down, 0) + np.maximum(side, 0)
    far = np.where(parts.colours[:, None] == parts.colours[None], 999, far)
    best = far.argmin(1)
    return np.where(far.min(1) < 999, parts.colours[best], NO_COLOUR)


def _other_colour(keys: Sequence[Hashable], colours: list[int]) -> np.ndarray:
    """The one other colour among components with an equal key; NO_COLOUR if none or several."""
    groups: dict[Hashable, set[int]] = {}
    for key, colour in zip(keys, colours, strict=True):
        groups.setdefault(key, set()).add(colour)
    others = [groups[key] - {colour} for key, colour in zip(keys, colours, strict=True)]
    return np.array([min(o) if len(o) == 1 else NO_COLOUR for o in others], np.int64)


def run_planes(scene: Scene, planes: Planes) -> None:
    """Stretches of equal cells along rows and columns, and uniform squares."""
    lengths = []
    for name, cells in (("horizontal", scene.cells), ("vertical", scene.cells.T)):
        length, place = _runs(cells)
        if name == "vertical":
            length, place = length.T, place.T
        lengths.append(length)
        planes.number(f"run.{name}", length)
        planes.number(f"run.{name}_place", place)
        planes.number(f"run.{name}_parity", place % 2)
        planes.number(f"run.{name}_end", (place == 0) | (place == length - 1))
    planes.number("run.shorter", np.minimum(*lengths))
    planes.number("run.longer", np.maximum(*lengths))
    planes.number("run.longer_is_horizontal", np.sign(lengths[0] - lengths[1]))
    for side in SQUARES:
        planes.number(f"run.in_square_{side}", _in_square(lengths[0], side, scene))


def _runs(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Length of the run along the row, and the place of each cell in it."""
    starts = np.ones(cells.shape, bool)
    starts[:, 1:] = cells[:, 1:] != cells[:, :-1]
    number = np.cumsum(starts.ravel()) - 1
    first = np.flatnonzero(starts.ravel())
    length = np.diff(np.append(first, cells.size))
    place = np.arange(cells.size) - first[number]
    return length[number].reshape(cells.shape), place.reshape(cells.shape)


def _in_square(length: np.ndarray, side: int, scene: Scene) -> np.ndarray:
    """Cells of a uniform square of that side."""
    out = np.zeros(scene.cells.shape, bool)
    if min(scene.cells.shape) < side or length.max() < side:
        return out
    windows = np.lib.stride_tricks.sliding_window_view(scene.cells, (side, side))
    uniform = (windows == windows[:, :, :1, :1]).all((2, 3))
    height, width = uniform.shape
    for dy in range(side):
        for dx in range(side):
            out[dy : dy + height, dx : dx + width] |= uniform
    return out
