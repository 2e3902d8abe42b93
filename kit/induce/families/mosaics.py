"""Programs whose output is a mosaic of copies of the input.

What it does: constant layouts of turned copies, also with shared edges; copies chosen by the cells
of the input itself (self-products). What it does not: make the tile first (see `inverse_steps`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call, single
from kit.induce.proposal import Proposal
from kit.induce.readings.mosaic_tiles import MARKS, TILES, tile_of
from kit.induce.readings.turns import TURNS
from kit.induce.sift import best_first, sift

Layout = tuple[tuple[str, ...], ...]

MIRRORS = (("same", "left_right"), ("up_down", "half_turn"))
SPINS = (("same", "clockwise"), ("anticlockwise", "half_turn"))
"""Layouts of 2 x 2 tiles that go on in both directions."""


def propose_mosaics(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Programs whose output is laid out of copies of the input."""
    if any(i.size > o.size for i, o in zip(problem.inputs, problem.outputs, strict=True)):
        return
    candidates = best_first(_turned(problem), _layouts(problem), _by_cell(problem))
    yield from sift(candidates, problem, meter)


def _turned(problem: Problem) -> Iterator[Proposal]:
    """The input itself, turned."""
    if all(i.size == o.size for i, o in zip(problem.inputs, problem.outputs, strict=True)):
        for word in TURNS:
            yield Proposal(single("turn_image", word), 0.0 if word == "same" else 2.0)


def tile_grid(given: np.ndarray, output: np.ndarray, overlap: int) -> tuple[int, int] | None:
    """Rows and columns of tiles of the input's size that fill the output."""
    counts = []
    for side, whole in zip(given.shape, output.shape, strict=True):
        if side <= overlap or (whole - overlap) % (side - overlap):
            return None
        counts.append((whole - overlap) // (side - overlap))
    return counts[0], counts[1]


def _layouts(problem: Problem) -> Iterator[Proposal]:
    """The same layout in all pairs."""
    for overlap in (0, 1):
        shapes = {
            tile_grid(i, o, overlap) for i, o in zip(problem.inputs, problem.outputs, strict=True)
        }
        shape = shapes.pop()
        if shapes or shape is None or shape == (1, 1):
            continue
        for layout, bits in _layouts_of(problem, shape, overlap):
            arguments = (layout, overlap) if overlap else (layout,)
            yield Proposal(single("mosaic", *arguments), bits + 3.0 * overlap)


def _layouts_of(
    problem: Problem, shape: tuple[int, int], overlap: int
) -> Iterator[tuple[Layout, float]]:
    """Layouts that explain all outputs: regular ones, then the simplest word for each tile."""
    words: list[list[list[str]]] = []
    for i in range(shape[0]):
        row = [_words_at(problem, i, j, overlap) for j in range(shape[1])]
        if not all(row):
            return
        words.append(row)
    plain = _repeat((("same",),), shape)
    for base, bits in ((plain, 2.0), *((_repeat(m, shape), 3.0) for m in _regular())):
        if all(base[i][j] in words[i][j] for i in range(shape[0]) for j in range(shape[1])):
            yield base, bits
    first = tuple(tuple(options[0] for options in row) for row in words)
    distinct = len({word for row in first for word in row})
    yield first, 3.0 + 1.0 * min(shape[0] * shape[1], 4 + distinct)


def _regular() -> Iterator[Layout]:
    """Mirrored and spinning layouts that begin with any of their tiles."""
    for base in (MIRRORS, SPINS):
        for i in (0, 1):
            for j in (0, 1):
                yield tuple(tuple(base[(i + a) % 2][(j + b) % 2] for b in (0, 1)) for a in (0, 1))


def _repeat(base: Layout, shape: tuple[int, int]) -> Layout:
    """A layout repeated to a shape."""
    return tuple(
        tuple(base[i % len(base)][j % len(base[0])] for j in range(shape[1]))
        for i in range(shape[0])
    )


def _words_at(problem: Problem, i: int, j: int, overlap: int) -> list[str]:
    """Words that explain one tile in all pairs, simplest first."""
    words = list(TILES)
    for given, output in zip(problem.inputs, problem.outputs, strict=True):
        h, w = given.shape
        y, x = i * (h - overlap), j * (w - overlap)
        part = output[y : y + h, x : x + w]
        words = [word for word in words if np.array_equal(tile_of(given, word), part)]
    return words


def _by_cell(problem: Problem) -> Iterator[Proposal]:
    """The input (or a half) as plan of the tiles, the input (or the other half) as tile."""
    areas = [(i.size, o.size) for i, o in zip(problem.inputs, problem.outputs, strict=True)]
    if all(wanted == given**2 for given, wanted in areas):
        yield from _plans((), "$input", "$input", 4.0)
    elif all(4 * wanted == given**2 for given, wanted in areas):
        lines = (
            call("split_along", "$input", 2, target="halves"),
            call("panel_at", "$halves", 0, target="first"),
            call("panel_at", "$halves", 1, target="second"),
        )
        busy = (
            lines[0],
            call("extreme_panel", "$halves", "colours", False, target="first"),
            call("extreme_panel", "$halves", "colours", True, target="second"),
        )
        yield from _plans(lines, "$first", "$second", 6.0)
        yield from _plans(lines, "$second", "$first", 6.0)
        yield from _plans(busy, "$first", "$second", 6.0)
        yield from _plans(busy, "$second", "$first", 6.0)


def _plans(
    lines: tuple[Statement, ...], picture: str, tile: str, base: float
) -> Iterator[Proposal]:
    """Tiles chosen by the cells of a picture."""
    for rank, mark in enumerate(MARKS):
        for yes in (*TILES, "solid", "tinted"):
            for no in ("blank", "inverted", "solid"):
                if yes != no:
                    bits = base + 0.2 * rank + (yes != "same") + 2.0 * (no != "blank")
                    line = call("mosaic_by_cell", picture, tile, mark, yes, no)
                    yield Proposal(Program((*lines, line)), bits)
