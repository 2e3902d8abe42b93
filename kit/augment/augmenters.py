"""Changes of a whole set of pairs for training only: most of them cannot be undone.

An augmenter treats inputs and outputs of all pairs alike, so it teaches a related rule, not the
task's own. Test views never use one.
Source: Akyurek et al. 2024, arXiv 2411.07279, table of augmentations, and the released code for
the three repeats that the table leaves out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kit.arc.grid import MAX_SIDE, shape
from kit.arc.task import Pair
from kit.augment.transform import DIHEDRAL_NAMES, Transform

MAX_SHIFT = 4
"""Shifts are drawn from 0..MAX_SHIFT-1 cells per axis. Source: the paper's released code."""

Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the 8 symmetries, see `DIHEDRAL_NAMES`."""

    dihedral: int

    def shape_after(self, before: Shape) -> Shape:
        """(H, W) of the result for a grid of (H, W)."""
        swaps_axes = self.dihedral % 2 == 1
        return before[::-1] if swaps_axes else before

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """The changed (H, W) array."""
        return Transform(self.dihedral).apply_array(array)


@dataclass(frozen=True, slots=True)
class Reflect:
    """The grid joined with its mirror image along an axis, which doubles that side.

    Attributes:
        axis: 0 joins top and bottom, 1 left and right.
        mirror_first: whether the mirror image comes above or left of the grid.
    """

    axis: int
    mirror_first: bool

    def shape_after(self, before: Shape) -> Shape:
        """(H, W) of the result for a grid of (H, W)."""
        height, width = before
        return (2 * height, width) if self.axis == 0 else (height, 2 * width)

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """The changed (H, W) array."""
        parts = [array, np.flip(array, self.axis)]
        return np.concatenate(parts[::-1] if self.mirror_first else parts, self.axis)


@dataclass(frozen=True, slots=True)
class Translate:
    """A cyclic shift down and to the right: what leaves on one side enters on the other."""

    rows: int
    columns: int

    def shape_after(self, before: Shape) -> Shape:
        """(H, W) of the result for a grid of (H, W)."""
        return before

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """The changed (H, W) array."""
        return np.roll(array, (self.rows, self.columns), (0, 1))


@dataclass(frozen=True, slots=True)
class Scale:
    """Each cell becomes a block of `rows` x `columns` cells."""

    rows: int
    columns: int

    def shape_after(self, before: Shape) -> Shape:
        """(H, W) of the result for a grid of (H, W)."""
        return before[0] * self.rows, before[1] * self.columns

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """The changed (H, W) array."""
        return array.repeat(self.rows, 0).repeat(self.columns, 1)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The whole grid tiled `rows` times down and `columns` times across."""

    rows: int
    columns: int

    def shape_after(self, before: Shape) -> Shape:
        """(H, W) of the result for a grid of (H, W)."""
        return before[0] * self.rows, before[1] * self.columns

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """The changed (H, W) array."""
        return np.tile(array, (self.rows, self.columns))


Step = Turn | Reflect | Translate | Scale | Repeat


@dataclass(frozen=True, slots=True)
class Augmenter:
    """Named steps applied in order to every grid of a set of pairs.

    Attributes:
        steps: none for the task as it is.
    """

    name: str
    steps: tuple[Step, ...] = ()

    @property
    def turns(self) -> bool:
        """Whether a symmetry is among the steps."""
        return any(isinstance(step, Turn) for step in self.steps)

    def shape_after(self, before: Shape) -> Shape:
        """(H, W) of the result for a grid of (H, W)."""
        for step in self.steps:
            before = step.shape_after(before)
        return before

    def fits(self, pairs: Sequence[Pair]) -> bool:
        """Whether every result is at most 30 x 30."""
        return all(
            max(self.shape_after(shape(grid))) <= MAX_SIDE
            for pair in pairs
            for grid in (pair.input, pair.output)
        )

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """The changed (H, W) array."""
        for step in self.steps:
            array = step.apply_array(array)
        return array


PLAIN = Augmenter("plain")
"""Changes nothing."""

_TURNED = ("rotate90", "rotate270", "rotate180", "flip_ud", "flip_lr", "transpose")


def draw_shift(rng: random.Random, pairs: Sequence[Pair]) -> Translate:
    """One shift for all grids of a set of pairs, possibly by nothing.

    Each axis is drawn from 0..min(MAX_SHIFT, shortest side of any grid) - 1, so that no grid
    wraps a whole turn and inputs and outputs move together.
    """
    shapes = [shape(grid) for pair in pairs for grid in (pair.input, pair.output)]
    limits = [min(MAX_SHIFT, min(sides)) for sides in zip(*shapes, strict=True)]
    return Translate(*(rng.randrange(limit) for limit in limits))


def paper_augmenters(shift: Translate, turns: bool = True) -> tuple[Augmenter, ...]:
    """The paper's 23 augmenters: 6 turns, 4 reflections, a shift, 3 scales, 6 chains, 3 repeats.

    Args:
        shift: the shift drawn for this set of pairs.
        turns: False leaves the 12 with a symmetry in them out.
    """
    scale = Scale(2, 2)
    turned = [(name, Turn(DIHEDRAL_NAMES.index(name))) for name in _TURNED]
    everything = (
        *(Augmenter(name, (turn,)) for name, turn in turned),
        Augmenter("reflect_down", (Reflect(0, False),)),
        Augmenter("reflect_up", (Reflect(0, True),)),
        Augmenter("reflect_right", (Reflect(1, False),)),
        Augmenter("reflect_left", (Reflect(1, True),)),
        Augmenter("translate", (shift,)),
        Augmenter("scale", (scale,)),
        Augmenter("scale_height", (Scale(2, 1),)),
        Augmenter("scale_width", (Scale(1, 2),)),
        *(Augmenter(f"{name}+scale", (turn, scale)) for name, turn in turned),
        Augmenter("repeat_down", (Repeat(2, 1),)),
        Augmenter("repeat_right", (Repeat(1, 2),)),
        Augmenter("repeat_both", (Repeat(2, 2),)),
    )
    return tuple(augmenter for augmenter in everything if turns or not augmenter.turns)
