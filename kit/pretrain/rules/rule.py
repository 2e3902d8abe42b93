"""What a procedural rule is, and how large the grids of one task are.

A generator function draws a rule's hidden parameters once per task and returns a *maker*, which
draws an input and computes its output. Rules are written for background 0 and one direction;
`kit.pretrain.rules.tasks` turns and recolours whole tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from kit.arc.grid import MAX_SIDE

Rng = np.random.Generator
Drawn = tuple[np.ndarray, np.ndarray] | None
"""An input and its output, (H, W) uint8 each; None where the draw did not work out."""
Maker = Callable[[Rng], Drawn]

TYPICAL_SIDE, SIDE_SPREAD = 10.0, 0.42
"""Median and log standard deviation of input sides. Source: ARC-AGI-1 training tasks: median
side 10, upper quartile 14, 90% up to 20, half of the tasks with one input size."""
SAME_SIZE_SHARE, SQUARE_SHARE = 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Room:
    """Sizes of the inputs of one task.

    Attributes:
        low, high: sides that are drawn, both included.
        fixed: (H, W) where all inputs are equally large.
        square: whether inputs are squares.
    """

    low: int
    high: int
    fixed: tuple[int, int] | None = None
    square: bool = False

    def sides(self, rng: Rng, least: int = 1, most: int = MAX_SIDE) -> tuple[int, int]:
        """(H, W) of one input; `least` and `most` are what the rule can do with."""
        if self.fixed is not None:
            height, width = self.fixed
        else:
            height, width = (int(n) for n in rng.integers(self.low, self.high, 2, endpoint=True))
            width = height if self.square else width
        return min(most, max(least, height)), min(most, max(least, width))

    def side(self, rng: Rng, least: int = 1, most: int = MAX_SIDE) -> int:
        """One side of an input."""
        return self.sides(rng, least, most)[0]


def draw_room(rng: Rng, largest: int = MAX_SIDE) -> Room:
    """Sizes as in ARC's training tasks, no side above `largest` (rules may need more)."""
    typical = TYPICAL_SIDE * float(np.exp(rng.normal(0.0, SIDE_SPREAD)))
    middle = min(max(typical, 3.0), float(largest))
    low, high = max(3, round(0.75 * middle)), min(largest, max(4, round(1.25 * middle)))
    room = Room(min(low, high), high, square=bool(rng.random() < SQUARE_SHARE))
    if rng.random() >= SAME_SIZE_SHARE:
        return room
    return Room(room.low, room.high, room.sides(rng), room.square)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue.

    Attributes:
        name: "generator" or "generator/variant".
        concept: what it is about, one word.
        generator: name of the generator function; what is held out is held out by it.
        draw: draws the hidden parameters of a task.
        plain: whether turning or recolouring the input may be all there is to it.
    """

    name: str
    concept: str
    generator: str
    draw: Callable[[Rng, Room], Maker]
    plain: bool = False


def variants(concept: str, generator: Callable[..., Maker], *names: str) -> tuple[Rule, ...]:
    """A rule for every variant of `generator(rng, room, variant)`."""
    base = generator.__name__
    return tuple(
        Rule(f"{base}/{name}", concept, base, partial(generator, variant=name)) for name in names
    )


def single(concept: str, generator: Callable[[Rng, Room], Maker], plain: bool = False) -> Rule:
    """The rule of a generator without variants."""
    return Rule(generator.__name__, concept, generator.__name__, generator, plain)


def colours(rng: Rng, count: int) -> list[int]:
    """Different colours other than 0, in random order."""
    return [int(c) for c in rng.permutation(np.arange(1, 10))[:count]]


def chance(rng: Rng, share: float) -> bool:
    """True in this share of the draws."""
    return bool(rng.random() < share)


def between(rng: Rng, low: int, high: int) -> int:
    """An integer from `low` to `high`, both included; `low` where `high` is smaller."""
    return int(rng.integers(low, max(low, high), endpoint=True))
