"""The output is the input with an area of some regions painted over: deletions, keeps, fills.

Which regions is chosen by features and ranks; the regions that are not chosen stay as they are, or
the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kit.induce.areas.box_features import Boxes
from kit.induce.areas.choosing import Choice, Goal
from kit.induce.areas.region_areas import AREAS, COLOUR_WORDS, area_colour, region_area
from kit.induce.areas.regions import REGION_KINDS
from kit.induce.families.chosen import Plan, cut_grids, propose_choices
from kit.induce.meter import Meter
from kit.induce.primitives.restore import paint_other_regions, paint_outside, paint_regions
from kit.induce.primitives.selection import Selection
from kit.induce.problem import Problem
from kit.induce.program import Statement, call
from kit.induce.proposal import Proposal
from kit.induce.values import Image

AREA_BITS = {"own": 0.0, "box": 1.0, "gaps": 1.0, "inside": 1.5}
OTHER_AREA_BITS = 3.0
COLOUR_BITS = 1.5
OTHERS_BITS = 1.0
OUTSIDE_BITS = 2.0
BOX_KINDS_LEFT_OUT = ("squares", "long_halves")


@dataclass(frozen=True)
class _Paint(Plan):
    """Paint an area of the chosen regions, of the others, or all that is outside.

    Attributes:
        verb: the primitive.
        area: one of AREAS.
        colour: or a word of COLOUR_WORDS.
    """

    verb: str
    area: str
    colour: int | str

    def whole_answer(self, grid: int, kept: np.ndarray) -> np.ndarray | None:
        boxes = self.boxes[grid]
        selection = Selection(boxes, tuple(np.flatnonzero(kept).tolist()))
        verb = {
            "paint_regions": paint_regions,
            "paint_other_regions": paint_other_regions,
            "paint_outside": paint_outside,
        }[self.verb]
        return verb(Image(boxes.cells), selection, self.area, self.colour).cells

    def finish(self, choice: Choice) -> tuple[tuple[Statement, ...], float] | None:
        return (call(self.verb, "$input", "$chosen", self.area, self.colour),), 0.0


class _Colouring(NamedTuple):
    """A colour, or a word for one, and per demonstration what it means for each region."""

    colour: int | str
    given: tuple[np.ndarray, ...]


def propose_restorations(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that choose regions and paint areas of them."""
    if not problem.same_size or not problem.inputs:
        return
    changed = [i != o for i, o in zip(problem.inputs, problem.outputs, strict=True)]
    if sum(c.any() for c in changed) < max(1, len(changed) - 1):
        return
    yield from propose_choices(list(_plans(problem, meter, changed)), meter)


def _plans(problem: Problem, meter: Meter, changed: list[np.ndarray]) -> Iterator[Plan]:
    """All readings that explain every changed cell."""
    for kind in REGION_KINDS:
        if kind in BOX_KINDS_LEFT_OUT or not meter.spend(6 * len(problem.grids)):
            continue
        boxes = cut_grids(problem, kind)
        if boxes is None or not meter.spend(2 + sum(len(b.things) for b in boxes)):
            continue
        paints = list(_paints(problem, boxes, changed))
        for area in AREAS:
            if not meter.spend(2 + len(boxes[0].things) / 4):
                return
            if paints:
                yield from _area_plans(problem, kind, boxes, area, paints, changed)


def _paints(
    problem: Problem, boxes: tuple[Boxes, ...], changed: list[np.ndarray]
) -> Iterator[_Colouring]:
    """Colours that may explain the changed cells, with what each gives every region."""
    news = [set(o[c].tolist()) for o, c in zip(problem.outputs, changed, strict=True)]
    everywhere = sorted(set().union(*news))
    words: tuple[int | str, ...] = COLOUR_WORDS
    for colour in (*everywhere, *words) if len(everywhere) == 1 else words:
        given = []
        for box, new in zip(boxes, news, strict=False):
            colours = [area_colour(box, i, colour) for i in range(len(box.things))]
            if not new.issubset(colours):
                break
            given.append(np.array(colours))
        else:
            yield _Colouring(colour, tuple(given))


def _area_plans(
    problem: Problem,
    kind: str,
    boxes: tuple[Boxes, ...],
    area: str,
    paints: list[_Colouring],
    changed: list[np.ndarray],
) -> Iterator[_Paint]:
    """The plans with one area."""
    masks = [
        np.array([region_area(b, i, area) for i in range(len(b.things))])
        for b in boxes[: len(changed)]
    ]
    for colour, given in paints:
        bits = AREA_BITS.get(area, OTHER_AREA_BITS) + COLOUR_BITS
        painted = _all_pairs(map(_painted, given, masks, problem.outputs, changed))
        if painted is not None:
            yield _Paint(problem, kind, boxes, bits, painted, "paint_regions", area, colour)
            left = Goal(tuple(~m for m in painted.must), tuple(~r for r in painted.right))
            bits += OTHERS_BITS
            yield _Paint(problem, kind, boxes, bits, left, "paint_other_regions", area, colour)
        if not isinstance(colour, int) or area not in AREA_BITS:
            continue
        spared = _all_pairs(
            _spared(b, m, o, colour) for b, m, o in zip(boxes, masks, problem.outputs, strict=False)
        )
        if spared is not None:
            bits = AREA_BITS[area] + OUTSIDE_BITS
            yield _Paint(problem, kind, boxes, bits, spared, "paint_outside", area, colour)


def _all_pairs(found: Iterable[tuple[np.ndarray, np.ndarray] | None]) -> Goal | None:
    """The goal made of what every pair allows and demands; None where one pair cannot be met."""
    pairs = []
    for pair in found:
        if pair is None:
            return None
        pairs.append(pair)
    right, must = zip(*pairs, strict=True)
    return Goal(right, must)


def _painted(
    given: np.ndarray, masks: np.ndarray, output: np.ndarray, changed: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Regions that may, and that must, be painted; None where a changed cell is in none.

    Args:
        given: (n,) the colour that each region's area gets.
        masks: (n, H, W) the areas.
    """
    right = ~(masks & (output[None] != given[:, None, None])).any(axis=(1, 2))
    must = right & (masks & changed).any(axis=(1, 2))
    if (changed & ~masks[must].any(axis=0)).any():
        return None
    return right, must


def _spared(
    boxes: Boxes, masks: np.ndarray, output: np.ndarray, colour: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Regions that may, and that must, be spared when all else is painted."""
    right = (~masks | (output == boxes.cells)).all(axis=(1, 2))
    spared = (output == boxes.cells) & (output != colour)
    must = right & (masks & spared).any(axis=(1, 2))
    inside = masks[must].any(axis=0)
    if not np.array_equal(np.where(inside, boxes.cells, colour), output):
        return None
    return right, must
