"""Draws of transforms and example orders, balanced over the symmetries.

Streams are endless and lazy; a longer draw with the same generator begins with the shorter one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from kit.arc.grid import NUM_COLOURS
from kit.augment.colours import ColourMode, draw_colours
from kit.augment.transform import DIHEDRAL_NAMES, IDENTITY, Transform

T = TypeVar("T")

ALL_ELEMENTS = tuple(range(len(DIHEDRAL_NAMES)))
"""The 8 symmetries of the square."""

PAPER_ELEMENTS = tuple(
    DIHEDRAL_NAMES.index(name)
    for name in ("identity", "transpose", "flip_ud", "flip_lr", "rotate90", "rotate180")
)
"""The symmetries under which the paper samples. Source: arXiv 2411.07279, inference section."""

PATIENCE = 500
"""Repeats in a row after which a stream counts as exhausted; a few milliseconds of small grids."""


def stratified(rng: random.Random, items: Sequence[T]) -> Iterator[T]:
    """Endless rounds, each giving every item once in a fresh random order."""
    while items:
        yield from rng.sample(items, len(items))


def transform_stream(
    rng: random.Random,
    elements: Sequence[int] = ALL_ELEMENTS,
    colours: ColourMode = "uniform",
    used: Iterable[int] = range(NUM_COLOURS),
) -> Iterator[Transform]:
    """Endless transforms: the identity, then rounds over `elements` with drawn colours.

    Args:
        elements: symmetries to use, the identity (0) among them. Any prefix of the stream uses
            them equally often, give or take one.
        used: colours of the task, see `paper_permutation`.
    """
    used = tuple(used)
    yield IDENTITY
    rest = [element for element in elements if element != IDENTITY.dihedral]
    for element in rng.sample(rest, len(rest)):
        yield Transform(element, draw_colours(rng, colours, used))
    for element in stratified(rng, elements):
        yield Transform(element, draw_colours(rng, colours, used))


def draw_order(rng: random.Random, items: Sequence[T]) -> tuple[T, ...]:
    """The items in a uniformly drawn order."""
    return tuple(rng.sample(items, len(items)))


def take_distinct(
    num: int, stream: Iterable[T], key: Callable[[T], Hashable], patience: int = PATIENCE
) -> tuple[T, ...]:
    """The first `num` items with distinct keys; fewer after `patience` repeats in a row.

    Raises:
        ValueError: `num` is negative.
    """
    if num < 0:
        raise ValueError(f"a number of draws must be 0 or more, got {num}")
    kept: dict[Hashable, T] = {}
    repeats = 0
    for item in stream if num else ():
        item_key = key(item)
        repeats = repeats + 1 if item_key in kept else 0
        kept.setdefault(item_key, item)
        if len(kept) == num or repeats == patience:
            break
    return tuple(kept.values())
