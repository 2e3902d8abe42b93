"""Colour permutations: bijections of the ten colours, drawn from an explicit generator.

One permutation serves a whole view, so that a rule stated in colours stays one rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Literal

from kit.arc.grid import NUM_COLOURS
from kit.arc.task import Task
from kit.augment.transform import IDENTITY_COLOURS

ColourMode = Literal["uniform", "keep_zero", "paper", "none"]
"""All ten colours uniformly; colours 1..9 uniformly; `paper_permutation`; no permutation."""


def used_colours(task: Task) -> tuple[int, ...]:
    """Colours that occur in the demonstrations or test inputs of a task, ascending."""
    grids = [grid for pair in task.train for grid in (pair.input, pair.output)]
    return tuple(sorted({cell for grid in (*grids, *task.test) for row in grid for cell in row}))


def uniform_permutation(rng: random.Random, keep_zero: bool = False) -> tuple[int, ...]:
    """A uniformly drawn permutation of 0..9, or of 1..9 with 0 fixed."""
    first_moved = 1 if keep_zero else 0
    moved = list(range(first_moved, NUM_COLOURS))
    rng.shuffle(moved)
    return (*range(first_moved), *moved)


def paper_permutation(rng: random.Random, used: Iterable[int]) -> tuple[int, ...]:
    """A permutation of 0..9 that fixes 0 and shows as many new colours as it can.

    Non-zero used colours go to random unused ones; those left when the unused ones run out are
    swapped in pairs among themselves (an odd one stays). Unused colours take the freed places,
    so that the map is a bijection and can be undone on predictions with colours never shown.

    Args:
        used: colours that occur in the task; 0 is ignored.
    Source: Akyurek et al. 2024, arXiv 2411.07279, test-time training augmentations.
    """
    present = sorted(frozenset(used) - {0})
    absent = [colour for colour in range(1, NUM_COLOURS) if colour not in present]
    rng.shuffle(present)
    rng.shuffle(absent)
    num_fresh = min(len(present), len(absent))
    images = list(IDENTITY_COLOURS)
    for colour, image in zip(present[:num_fresh], absent[:num_fresh], strict=True):
        images[colour] = image
    rest = present[num_fresh:]
    for one, other in zip(rest[::2], rest[1::2], strict=False):
        images[one], images[other] = other, one
    freed = present[:num_fresh] + absent[num_fresh:]
    rng.shuffle(freed)
    for colour, image in zip(absent, freed, strict=True):
        images[colour] = image
    return tuple(images)


def draw_colours(rng: random.Random, mode: ColourMode, used: Iterable[int]) -> tuple[int, ...]:
    """A permutation of 0..9 drawn as `mode` says; `used` matters to "paper" only."""
    if mode == "none":
        return IDENTITY_COLOURS
    if mode == "paper":
        return paper_permutation(rng, used)
    return uniform_permutation(rng, keep_zero=mode == "keep_zero")
