"""Programs that complete a symmetric or periodic picture.

What it does: fills cells of one colour, of the whole picture or only shown through the covered
window; removes noise from a pattern; shows its tile. What it does not: objects one by one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call, single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift

KIND_SETS: tuple[tuple[str, ...], ...] = (
    ("left_right",),
    ("up_down",),
    ("left_right", "up_down"),
    ("transpose",),
    ("antitranspose",),
    ("half_turn",),
    ("quarter_turn",),
    ("transpose", "antitranspose"),
    ("left_right", "up_down", "transpose"),
)
"""Sets of symmetries that are tried together."""

NOISE_PERCENTS = (5, 10, 20)


def propose_repair(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that complete pictures."""
    streams = [_fills(problem, hole, window) for hole, window in _holes(problem)]
    candidates = best_first(
        *streams, _noise(problem), _continuations(problem), _extensions(problem)
    )
    yield from sift(candidates, problem, meter, nodes=6.0)


def _holes(problem: Problem) -> Iterator[tuple[int, bool]]:
    """Colours that may cover cells, and whether the output is only the window they cover."""
    for colour in range(10):
        if not all((grid == colour).any() for grid in problem.grids):
            continue
        pairs = list(zip(problem.inputs, problem.outputs, strict=True))
        if problem.same_size:
            if all((i == o)[i != colour].all() for i, o in pairs):
                yield colour, False
        elif all(_box(i == colour) == o.shape for i, o in pairs):
            yield colour, True


def _box(mask: np.ndarray) -> tuple[int, int]:
    """Height and width of the box around a mask that is not empty."""
    ys, xs = np.nonzero(mask)
    return int(np.ptp(ys)) + 1, int(np.ptp(xs)) + 1


def _fills(problem: Problem, hole: int, window: bool) -> Iterator[Proposal]:
    """Ways to fill the holes."""
    tail: tuple[Statement, ...] = ()
    if window:
        tail = (call("window_of_colour", "$whole", "$input", hole),)
    target = "whole" if window else "output"
    for slanted in (False, True):
        line = call("complete_lattice", "$input", hole, slanted, target=target)
        yield Proposal(Program((line, *tail)), 3.0 + slanted)
    for kinds in KIND_SETS:
        bits = 2.5 + len(kinds)
        line = call("complete_symmetry", "$input", hole, kinds, target=target)
        yield Proposal(Program((line, *tail)), bits)
        if hole == 0 and not window:
            # Content on an empty ground may have its axis anywhere.
            yield Proposal(single("complete_symmetry", hole, kinds, True), bits + 0.5)
        first = call("complete_symmetry", "$input", hole, kinds, target="mirrored")
        then = call("complete_lattice", "$mirrored", hole, False, target=target)
        yield Proposal(Program((first, then, *tail)), bits + 3.0)


def _noise(problem: Problem) -> Iterator[Proposal]:
    """Patterns with wrong cells of any colour."""
    if not problem.same_size:
        return
    for rank, percent in enumerate(NOISE_PERCENTS):
        yield Proposal(single("restore_lattice", percent), 4.0 + rank)


def _continuations(problem: Problem) -> Iterator[Proposal]:
    """The content repeated from where it is."""
    if not problem.same_size:
        return
    trim = call("trim", "$input", target="content")
    for across, down in ((True, True), (True, False), (False, True)):
        line = call("continue_part", "$input", "$content", across, down)
        yield Proposal(Program((trim, line)), 4.0)


def _extensions(problem: Problem) -> Iterator[Proposal]:
    """Patterns continued over outputs of another size, and their tiles."""
    if problem.same_size:
        return
    for hole in (-1, 0):
        yield Proposal(single("unit_tile", hole), 3.0 + (hole == 0))
        for lines, height, width, bits in _sizes(problem):
            for slanted in (False, True):
                line = call("extend_lattice", "$input", hole, height, width, slanted)
                yield Proposal(Program((*lines, line)), bits + (hole == 0) + slanted)


def _sizes(problem: Problem) -> Iterator[tuple[tuple[Statement, ...], int | str, int | str, float]]:
    """Sizes of the output, constant or multiples of the input's: lines, height, width, bits."""
    shapes = {output.shape for output in problem.outputs}
    if len(shapes) == 1:
        yield (), *shapes.pop(), 5.0
    factors = {
        (o.shape[0] / i.shape[0], o.shape[1] / i.shape[1])
        for i, o in zip(problem.inputs, problem.outputs, strict=True)
    }
    down, across = factors.pop()
    if not factors and down % 1 == across % 1 == 0:
        lines = (
            call("side_of", "$input", "height", int(down), target="height"),
            call("side_of", "$input", "width", int(across), target="width"),
        )
        yield lines, "$height", "$width", 5.0
