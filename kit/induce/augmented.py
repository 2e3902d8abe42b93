"""The task seen differently: colour roles and symmetries around any family of programs.

A wrapped family searches the changed task; its programs get lines in front and behind that change
the input and undo the change on the output.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from kit.augment.transform import DIHEDRAL_NAMES, Transform
from kit.induce.meter import Meter
from kit.induce.primitives.roles import role_colours
from kit.induce.problem import Problem
from kit.induce.program import Name, Program, Statement
from kit.induce.proposal import Family, Proposal
from kit.induce.values import Image

SEEN, RESULT = "seen", "result"
"""Names of the changed input and of the output before the change is undone."""

ROLE_BITS = 1.0
SYMMETRY_BITS = 2.0


def either(families: Sequence[Family]) -> Family:
    """The families one after the other, each with an equal part of what is left."""

    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        for done, family in enumerate(families):
            yield from family(problem, meter.part(1 / (len(families) - done)))

    return propose


def kept_colours(problem: Problem) -> tuple[int, ...]:
    """Colours that mean the same in every demonstration: those of all outputs, those that only
    outputs have, and 0. One that no demonstration has may play any role in a test."""
    outputs = [set(np.unique(o).tolist()) for o in problem.outputs]
    inputs = [set(np.unique(i).tolist()) for i in problem.inputs]
    always = set.intersection(*outputs)
    new = set.union(*outputs) - set.union(*inputs)
    return tuple(sorted(always | new | {0}))


def with_roles(family: Family, order: str) -> Family:
    """The family on the task with colours named by their rank in each input."""

    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        kept = kept_colours(problem)
        tables = [np.array(role_colours(Image(g), kept, order), np.uint8) for g in problem.grids]
        if all((table == np.arange(10)).all() for table in tables):
            return
        pairs = len(problem.inputs)
        seen = [table[grid] for table, grid in zip(tables, problem.grids, strict=True)]
        outputs = [table[o] for table, o in zip(tables, problem.outputs, strict=False)]
        changed = Problem(tuple(seen[:pairs]), tuple(outputs), tuple(seen[pairs:]))
        into = Statement(SEEN, "to_roles", (Name("input"), kept, order))
        back = Statement("output", "from_roles", (Name(RESULT), Name("input"), kept, order))
        for proposal in family(changed, meter):
            yield _wrap(proposal, into, back, ROLE_BITS)

    return propose


def with_symmetry(family: Family, dihedral: int) -> Family:
    """The family on the task with every grid turned or mirrored.

    Args:
        dihedral: 1..7, element of `kit.augment.transform.DIHEDRAL_NAMES`.
    """
    transform = Transform(dihedral)
    into = Statement(SEEN, DIHEDRAL_NAMES[dihedral], (Name("input"),))
    back = Statement("output", transform.inverse().name, (Name(RESULT),))

    def turn(grids: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        return tuple(np.ascontiguousarray(transform.apply_array(grid)) for grid in grids)

    def propose(problem: Problem, meter: Meter) -> Iterator[Proposal]:
        changed = Problem(turn(problem.inputs), turn(problem.outputs), turn(problem.tests))
        for proposal in family(changed, meter):
            yield _wrap(proposal, into, back, SYMMETRY_BITS)

    return propose


def _wrap(proposal: Proposal, into: Statement, back: Statement, bits: float) -> Proposal:
    """A program between two lines: its `input` becomes `seen`, its `output` `result`.

    Its own variables of these names, as those of a program wrapped before, get others.
    """
    renamed = {"input": SEEN, "output": RESULT}
    lines = proposal.program.statements
    taken = {"input", "output", SEEN, RESULT, *(line.target for line in lines)}
    for name in (SEEN, RESULT):
        renamed[name] = next(n for i in itertools.count(2) if (n := f"{name}{i}") not in taken)
    body = tuple(
        Statement(
            renamed.get(line.target, line.target),
            line.primitive,
            tuple(
                Name(renamed.get(a.name, a.name)) if isinstance(a, Name) else a
                for a in line.arguments
            ),
        )
        for line in lines
    )
    return Proposal(Program((into, *body, back)), proposal.bits + bits, proposal.left_out)
