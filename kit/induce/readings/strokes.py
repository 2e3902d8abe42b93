"""Strokes: straight, bouncing and turning lines that start at cells or objects.

What it does: follow strokes and tell their labels and colours. What it does not: choose sources or
paint; the primitives of lines.py do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from kit.induce.things.objects import background_colour
from kit.induce.things.properties import property_names, scene

DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
"""Names of the eight directions, clockwise."""

STEPS = np.array(
    ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)), dtype=np.int32
)
"""(8, 2) int32: row and column step of each direction."""

RULES = (
    "through",
    "stop",
    "hit",
    "clear",
    "to_own",
    "bounce_sides",
    "bounce_ends",
    "turn_right",
    "turn_left",
    "reflect",
)
"""How a stroke runs. through: to the edge; stop: until something is in its way; hit: like stop,
but only where something is; clear: to the edge, but only where nothing is in its way; to_own: up
to the next cell of its own colour, whatever lies between; bounce_sides, bounce_ends: a diagonal
that is mirrored at the left and right (upper and lower) edge; turn_right, turn_left: turns when
something is in its way; reflect: a diagonal that is mirrored at whatever is in its way."""

ATTRIBUTES = ("any", "colour", "other", "pair", "same", "rarer")
"""What of a stroke's source its label tells: nothing (0), its colour, the colour that it ends at
(-1 for the edge), both colours (ten times the own, plus the other), whether they are equal (1),
whether it differs from its object's main colour (1). Any property of its colour8 object whose
values are numbers will do as well."""

LINE_KINDS = ("", "dot", "row", "column")
"""The values of the property line_kind, which labels tell by number."""

MAX_TURNS = 12
"""A stroke that has turned so often ends."""

LEAVE, OWN = -1, -2
"""Entries of a sequence of colours: leave the cell as it is, take the stroke's own colour."""


class Strokes(NamedTuple):
    """Lines that might be drawn.

    Attributes:
        labels: the distinct labels, (attribute, direction).
        codes: (S,) int32, the label of each stroke.
        starts: (S + 1,) int32, where each stroke's cells begin in `ys` and `xs`.
        ys, xs: (N,) int32, the cells of all strokes, each from its source outwards.
        own, other: (S,) int32, colours of the source and of what the stroke ends at (-1: the edge).
    """

    labels: tuple[tuple[Any, Any], ...]
    codes: np.ndarray
    starts: np.ndarray
    ys: np.ndarray
    xs: np.ndarray
    own: np.ndarray
    other: np.ndarray

    def of_cells(self, per_stroke: np.ndarray) -> np.ndarray:
        """(N,) the value of each cell's stroke."""
        return np.repeat(per_stroke, np.diff(self.starts))

    def step_of_cells(self) -> np.ndarray:
        """(N,) int: how far each cell is from its stroke's first."""
        return np.arange(len(self.ys)) - self.of_cells(self.starts[:-1])


@numba.njit(cache=True)
def _turned(
    cells: np.ndarray, background: int, y: int, x: int, dy: int, dx: int, rule: int
) -> tuple[int, int]:
    """The step of a turning stroke that has something in its way."""
    if rule == 7:
        return dx, -dy
    if rule == 8:
        return -dx, dy
    side = cells[y, x + dx] != background
    ahead = cells[y + dy, x] != background
    if dy == 0 or dx == 0 or side == ahead:
        return -dy, -dx
    return (dy, -dx) if side else (-dy, dx)


@numba.njit(cache=True)
def _follow(
    cells: np.ndarray, background: int, seed: np.ndarray, rule: int, path: np.ndarray
) -> tuple[int, int]:
    """Write one stroke's cells; their number, and the colour of what was in the way (-1: none)."""
    height, width = cells.shape
    y, x, own = seed[0], seed[1], seed[3]
    dy, dx = STEPS[seed[2], 0], STEPS[seed[2], 1]
    length, turns, met = 0, 0, -1
    while length < path.shape[0]:
        v, u = y + dy, x + dx
        if rule == 5 and dy != 0 and width > 1 and (u < 0 or u >= width):
            dx = -dx
            u = x + dx
        if rule == 6 and dx != 0 and height > 1 and (v < 0 or v >= height):
            dy = -dy
            v = y + dy
        if v < 0 or u < 0 or v >= height or u >= width:
            break
        if cells[v, u] != background:
            met = int(cells[v, u])
            if 1 <= rule <= 3 or (rule == 4 and met == own):
                break
            if rule >= 7:
                turns += 1
                if turns > MAX_TURNS or length == 0:
                    break
                dy, dx = _turned(cells, background, y, x, dy, dx, rule)
                v, u = y + dy, x + dx
                if v < 0 or u < 0 or v >= height or u >= width or cells[v, u] != background:
                    break
        y, x = v, u
        path[length, 0], path[length, 1] = y, x
        length += 1
    in_vain = (rule == 2 and met < 0) or (rule == 4 and met != own) or (rule == 3 and met >= 0)
    return (0 if in_vain else length), met


