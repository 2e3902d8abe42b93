"""Other families applied to a plainer task: the input prepared, a last step undone, panel by panel.

What it does: every useful pair of an input step and an undone output step poses a smaller task, and
so do the panels as examples of their own; the given families solve it. What it does not: search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np

from kit.induce.composing import compose
from kit.induce.families.input_steps import Lines, Step, input_steps
from kit.induce.families.output_steps import Undone, output_steps
from kit.induce.families.panel_cuts import cuts_of
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import Program, Statement, call
from kit.induce.proposal import Family, Proposal
from kit.induce.readings.panel_facts import panel_places
from kit.induce.sift import sift
from kit.induce.values import Images

MAX_PANEL_EXAMPLES = 40
"""More panels than this are not made examples of their own."""

MAX_PANEL_BITS = 3.0
"""Only natural cuts make panels examples: by lines, halves, quarters, squares."""

FAMILY_SHARE, FAMILY_NODES = 0.25, 3000.0
"""Of what is left, and at most so much, for one family on one smaller task."""

ENOUGH_BITS = 4.0
"""Steps that alone cost this much more than the best program found are not taken any more."""


class _Smaller(NamedTuple):
    """A smaller task and how its programs become programs of the task itself."""

    problem: Problem
    build: Callable[[Program], Program]
    bits: float


def inverse_steps(families: Sequence[Family]) -> Family:
    """A family that applies others to smaller tasks.

    Args:
        families: cheap ones, best first.
    """

    def propose_inverse_steps(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        tasks = chain(_smaller_tasks(problem, meter), _panel_tasks(problem, meter))
        yield from sift(_solved(tasks, families, meter), problem, meter)

    return propose_inverse_steps


def _solved(
    tasks: Iterable[_Smaller], families: Sequence[Family], meter: Meter
) -> Iterator[Proposal]:
    """Programs for smaller tasks, made programs of the task itself."""
    best = math.inf
    for task in tasks:
        if task.bits > best + ENOUGH_BITS:
            continue
        for family in families:
            if meter.is_over():
                return
            for proposal in family(task.problem, meter.part(FAMILY_SHARE, nodes=FAMILY_NODES)):
                bits = task.bits + proposal.bits
                best = min(best, bits)
                yield Proposal(task.build(proposal.program), bits)


def _smaller_tasks(problem: Problem, meter: Meter) -> Iterator[_Smaller]:
    """Tasks with one step before or after, then with both, cheapest first, each once."""
    first = [Step((), problem.grids, 0.0), *input_steps(problem, meter)]
    last = [Undone(problem.outputs, (), 0.0), *output_steps(problem)]
    seen = {_key(problem)}
    for before, after in sorted(
        ((b, a) for b in first for a in last),
        key=lambda steps: (bool(steps[0].lines and steps[1].lines), steps[0].bits + steps[1].bits),
    ):
        count = len(problem.inputs)
        smaller = Problem(before.grids[:count], after.outputs, before.grids[count:])
        key = _key(smaller)
        if key not in seen:
            seen.add(key)
            build = partial(_composed, before.lines, after.lines)
            yield _Smaller(smaller, build, before.bits + after.bits)


def _composed(before: Lines, after: Lines, program: Program) -> Program:
    """A program between its steps."""
    return compose(before, program, after)


def _key(problem: Problem) -> tuple[bytes, ...]:
    """Equal for equal problems."""
    return tuple(b"%d:" % g.shape[0] + g.tobytes() for g in (*problem.grids, *problem.outputs))


def _panel_tasks(problem: Problem, meter: Meter) -> Iterator[_Smaller]:
    """The panels as examples of their own: in place, or joined without what was between them."""
    for cut in cuts_of(problem.grids, meter):
        given = cut.panels[: len(problem.outputs)]
        count = sum(len(panels) for panels in given)
        if cut.bits > MAX_PANEL_BITS or not 2 <= count <= MAX_PANEL_EXAMPLES:
            continue
        tests = tuple(p.cells for panels in cut.panels[len(given) :] for p in panels)
        for last, parts_of in (
            (call("paste_panels", "$input", "$mapped"), _parts_in_place),
            (call("join_panels", "$mapped"), _parts_joined),
        ):
            parts = [
                parts_of(grid, output, panels)
                for grid, output, panels in zip(problem.inputs, problem.outputs, given, strict=True)
            ]
            if all(part is not None for part in parts):
                smaller = Problem(
                    tuple(panel.cells for panels in given for panel in panels),
                    tuple(cells for part in parts if part for cells in part),
                    tests,
                )
                build = partial(_mapped, cut.statement, last)
                yield _Smaller(smaller, build, cut.bits + 2.0)


def _mapped(cut: Statement, last: Statement, program: Program) -> Program:
    """A program for panels applied to each."""
    return Program((cut, call("map_panels", "$panels", program.text(), target="mapped"), last))


def _parts_in_place(
    grid: np.ndarray, output: np.ndarray, panels: Images
) -> list[np.ndarray] | None:
    """What the output shows where the panels are."""
    if output.shape != grid.shape:
        return None
    boxes = [(p.y, p.x, *p.cells.shape) for p in panels]
    return [np.ascontiguousarray(output[y : y + h, x : x + w]) for y, x, h, w in boxes]


def _parts_joined(grid: np.ndarray, output: np.ndarray, panels: Images) -> list[np.ndarray] | None:
    """The equal parts of the output in the arrangement of the panels."""
    rows, columns = panel_places(panels)
    parts = max(rows) + 1, max(columns) + 1
    if len(panels) != parts[0] * parts[1]:
        return None
    if parts == (1, 1) or output.shape[0] % parts[0] or output.shape[1] % parts[1]:
        return None
    h, w = output.shape[0] // parts[0], output.shape[1] // parts[1]
    return [
        np.ascontiguousarray(output[r * h : (r + 1) * h, c * w : (c + 1) * w])
        for r, c in zip(rows, columns, strict=True)
    ]
