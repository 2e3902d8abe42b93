"""Last steps of programs, undone: what the outputs were before they were framed, tiled, scaled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kit.induce.families.input_steps import BY_LINES, JOIN, SIDE, Lines, results_of
from kit.induce.families.mosaics import MIRRORS
from kit.induce.primitives.framing import strip_frame
from kit.induce.primitives.mosaics import mosaic
from kit.induce.primitives.panel_grid import join_panels, panels_to_cells, spread_over_panels
from kit.induce.primitives.panels import split_by_lines
from kit.induce.primitives.scaling import block_side, reduce_blocks
from kit.induce.problem import Problem
from kit.induce.program import call
from kit.induce.values import Image, Images

Grids = tuple[np.ndarray, ...]

HALVES = tuple(
    layout
    for i in (0, 1)
    for j in (0, 1)
    for layout in (
        tuple(tuple(MIRRORS[(i + a) % 2][(j + b) % 2] for b in (0, 1)) for a in (0, 1)),
        (tuple(MIRRORS[0][(j + b) % 2] for b in (0, 1)),) if i == 0 else None,
        tuple((MIRRORS[(i + a) % 2][0],) for a in (0, 1)) if j == 0 else None,
    )
    if layout
)
"""Mirrored layouts of two or four tiles, with the tile itself ("same") in any of the places."""


class Undone(NamedTuple):
    """A last step and what it was applied to.

    Attributes:
        outputs: before the step.
        lines: the step, from `core` to `output`.
        bits: of the choice.
    """

    outputs: Grids
    lines: Lines
    bits: float


def output_steps(problem: Problem) -> Iterator[Undone]:
    """Last steps that can be undone in all pairs."""
    yield from _frames(problem)
    yield from _mirrors(problem)
    yield from _repeats(problem)
    yield from _blocks(problem)
    yield from _fields(problem)
    yield from _joined(problem)


def _frames(problem: Problem) -> Iterator[Undone]:
    """A frame of a constant colour."""
    rims = {int(output[0, 0]) for output in problem.outputs}
    if len(rims) > 1:
        return
    stripped = [strip_frame(Image(output)) for output in problem.outputs]
    if all(image is not None for image in stripped):
        outputs = tuple(image.cells for image in stripped if image is not None)
        colour = rims.pop()
        # An empty rim is seldom meant as a frame.
        bits = 3.0 if colour else 6.0
        yield Undone(outputs, (call("add_frame", "$core", colour),), bits)


def _mirrors(problem: Problem) -> Iterator[Undone]:
    """Mirrored halves or quarters, with or without a shared line."""
    for overlap in (0, 1):
        for layout in HALVES:
            parts = [_part(output, layout, overlap) for output in problem.outputs]
            if all(part is not None for part in parts):
                line = call("mosaic", "$core", layout, overlap)
                yield Undone(tuple(p for p in parts if p is not None), (line,), 4.0 + overlap)


def _part(
    output: np.ndarray, layout: tuple[tuple[str, ...], ...], overlap: int
) -> np.ndarray | None:
    """The tile of a mirrored picture; None where it is not one."""
    shape = []
    for whole, count in zip(output.shape, (len(layout), len(layout[0])), strict=True):
        side, rest = divmod(whole + overlap * (count - 1), count)
        if rest:
            return None
        shape.append(side)
    (h, w), (height, width) = shape, output.shape
    for i, row in enumerate(layout):
        for j, word in enumerate(row):
            if word == "same":
                y, x = (height - h if i else 0), (width - w if j else 0)
                part = np.ascontiguousarray(output[y : y + h, x : x + w])
    again = mosaic(Image(part), layout, overlap)
    return part if again is not None and np.array_equal(again.cells, output) else None


def _repeats(problem: Problem) -> Iterator[Undone]:
    """Copies in constant numbers of rows and columns."""
    for down in range(1, 5):
        for across in range(1, 5):
            if down * across == 1:
                continue
            parts = []
            for output in problem.outputs:
                h, w = output.shape[0] // down, output.shape[1] // across
                part = np.ascontiguousarray(output[:h, :w])
                if not np.array_equal(np.tile(part, (down, across)), output):
                    break
                parts.append(part)
            else:
                line = call("repeat_image", "$core", down, across)
                yield Undone(tuple(parts), (line,), 3.0)


def _blocks(problem: Problem) -> Iterator[Undone]:
    """Cells enlarged by a constant factor, or by that of the input."""
    sides = [block_side(Image(output)) for output in problem.outputs]
    least = min(sides)
    given = [block_side(Image(grid)) for grid in problem.inputs]
    if least > 1 and all(side % least == 0 for side in sides):
        outputs = _reduced(problem.outputs, [least] * len(sides))
        if outputs:
            yield Undone(outputs, (call("enlarge", "$core", least, least),), 3.0)
    if min(given) > 1 and all(s % g == 0 for s, g in zip(sides, given, strict=True)):
        outputs = _reduced(problem.outputs, given)
        if outputs:
            yield Undone(outputs, (SIDE, call("enlarge", "$core", "$side", "$side")), 3.0)


def _reduced(outputs: Grids, sides: list[int]) -> Grids | None:
    """Outputs with blocks of those sides as cells."""
    found = []
    for output, side in zip(outputs, sides, strict=True):
        image = reduce_blocks(Image(output), side, side, "uniform")
        if image is None:
            return None
        found.append(image.cells)
    return tuple(found)


def _fields(problem: Problem) -> Iterator[Undone]:
    """Fields of one colour between the separator lines of the input."""
    lines = (BY_LINES, call("panels_to_cells", "$parts", "main_colour", target="small"))
    if not problem.same_size or results_of(lines, problem.grids) is None:
        return
    smalls = []
    for given, output in zip(problem.inputs, problem.outputs, strict=True):
        panels = split_by_lines(Image(given)) or ()
        shown = panels_at(output, panels)
        if any((p.cells != p.cells[0, 0]).any() for p in shown):
            return
        small = panels_to_cells(shown, "main_colour")
        if small is None:
            return
        smalls.append(small.cells)
    yield Undone(tuple(smalls), (BY_LINES, call("fill_panels", "$input", "$parts", "$core")), 2.0)


def _joined(problem: Problem) -> Iterator[Undone]:
    """Panels side by side, where the separators of the input are kept."""
    if not problem.same_size or results_of((BY_LINES, JOIN), problem.grids) is None:
        return
    joined = []
    for given, output in zip(problem.inputs, problem.outputs, strict=True):
        panels = split_by_lines(Image(given)) or ()
        shown = join_panels(panels_at(output, panels))
        again = None if shown is None else spread_over_panels(Image(given), panels, shown)
        if shown is None or again is None or not np.array_equal(again.cells, output):
            return
        joined.append(shown.cells)
    spread = call("spread_over_panels", "$input", "$parts", "$core")
    yield Undone(tuple(joined), (BY_LINES, spread), 2.0)


def panels_at(cells: np.ndarray, panels: Images) -> Images:
    """What a picture shows at the places of panels."""
    return tuple(
        Image(
            np.ascontiguousarray(cells[p.y : p.y + p.cells.shape[0], p.x : p.x + p.cells.shape[1]]),
            p.y,
            p.x,
        )
        for p in panels
    )