@numba.njit(cache=True)
def _walk(
    cells: np.ndarray, background: int, seeds: np.ndarray, rule: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Follow strokes from (S, 5) int32 seeds (row, column, direction, colour, unused).

    Returns:
        (N, 2) int32 cells of all strokes, (S + 1,) int32 where each begins, (S,) int32 the colours
        that they met last, -1 for none.
    """
    longest = 3 * (cells.shape[0] + cells.shape[1])
    count = seeds.shape[0]
    paths = np.empty((count * longest, 2), np.int32)
    starts = np.zeros(count + 1, np.int32)
    other = np.full(count, -1, np.int32)
    total = 0
    for index in range(count):
        room = paths[total : total + longest]
        length, other[index] = _follow(cells, background, seeds[index], rule, room)
        total += length
        starts[index + 1] = total
    return paths[:total].copy(), starts, other


def make_strokes(
    cells: np.ndarray, rule: str, attribute: str, seeds: np.ndarray, absolute: bool = True
) -> Strokes | None:
    """Strokes from seeds; those without cells are left out, None for an unknown rule or attribute.

    Args:
        cells: (H, W) uint8, the picture.
        attribute: one of ATTRIBUTES, or the name of a property.
        seeds: (S, 5) int, row, column, direction, colour and bearing (the direction in the label).
        absolute: whether bearings are directions; else eighths of a clockwise turn.
    """
    if rule not in RULES or attribute not in (*ATTRIBUTES, *property_names()):
        return None
    seeds = np.ascontiguousarray(seeds.reshape(-1, 5), dtype=np.int32)
    paths, starts, other = _walk(cells, background_colour(cells), seeds, RULES.index(rule))
    lengths = np.diff(starts)
    keep = np.flatnonzero(lengths)
    own, other = seeds[keep, 3], other[keep]
    told = _told(cells, attribute, seeds[keep], other)
    if told is None:
        return None
    values, codes = np.unique(told * 8 + seeds[keep, 4], return_inverse=True)
    labels = tuple(
        (value // 8, DIRECTIONS[value % 8] if absolute else value % 8) for value in values.tolist()
    )
    bounds = np.concatenate(([0], np.cumsum(lengths[keep]))).astype(np.int32)
    return Strokes(labels, codes.astype(np.int32), bounds, paths[:, 0], paths[:, 1], own, other)


def _told(
    cells: np.ndarray, attribute: str, seeds: np.ndarray, other: np.ndarray
) -> np.ndarray | None:
    """(S,) int, what labels tell of the sources; None where that is no number."""
    own = seeds[:, 3]
    if attribute == "any":
        return np.zeros(len(own), np.int64)
    if attribute == "colour":
        return own.astype(np.int64)
    if attribute == "other":
        return other.astype(np.int64)
    if attribute == "pair":
        return own.astype(np.int64) * 10 + other
    if attribute == "same":
        return (own == other).astype(np.int64)
    plane = np.zeros(cells.shape, np.int64)
    here = scene(cells, "any8" if attribute == "rarer" else "colour8")
    for index, thing in enumerate(here.things):
        place = (slice(thing.y, thing.y + thing.height), slice(thing.x, thing.x + thing.width))
        if attribute == "rarer":
            plane[place][thing.mask] = (thing.cells != thing.colour)[thing.mask]
        else:
            value = here.value(attribute, index)
            if attribute == "line_kind":
                value = LINE_KINDS.index(value)
            if not isinstance(value, int):
                return None
            plane[place][thing.mask] = value
    return plane[seeds[:, 0], seeds[:, 1]]


def stroke_colours(strokes: Strokes, paint: Any) -> np.ndarray:
    """(N,) int: the colour that a paint gives each cell of the strokes; -1 for none.

    Args:
        paint: a colour, "own", "other", "halves" (own colour to the middle, then the other's),
            ("halves", colour of the middle) or a tuple of colours that repeat along the stroke
            (also LEAVE and OWN).
    """
    if paint == "own":
        return strokes.of_cells(strokes.own)
    if paint == "other":
        return strokes.of_cells(strokes.other)
    steps = strokes.step_of_cells()
    if paint == "halves" or (isinstance(paint, tuple) and paint[0] == "halves"):
        twice, lengths = 2 * steps + 1, strokes.of_cells(np.diff(strokes.starts))
        own, other = strokes.of_cells(strokes.own), strokes.of_cells(strokes.other)
        middle = own if paint == "halves" else np.full(len(steps), paint[1])
        return np.where(twice == lengths, middle, np.where(twice < lengths, own, other))
    if isinstance(paint, tuple):
        return cycle_colours(np.array(paint), strokes.of_cells(strokes.own), steps)
    return np.full(len(steps), paint)


def cycle_colours(cycle: np.ndarray, own: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(N,) int: the colours that a repeated sequence gives cells so many steps along; LEAVE: none.

    Args:
        cycle: colours; LEAVE leaves a cell alone, OWN is the stroke's own colour.
        own, steps: (N,) of the cells.
    """
    colours = cycle[steps % len(cycle)]
    return np.where(colours == OWN, own, colours)
