"""Programs that move objects, each by a table from its properties to a motion.

What it does: slides, gravity, motion towards another object, by the own size, by a fixed way;
copies that leave the original. What it does not: change colours or shapes on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.things.motions import (
    FIXED_WORDS,
    direction_of,
    moved_cells,
    offsets,
    slid,
    word_bits,
)
from kit.induce.things.object_tables import MAX_ACTIONS, Lesson, Table, learn_tables, lesson_of
from kit.induce.things.objects import background_colour
from kit.induce.things.properties import Scene

READINGS = {"colour4": 0.5, "colour8": 0.5, "any8": 0.5, "any4": 1.0, "by_colour": 1.5}
"""Segmentation -> bits."""

MAX_OBJECTS, MAX_FIXED_WAYS = 160, 6
"""In all demonstrations; fixed ways that are considered."""

VANISH = 1 << FIXED_WORDS.index("vanish")
"""Only for objects that no motion explains."""

MAX_BITS = 24.0
"""Longer tables have never been right on other grids."""

MAX_STEP = 6
"""Rows or columns of a fixed way."""


def propose_object_motion(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Tables from properties to motions, cheapest first."""
    if not problem.same_size:
        return
    modes = [leave for leave in (False, True) if _may_move(problem, leave)]
    found: list[Proposal] = []
    if not modes:
        return
    for segmentation, bits in READINGS.items():
        lesson = lesson_of(problem.inputs, problem.tests, segmentation)
        if lesson is None or len(lesson.owner) > MAX_OBJECTS:
            continue
        for leave in modes:
            if meter.spend(5 * len(lesson.owner)):
                found += _motions(lesson, problem, leave, bits + leave, meter)
    likely = [proposal for proposal in found if proposal.bits <= MAX_BITS]
    yield from sift(best_first(likely), problem, meter, nodes=20)


def _may_move(problem: Problem, leave: bool) -> bool:
    """Whether something changes, and colours only lose cells (or only gain some, by copies)."""
    is_changed = False
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        is_changed |= not np.array_equal(given, wanted)
        before = np.bincount(given.ravel(), minlength=10)
        after = np.bincount(wanted.ravel(), minlength=10)
        background = background_colour(given)
        before[background] = after[background] = 0
        grows = (after > before).any()
        if ((after > 0) & (before == 0)).any() or (grows and not leave):
            return False
        if leave and after.sum() < before.sum():
            return False
    return is_changed


def _motions(
    lesson: Lesson, problem: Problem, leave: bool, bits: float, meter: Meter
) -> Iterator[Proposal]:
    """Programs under one segmentation."""
    seen = {f"{t.colour}" for here in lesson.scenes for t in here.things}
    known = (w for w in FIXED_WORDS if not w[-1].isdigit() or w[-1] in seen)
    words = (*known, *_fixed_ways(lesson, problem.outputs))[:MAX_ACTIONS]
    masks: list[int] = []
    for here, wanted in zip(lesson.scenes, problem.outputs, strict=True):
        own = _right_words(here, wanted, words, leave)
        if not all(own) or not meter.spend(3 * len(own)):
            return
        masks += own
    allowed = np.array(masks, dtype=np.int64)
    for narrowed in _narrowed(allowed, words, leave):
        for table in learn_tables(lesson, narrowed, meter, 6, 16):
            yield _proposal(lesson, table, words, leave, bits)


def _narrowed(allowed: np.ndarray, words: tuple[str, ...], leave: bool) -> Iterator[np.ndarray]:
    """The right words, then those of only one sort of motion beside staying and vanishing."""
    yield allowed
    rest = 1 if leave else 3
    for kind in ("slide", "to"):
        group = sum(1 << n for n, word in enumerate(words) if word.split()[0] == kind)
        mask = np.where(allowed & group, allowed & group, allowed & rest)
        if not np.array_equal(mask, allowed):
            yield mask


def _proposal(
    lesson: Lesson, table: Table, words: tuple[str, ...], leave: bool, bits: float
) -> Proposal:
    """The program of a table."""
    entries = {key: words[action] for key, action in table.entries.items()}
    otherwise = None if table.otherwise is None else words[table.otherwise]
    used = sorted({*entries.values(), *([otherwise] if otherwise else [])})
    segmentation = lesson.scenes[0].segmentation
    program = single("move_objects", segmentation, leave, table.names, entries, otherwise)
    return Proposal(program, bits + table.bits + sum(word_bits(word) for word in used))


def _fits(here: Scene, index: int, offset: tuple[int, int], wanted: np.ndarray) -> bool:
    """Whether the wanted grid shows an object, or its part inside, moved by an offset."""
    ys, xs, colours = moved_cells(here.things[index], offset, (wanted.shape[0], wanted.shape[1]))
    return len(ys) > 0 and bool((wanted[ys, xs] == colours).all())


def _right_words(here: Scene, wanted: np.ndarray, words: tuple[str, ...], leave: bool) -> list[int]:
    """For each object the mask of the words that may be right.

    Those in the way may move too: a slide is tried with all others at rest and all sliding.
    """
    masks = [0] * len(here.things)
    fits = cache(
        lambda index, way: _fits(here, index, way, wanted)
    )  # most words lead to few places
    for number, word in enumerate(words):
        if word == "vanish":
            continue
        together = offsets(here, [word] * len(masks))
        for index, offset in enumerate(together):
            ways = {offset or (0, 0), _alone(here, index, word, offset or (0, 0))}
            right = any(fits(index, way) for way in sorted(ways))
            masks[index] |= int(right) << number
    return masks if leave else [mask or VANISH for mask in masks]


def _alone(here: Scene, index: int, word: str, offset: tuple[int, int]) -> tuple[int, int]:
    """Where an object goes while all others rest."""
    step = direction_of(here, index, word) if word.split()[0] in ("slide", "to") else None
    if step is None:
        return offset
    owner = here.around.owner
    return slid((owner >= 0) & (owner != index), here.things[index], step)


def _fixed_ways(lesson: Lesson, outputs: tuple[np.ndarray, ...]) -> list[str]:
    """Short fixed ways that fit most objects which do not fit where they are."""
    counts: Counter[tuple[int, int]] = Counter()
    span = range(-MAX_STEP, MAX_STEP + 1)
    for here, wanted in zip(lesson.scenes, outputs, strict=True):
        for index in range(min(len(here.things), 8)):
            if not _fits(here, index, (0, 0), wanted):
                counts.update(
                    (dy, dx)
                    for dy in span
                    for dx in span
                    if (dy, dx) != (0, 0) and _fits(here, index, (dy, dx), wanted)
                )
    common = sorted(counts, key=lambda o: (-counts[o], abs(o[0]) + abs(o[1]), o))
    return [f"by {dy} {dx}" for dy, dx in common[:MAX_FIXED_WAYS]]
