"""First steps of programs: ways to make a smaller or plainer picture of the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kit.induce.families.panel_cuts import cuts_of
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Statement, call, run_statements
from kit.induce.values import Image

Lines = tuple[Statement, ...]


class Step(NamedTuple):
    """Lines and what they cost.

    Attributes:
        lines: on `input`.
        grids: their results for all inputs, then for all tests.
        bits: of the choice.
    """

    lines: Lines
    grids: tuple[np.ndarray, ...]
    bits: float


BY_LINES = call("split_by_lines", "$input", target="parts")
UNIFORM = call("uniform_panels", "$parts", target="fields")
JOIN = call("join_panels", "$parts", target="joined")
SIDE = call("block_side", "$input", target="side")

PLAIN: tuple[tuple[Lines, float], ...] = (
    ((call("strip_frame", "$input", target="inside"),), 2.0),
    ((BY_LINES, UNIFORM, call("panels_to_cells", "$fields", "main_colour", target="small")), 2.0),
    ((SIDE, call("reduce_blocks", "$input", "$side", "$side", "uniform", target="small")), 2.0),
    ((call("trim", "$input", target="trimmed"),), 2.0),
    ((BY_LINES, JOIN), 2.5),
    ((call("collapse_repeats", "$input", target="collapsed"),), 3.0),
    ((call("drop_empty_lines", "$input", target="dense"),), 3.0),
    ((BY_LINES, call("panels_to_cells", "$parts", "main_colour", target="small")), 3.5),
    ((call("unit_tile", "$input", target="unit"),), 3.5),
)
"""Steps that need no choice."""


def results_of(lines: Lines, grids: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...] | None:
    """What lines make of all grids; None where they are undefined for one."""
    results = []
    for grid in grids:
        result = run_statements(lines, {"input": Image(grid)})
        if result is None:
            return None
        results.append(result)
    return tuple(results)


def input_steps(problem: Problem, meter: Meter) -> Iterator[Step]:
    """Steps that are defined on all grids and change some input of the pairs.

    Of steps with equal results only the first is given.
    """
    seen: set[tuple[bytes, ...]] = set()
    for lines, bits in (*PLAIN, *_panel_steps(problem, meter), *_growing_steps(problem)):
        if not meter.spend(len(problem.grids)):
            return
        grids = results_of(lines, problem.grids)
        if grids is None or all(map(np.array_equal, problem.inputs, grids)):
            continue
        key = tuple(b"%d:" % grid.shape[0] + grid.tobytes() for grid in grids)
        if key not in seen:
            seen.add(key)
            yield Step(lines, grids, bits)


def _panel_steps(problem: Problem, meter: Meter) -> Iterator[tuple[Lines, float]]:
    """One of a few panels of the cheapest cut, and all of them over each other."""
    for cut in cuts_of(problem.grids, meter):
        counts = {len(panels) for panels in cut.panels}
        if len(counts) > 1 or max(counts) > 4:
            continue
        line = Statement("parts", cut.statement.primitive, cut.statement.arguments)
        for index in range(max(counts)):
            yield (line, call("panel_at", "$parts", index, target="part")), cut.bits + 3.0
        for most in (False, True):
            choice = call("extreme_panel", "$parts", "colours", most, target="part")
            yield (line, choice), cut.bits + 4.0
        yield (line, call("overlay_panels", "$parts", target="joint")), cut.bits + 3.0
        return


def _growing_steps(problem: Problem) -> Iterator[tuple[Lines, float]]:
    """The input repeated or enlarged to the size of the output."""
    factors = {
        (o.shape[0] / i.shape[0], o.shape[1] / i.shape[1])
        for i, o in zip(problem.inputs, problem.outputs, strict=True)
    }
    (down, across), *others = sorted(factors)
    if not others and down % 1 == across % 1 == 0 and down * across > 1:
        for name in ("repeat_image", "enlarge"):
            yield (call(name, "$input", int(down), int(across), target="grown"),), 3.0
    elif all(down == across and down % 1 == 0 for down, across in factors):
        count = call("count_colours", "$input", target="count")
        for name in ("repeat_image", "enlarge"):
            yield (count, call(name, "$input", "$count", "$count", target="grown")), 4.0
