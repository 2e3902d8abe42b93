"""Counts of colours and objects, and small pictures that show them.

A tally is a tuple of (colour, number), colours ascending unless it was ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from kit.induce.primitives.measures import picture
from kit.induce.things.objects import Thing, background_colour, segment
from kit.induce.values import Image, make_image

Tally = tuple[tuple[int, int], ...]


def _of_things(kind: str, number: Callable[[list[Thing]], int]) -> Callable[[np.ndarray], Tally]:
    """The tally of a number of each colour's objects."""

    def tally_of(cells: np.ndarray) -> Tally:
        groups: dict[int, list[Thing]] = {}
        for thing in segment(cells, kind):
            groups.setdefault(thing.colour, []).append(thing)
        return tuple((colour, number(groups[colour])) for colour in sorted(groups))

    return tally_of


def _all_cells(cells: np.ndarray) -> Tally:
    """How many cells each colour has, the background's too."""
    colours, counts = np.unique(cells, return_counts=True)
    return tuple(zip(colours.tolist(), counts.tolist(), strict=True))


def _first_places(cells: np.ndarray) -> Tally:
    """The first row that each colour is in, the background's too."""
    return tuple(
        (colour, int(np.flatnonzero((cells == colour).any(axis=1))[0]))
        for colour in np.unique(cells).tolist()
    )


_MEASURES: dict[str, Callable[[np.ndarray], Tally]] = {
    "cells": _of_things("by_colour", lambda things: things[0].size),
    "all_cells": _all_cells,
    "all_top": _first_places,
    "all_left": lambda cells: _first_places(cells.T),
    "parts8": _of_things("colour8", len),
    "parts4": _of_things("colour4", len),
    "blocks": _of_things("colour4", lambda ts: sum(bool(t.mask.all()) and t.size > 1 for t in ts)),
    "dots": _of_things("colour8", lambda things: sum(t.size == 1 for t in things)),
    "largest": _of_things("colour8", lambda things: max(t.size for t in things)),
    "height": _of_things("by_colour", lambda things: things[0].height),
    "width": _of_things("by_colour", lambda things: things[0].width),
    "top": _of_things("by_colour", lambda things: things[0].y),
    "left": _of_things("by_colour", lambda things: things[0].x),
    "box": _of_things("by_colour", lambda things: things[0].height * things[0].width),
}


def tally(image: Image, measure: str) -> Tally | None:
    """A number for each colour, the background's left out.

    Args:
        measure: cells; parts8, parts4 (components with and without corners); blocks (filled
            rectangles of two cells or more); dots; largest (cells of the largest component);
            height, width, top, left, box (of all cells of the colour together); all_cells,
            all_top, all_left (like cells, top and left, the background too).
    """
    if measure not in _MEASURES:
        return None
    return _MEASURES[measure](image.cells) or None


def order_tally(numbers: Tally, descending: bool) -> Tally | None:
    """The tally by number; None where two colours have the same."""
    if len({number for _, number in numbers}) < len(numbers):
        return None
    return tuple(sorted(numbers, key=lambda entry: -entry[1] if descending else entry[1]))


def extreme_colour(numbers: Tally, most: bool) -> int | None:
    """The only colour with the greatest (or least) number."""
    best = (max if most else min)(number for _, number in numbers)
    colours = [colour for colour, number in numbers if number == best]
    return colours[0] if len(colours) == 1 else None


def drop_extreme(numbers: Tally, most: bool) -> Tally | None:
    """The tally without the only colour with the greatest (or least) number."""
    colour = extreme_colour(numbers, most)
    if colour is None:
        return None
    return tuple(entry for entry in numbers if entry[0] != colour) or None


def total(numbers: Tally) -> int:
    """The sum of a tally's numbers."""
    return sum(number for _, number in numbers)


def number_of(numbers: Tally, colour: int) -> int:
    """A colour's number, 0 where it is not there."""
    return dict(numbers).get(colour, 0)


def how_many(numbers: Tally) -> int:
    """How many colours a tally has."""
    return len(numbers)


def bars(numbers: Tally, side: str) -> Image | None:
    """A bar of each colour's length, in order, standing on a side of the picture.

    Args:
        side: "left" or "right" (bars are rows), "top" or "bottom" (bars are columns).
    """
    longest = max(number for _, number in numbers)
    if not 0 < longest <= 30:
        return None
    cells = np.zeros((len(numbers), longest), np.uint8)
    for row, (colour, number) in zip(cells, numbers, strict=True):
        row[longest - number if side in ("right", "bottom") else 0 :][:number] = colour
    return make_image(cells.T if side in ("top", "bottom") else cells)


def colour_line(numbers: Tally, down: bool) -> Image | None:
    """The tally's colours as a column or a row."""
    cells = np.array([[colour for colour, _ in numbers]], np.uint8)
    return make_image(cells.T if down else cells)


def solid(colour: int, height: int, width: int) -> Image | None:
    """A rectangle of one colour."""
    return make_image(np.full((height, width), colour, np.uint8))


def flood_like(colour: int, image: Image) -> Image:
    """A picture of the size of another, all of one colour."""
    return Image(np.full_like(image.cells, colour), image.y, image.x)


ORDERS: Mapping[str, Callable[[int, int], np.ndarray]] = {
    "rows": lambda h, w: np.arange(h * w).reshape(h, w),
    "columns": lambda h, w: np.arange(h * w).reshape(w, h).T,
    "rows_up": lambda h, w: np.arange(h * w).reshape(h, w)[::-1],
    "columns_up": lambda h, w: np.arange(h * w).reshape(w, h).T[::-1],
    "winding": lambda h, w: np.stack(
        [r[::-1] if i % 2 else r for i, r in enumerate(np.arange(h * w).reshape(h, w))]
    ),
    "diagonal": lambda h, w: np.where(
        np.arange(h)[:, None] == np.arange(w), np.arange(h)[:, None], h * w
    ),
    "alternate": lambda h, w: np.where(
        np.arange(h * w) % 2 == 0, np.arange(h * w) // 2, h * w
    ).reshape(h, w),
}
"""The turn in which each cell of a picture is filled."""


def fill_first(number: int, colour: int, order: str, height: int, width: int) -> Image | None:
    """A picture whose first cells, in an order, have a colour.

    Args:
        order: one of ORDERS: reading order, column by column, both from below, winding (every
            second row backwards), along the diagonal, every second cell.
    """
    if order not in ORDERS:
        return None
    turns = ORDERS[order](height, width)
    return make_image(np.where(turns < number, colour, 0))


def figure(number: int, colour: int, form: str) -> Image | None:
    """A picture whose size is a number.

    Args:
        form: "square", "row", "column" (all filled), "diagonal" or "antidiagonal" (of a square).
    """
    if not 0 < number <= 30:
        return None
    one = np.eye(number, dtype=np.uint8) * colour
    shapes = {"row": (1, number), "column": (number, 1), "square": (number, number)}
    if form in shapes:
        return make_image(np.full(shapes[form], colour, np.uint8))
    return make_image(one if form == "diagonal" else one[:, ::-1])


def look_up(key: int, table: Mapping[int, str]) -> Image | None:
    """The picture that a table has for a number; rows of digits with `/` between."""
    return picture(table[key]) if key in table else None


def lone_colour(image: Image) -> int | None:
    """The only colour besides the background's."""
    colours = [c for c in np.unique(image.cells).tolist() if c != background_colour(image.cells)]
    return int(colours[0]) if len(colours) == 1 else None
