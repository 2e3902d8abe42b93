"""Programs that make the input larger or smaller by whole factors, or repeat it.

What it does: constant factors and factors that count something; blocks to cells; copies with gaps,
cut off, or as many as something counts. What it does not: turned copies (see `mosaics`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kit.induce.meter import Meter
from kit.induce.primitives.measures import count_cells, count_colours, count_parts
from kit.induce.primitives.scaling import block_side, count_background, side_of
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call, single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift
from kit.induce.values import Image

Shape = tuple[int, int]

NUMBERS: tuple[tuple[str, tuple[Any, ...], Callable[..., int]], ...] = (
    ("count_colours", (), count_colours),
    ("count_cells", (), count_cells),
    ("count_parts", (), count_parts),
    ("count_background", (), count_background),
    ("side_of", ("height",), side_of),
    ("side_of", ("width",), side_of),
    ("block_side", (), block_side),
)
"""Numbers that can be read off an input: primitive, arguments after the picture, function."""

RULES = ("uniform", "majority", "filled", "full", "corner")


def propose_scaling(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs that scale or repeat the input."""
    if problem.same_size:
        return
    candidates = best_first(
        _by_number(problem, "enlarge", ()),
        _by_number(problem, "repeat_image", ()),
        _some_copies(problem),
        _reductions(problem),
        _gaps(problem),
        _to_size(problem),
    )
    yield from sift(candidates, problem, meter)


def _factors(problem: Problem) -> list[Shape] | None:
    """Output size / input size of each pair, if all are whole."""
    found = []
    for given, output in zip(problem.inputs, problem.outputs, strict=True):
        if output.shape[0] % given.shape[0] or output.shape[1] % given.shape[1]:
            return None
        found.append((output.shape[0] // given.shape[0], output.shape[1] // given.shape[1]))
    return found


def _ways(problem: Problem, wanted: list[int]) -> Iterator[tuple[Statement | None, Any, float]]:
    """Constants and read-off numbers that have the wanted values: line, argument, bits."""
    if len(set(wanted)) == 1:
        yield None, wanted[0], 1.0
    for rank, (name, arguments, function) in enumerate(NUMBERS):
        if [function(Image(grid), *arguments) for grid in problem.inputs] == wanted:
            line = call(name, "$input", *arguments, target="")
            yield line, None, 2.0 + 0.5 * rank


def _named(
    ways: list[tuple[Statement | None, Any, float]], names: tuple[str, ...]
) -> tuple[tuple[Statement, ...], list[Any]]:
    """Lines for the numbers that need one, and the arguments that stand for all of them."""
    lines, arguments = [], []
    for (line, value, _), name in zip(ways, names, strict=True):
        if line is None:
            arguments.append(value)
        else:
            lines.append(Statement(name, line.primitive, line.arguments))
            arguments.append("$" + name)
    return tuple(lines), arguments


def _by_number(problem: Problem, primitive: str, extra: tuple[Any, ...]) -> Iterator[Proposal]:
    """Factors that are constant or read off the input."""
    factors = _factors(problem)
    if factors is None:
        return
    square = all(down == across for down, across in factors)
    for way in _ways(problem, [down for down, _ in factors]):
        if square:
            lines, arguments = _named([way], ("factor",))
            line = call(primitive, "$input", *arguments, *arguments, *extra)
            yield Proposal(Program((*lines, line)), 1.0 + way[2])
            continue
        for other in _ways(problem, [across for _, across in factors]):
            lines, arguments = _named([way, other], ("down", "across"))
            line = call(primitive, "$input", *arguments, *extra)
            yield Proposal(Program((*lines, line)), 2.0 + way[2] + other[2])


def _some_copies(problem: Problem) -> Iterator[Proposal]:
    """A square layout of which only the first places are taken."""
    factors = _factors(problem)
    if factors is None:
        return
    for down in _ways(problem, [down for down, _ in factors]):
        for across in _ways(problem, [across for _, across in factors]):
            for rank, (name, given, _) in enumerate(NUMBERS):
                count = call(name, "$input", *given, target="")
                ways = [(count, None, 0.0), down, across]
                lines, arguments = _named(ways, ("count", "down", "across"))
                line = call("repeat_some", "$input", *arguments)
                bits = 4.0 + 0.5 * rank + down[2] + across[2]
                yield Proposal(Program((*lines, line)), bits)


def _reductions(problem: Problem) -> Iterator[Proposal]:
    """Blocks that become cells: of a constant size, or the largest uniform ones."""
    sizes = set()
    for given, output in zip(problem.inputs, problem.outputs, strict=True):
        if given.shape[0] % output.shape[0] or given.shape[1] % output.shape[1]:
            return
        sizes.add((given.shape[0] // output.shape[0], given.shape[1] // output.shape[1]))
    side = call("block_side", "$input", target="side")
    line = call("reduce_blocks", "$input", "$side", "$side", "uniform")
    yield Proposal(Program((side, line)), 3.0)
    if len(sizes) == 1:
        down, across = sizes.pop()
        for rank, rule in enumerate(RULES):
            yield Proposal(single("reduce_blocks", down, across, rule), 3.0 + rank)


def _gaps(problem: Problem) -> Iterator[Proposal]:
    """Copies with lines between them."""
    colours = set.intersection(*(set(np.unique(o).tolist()) for o in problem.outputs))
    given, output = problem.inputs[0], problem.outputs[0]
    for gap in (1, 2):
        for border in (False, True):
            rim = gap if border else 0
            counts = []
            for whole, part in zip(output.shape, given.shape, strict=True):
                count, rest = divmod(whole - 2 * rim + gap, part + gap)
                counts.append(count if not rest else 0)
            if min(counts) < 1 or max(counts) == 1:
                continue
            for colour in sorted(colours):
                program = single("repeat_with_gaps", *counts, gap, colour, border)
                yield Proposal(program, 5.0 + gap + border)


def _to_size(problem: Problem) -> Iterator[Proposal]:
    """Copies cut off at a constant size; edges repeated outwards."""
    for width in (1, 2):
        for corners in (True, False):
            yield Proposal(single("pad_by_edge", width, corners), 3.0 + width + (not corners))
    shapes = {output.shape for output in problem.outputs}
    if len(shapes) == 1:
        yield Proposal(single("repeat_to_size", *shapes.pop()), 6.0)
