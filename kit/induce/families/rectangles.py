"""The output is a rectangle of the input: all plausible rectangles are ranked by their features.

Where all outputs have one size, the rectangles are all windows of that size; otherwise the boxes
of everything that can be cut out at all, pooled.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.areas.choosing import Goal
from kit.induce.areas.regions import POOLED_KIND
from kit.induce.families.chosen import Plan, cut_grids, propose_choices
from kit.induce.families.crop import Cut
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.proposal import Proposal
from kit.induce.readings.turns import TURNS, UNTURNS

MAX_RECTANGLES = 900
TURN_BITS = 4.0
POOLED_BITS = 2.0
WINDOW_BITS = 3.0


def propose_rectangles(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that choose a rectangle among all and cut it out."""
    if problem.same_size or not problem.inputs:
        return
    turns = [t for t in TURNS if all(_occurs(*p, t) for p in _pairs(problem))]
    if turns and meter.spend(4 * len(problem.inputs)):
        chosen = ["same"] if "same" in turns else turns
        yield from propose_choices(list(_plans(problem, meter, chosen)), meter)


def _pairs(problem: Problem) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Input and output of every demonstration."""
    yield from zip(problem.inputs, problem.outputs, strict=True)


def _occurs(cells: np.ndarray, output: np.ndarray, turn: str) -> bool:
    """Whether the output, turned back, is a part of the input."""
    return bool(_places(cells, TURNS[UNTURNS[turn]](output)).any())


def _places(cells: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Where a picture occurs, for all places of its upper-left cell; empty where it is larger."""
    if picture.shape[0] > cells.shape[0] or picture.shape[1] > cells.shape[1]:
        return np.zeros((0, 0), bool)
    windows = np.lib.stride_tricks.sliding_window_view(cells, picture.shape)
    return (windows == picture).all(axis=(2, 3))


def _plans(problem: Problem, meter: Meter, turns: list[str]) -> Iterator[Plan]:
    """Rectangles of all sizes, then windows of the one size."""
    kinds = [(POOLED_KIND, POOLED_BITS)]
    shapes = {o.shape for o in problem.outputs}
    if len(shapes) == 1:
        height, width = shapes.pop()
        kinds.append((f"windows_{height}x{width}", WINDOW_BITS))
    for kind, bits in kinds:
        if not meter.spend(100 * len(problem.grids)):
            return
        boxes = cut_grids(problem, kind, MAX_RECTANGLES)
        if boxes is None:
            continue
        for turn in turns:
            right = tuple(
                np.array([np.array_equal(t.cells, TURNS[UNTURNS[turn]](o)) for t in b.things])
                for b, o in zip(boxes, problem.outputs, strict=False)
            )
            if all(r.any() for r in right):
                extra = 0.0 if turn == "same" else TURN_BITS
                yield Cut(problem, kind, boxes, bits + extra, Goal(right), "box", turn)
