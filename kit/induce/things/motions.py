"""Words for how an object moves, and where each takes it.

stay, vanish
slide up|down|left|right      until something or the edge of the grid is in the way
edge up|down|left|right       to the edge of the grid, over everything
own up|down|left|right        as far as the object is high or wide
to largest|smallest|nearest   towards that object until something is in the way
to 0..9                       towards the nearest object of that colour
by dy dx                      rows down, columns right
"""

from __future__ import annotations

import numpy as np

from kit.induce.things.objects import Thing
from kit.induce.things.properties import Scene
from kit.induce.things.property_relations import nearest

DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}

FIXED_WORDS = (
    "stay",
    "vanish",
    *(f"slide {way}" for way in DIRECTIONS),
    "to largest",
    "to nearest",
    "to smallest",
    *(f"to {colour}" for colour in range(10)),
    "step largest",
    "step nearest",
    *(f"step {colour}" for colour in range(10)),
    *(f"{line} largest" for line in ("row", "column")),
    *(f"{line} {colour}" for line in ("row", "column") for colour in range(10)),
    *(f"own {way}" for way in DIRECTIONS),
    *(f"edge {way}" for way in DIRECTIONS),
)
"""All words but `by dy dx`, those that generalise best first."""


def word_bits(word: str) -> float:
    """What it costs to name a motion."""
    kind = word.split()[0]
    return {"stay": 0.5, "vanish": 1.0, "slide": 1.5, "to": 2.0, "own": 2.5, "by": 4.5}.get(
        kind, 3.5
    )


def direction_of(here: Scene, index: int, word: str) -> tuple[int, int] | None:
    """The step of a `slide` or `to` motion; None where it has no direction."""
    kind, _, target = word.partition(" ")
    if kind == "slide":
        return DIRECTIONS[target]
    goals = [g for g in _goals(here, index, target) if g != index]
    box = here.around.boxes[index]
    for goal in sorted(goals, key=lambda g: int(here.around.gaps[index, g])):
        other = here.around.boxes[goal]
        if here.around.shares_columns[index, goal]:
            return (1, 0) if other[0] >= box[2] else (-1, 0) if other[2] <= box[0] else None
        if here.around.shares_rows[index, goal]:
            return (0, 1) if other[1] >= box[3] else (0, -1) if other[3] <= box[1] else None
    return None


def _goals(here: Scene, index: int, target: str) -> list[int]:
    """Objects that `to` may mean."""
    if target == "nearest":
        return [g for g in (nearest(here.around)[index],) if g >= 0]
    if target in ("largest", "smallest"):
        return [i for i, chief in enumerate(here.column(f"is_{target}")) if chief]
    return [int(i) for i in np.flatnonzero(here.around.colours == int(target))]


def fixed_offset(here: Scene, index: int, word: str) -> tuple[int, int]:
    """Rows and columns of an `own`, `edge` or `by` motion."""
    thing = here.things[index]
    kind, *rest = word.split()
    if kind == "by":
        return int(rest[0]), int(rest[1])
    if kind == "step":
        return _one_step(here, index, rest[0])
    if kind in ("row", "column"):
        return _aligned(here, index, kind == "column", rest[0])
    dy, dx = DIRECTIONS[rest[0]]
    if kind == "own":
        return dy * thing.height, dx * thing.width
    height, width = here.cells.shape
    rows = -thing.y if dy < 0 else height - thing.height - thing.y
    columns = -thing.x if dx < 0 else width - thing.width - thing.x
    return abs(dy) * rows, abs(dx) * columns


def _one_step(here: Scene, index: int, target: str) -> tuple[int, int]:
    """One cell towards an object, (0, 0) where there is none."""
    goal = _nearest_goal(here, index, target)
    if goal is None:
        return 0, 0
    own, other = here.around.boxes[index], here.around.boxes[goal]
    rows = int(other[0] >= own[2]) - int(other[2] <= own[0])
    return rows, int(other[1] >= own[3]) - int(other[3] <= own[1])


def _aligned(here: Scene, index: int, columns: bool, target: str) -> tuple[int, int]:
    """To the first row or column of an object, (0, 0) where there is none."""
    goal = _nearest_goal(here, index, target)
    if goal is None:
        return 0, 0
    way = int(here.around.boxes[goal, int(columns)] - here.around.boxes[index, int(columns)])
    return (0, way) if columns else (way, 0)


def _nearest_goal(here: Scene, index: int, target: str) -> int | None:
    """The nearest of the objects that a word may mean, without the object itself."""
    goals = [g for g in _goals(here, index, target) if g != index]
    return min(goals, key=lambda g: int(here.around.gaps[index, g]), default=None)


def is_free(taken: np.ndarray, thing: Thing, y: int, x: int) -> bool:
    """Whether an object fits at (y, x) inside the grid without touching taken cells."""
    if y < 0 or x < 0 or y + thing.height > taken.shape[0] or x + thing.width > taken.shape[1]:
        return False
    return not (taken[y : y + thing.height, x : x + thing.width] & thing.mask).any()


def slid(taken: np.ndarray, thing: Thing, step: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns until something that is taken, or the edge, is in the way."""
    dy = dx = 0
    while is_free(taken, thing, thing.y + dy + step[0], thing.x + dx + step[1]):
        dy, dx = dy + step[0], dx + step[1]
    return dy, dx


def offsets(here: Scene, words: list[str]) -> list[tuple[int, int] | None]:
    """Where every object goes if each follows its word; None for those that vanish.

    Objects that slide wait for those before them: those nearest to where they go start first.
    """
    found: list[tuple[int, int] | None] = [None] * len(words)
    taken = np.zeros(here.cells.shape, bool)
    sliding: list[tuple[int, int, tuple[int, int]]] = []
    for index, (thing, word) in enumerate(zip(here.things, words, strict=True)):
        kind = word.split()[0]
        if kind == "vanish":
            continue
        step = direction_of(here, index, word) if kind in ("slide", "to") else None
        if step is not None:
            top, left, bottom, right = here.around.boxes[index].tolist()
            front = {(-1, 0): top, (1, 0): -bottom, (0, -1): left, (0, 1): -right}[step]
            sliding.append((front, index, step))
            continue
        still = kind in ("stay", "slide", "to")
        found[index] = (0, 0) if still else fixed_offset(here, index, word)
        mark(taken, thing, found[index])
    for _, index, step in sorted(sliding):
        found[index] = slid(taken, here.things[index], step)
        mark(taken, here.things[index], found[index])
    return found


def mark(taken: np.ndarray, thing: Thing, offset: tuple[int, int] | None) -> None:
    """Mark the cells of a moved object that lie inside the grid."""
    ys, xs = moved_cells(thing, offset or (0, 0), (taken.shape[0], taken.shape[1]))[:2]
    taken[ys, xs] = True


def moved_cells(
    thing: Thing, offset: tuple[int, int], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and colours of a moved object's cells inside an (H, W) grid."""
    ys, xs = np.nonzero(thing.mask)
    colours = thing.cells[ys, xs]
    ys, xs = ys + thing.y + offset[0], xs + thing.x + offset[1]
    inside = (ys >= 0) & (xs >= 0) & (ys < shape[0]) & (xs < shape[1])
    return ys[inside], xs[inside], colours[inside]
