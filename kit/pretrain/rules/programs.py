"""Tasks of random programs: expressions of the search's own primitives on drawn pictures.

A program has one to three operations of `kit.induce.enumeration`, perhaps put back on the input's
canvas or laid over the input in a colour. It is drawn along a probe input, so that every line is
defined and changes something there; the filters of `kit.pretrain.rules.tasks` do the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kit.arc.grid import MAX_SIDE
from kit.arc.seeds import numpy_rng
from kit.arc.task import Pair
from kit.pretrain.rules.cells import Array
from kit.pretrain.rules.chained import drawn_inputs
from kit.pretrain.rules.rule import Drawn, Rng, between, chance, draw_room
from kit.pretrain.rules.tasks import DEFAULT_PAIRS, draw_pairs, is_worthwhile, turned

if TYPE_CHECKING:
    from kit.induce.program import Program, Statement

MAX_OPERATIONS = 3
MAX_TRIES = 60
OPERATION_TRIES = 8
FRAME_SHARE, LAYER_SHARE = 0.3, 0.2
OF_MANY_SHARE = 0.75
"""How often an operation on many images chooses among them or joins them; else it changes each."""


@dataclass(frozen=True, slots=True)
class ProgramTask:
    """Pairs and the program behind them.

    Attributes:
        text: the program before the task's symmetry and colours.
    """

    text: str
    pairs: tuple[Pair, ...]


def random_program_task(
    seed: int, num_pairs: int = DEFAULT_PAIRS, largest: int = MAX_SIDE
) -> ProgramTask | None:
    """The task of one random program; None where no draw passed the filters.

    Args:
        largest: sides of inputs are drawn up to this.
    """
    for attempt in range(MAX_TRIES):
        rng = numpy_rng(seed, "program", attempt)
        room, inputs = draw_room(rng, largest), drawn_inputs(rng)
        probe = inputs(rng, room)
        program = None if probe is None else draw_program(rng, probe)
        if program is None:
            continue

        def make(rng: Rng, program: Program = program) -> Drawn:
            grid = inputs(rng, room)  # noqa: B023
            output = None if grid is None else program.run(grid)
            return None if grid is None or output is None else (grid, output)

        drawn = draw_pairs(make, rng, num_pairs)
        if len(drawn) == num_pairs and is_worthwhile(drawn):
            return ProgramTask(program.text(), turned(drawn, rng))
    return None


def draw_program(rng: Rng, probe: Array) -> Program | None:
    """A random program that is defined on the probe; None where the draw went nowhere."""
    from kit.induce.program import Program
    from kit.induce.values import Image

    lines: list[Statement] = []
    value: Any = Image(np.ascontiguousarray(probe))
    for _ in range(between(rng, 1, MAX_OPERATIONS)):
        is_many = not isinstance(value, Image)
        of_many = is_many and chance(rng, OF_MANY_SHARE)
        value = _extend(rng, lines, value, _names(many=of_many))
        if value is None:
            return None
    if not isinstance(value, Image):
        value = _extend(rng, lines, value, _JOINING)
    if not isinstance(value, Image):
        return None
    if chance(rng, FRAME_SHARE):
        value = _framed(rng, lines, value, probe)
    elif chance(rng, LAYER_SHARE):
        value = _layered(rng, lines, value, probe)
    if value is None:
        return None
    return Program((*lines[:-1], _line("output", lines[-1].primitive, lines[-1].arguments)))


_JOINING = ("stack", "line_up", "line_up_by_size", "pick", "pick_unique", "pick_common", "nth")
"""Operations that make one image of many."""


@cache
def _arguments(name: str) -> tuple[tuple[Any, ...], ...]:
    """The arguments that the enumeration tries for a primitive."""
    from kit.induce.enumeration.operations import operations

    return tuple(op.arguments for op in operations() if op.name == name)


@cache
def _names(many: bool) -> tuple[str, ...]:
    """Primitives of one image, or of many, each once however many arguments there are."""
    from kit.induce.enumeration.operations import operations

    return tuple(sorted({op.name for op in operations() if op.many == many}))


def _line(target: str, primitive: str, arguments: tuple[Any, ...]) -> Statement:
    from kit.induce.program import Statement

    return Statement(target, primitive, arguments)


def _last(lines: list[Statement]) -> Any:
    """The name that the next line works on."""
    from kit.induce.program import Name

    return Name(lines[-1].target if lines else "input")


def _extend(rng: Rng, lines: list[Statement], value: Any, names: tuple[str, ...]) -> Any:
    """Append one drawn operation that does something; its value, or None."""
    from kit.induce.program import apply_primitive

    for _ in range(OPERATION_TRIES):
        name = str(rng.choice(names))
        choices = _arguments(name)
        given = choices[rng.integers(len(choices))]
        result = apply_primitive(name, [value, *given])
        if _is_value(result) and not _equal(result, value):
            lines.append(_line(f"v{len(lines) + 1}", name, (_last(lines), *given)))
            return result
    return None


def _is_value(result: Any) -> bool:
    """Whether an operation gave an image or images; a tuple of tuples is nothing to go on with."""
    from kit.induce.values import Image

    if isinstance(result, Image):
        return True
    return isinstance(result, tuple) and all(isinstance(part, Image) for part in result)


def _equal(a: Any, b: Any) -> bool:
    """Whether two values show the same."""
    from kit.induce.values import Image, image_key

    if isinstance(a, Image) != isinstance(b, Image):
        return False
    first, second = ((a,), (b,)) if isinstance(a, Image) else (a, b)
    return [image_key(i) for i in first] == [image_key(i) for i in second]


def _framed(rng: Rng, lines: list[Statement], value: Any, probe: Array) -> Any:
    """Bring the image to the input's canvas in one of the ways that there are."""
    from kit.induce.enumeration.operations import FRAME_OPERATIONS
    from kit.induce.program import Name, apply_primitive
    from kit.induce.values import Image

    name, rest = FRAME_OPERATIONS[rng.integers(len(FRAME_OPERATIONS))]
    result = apply_primitive(name, [value, Image(probe), *rest])
    if result is not None:
        lines.append(_line(f"v{len(lines) + 1}", name, (_last(lines), Name("input"), *rest)))
    return result


def _layered(rng: Rng, lines: list[Statement], value: Any, probe: Array) -> Any:
    """Lay the image over the input, in its own colours or in one."""
    from kit.induce.program import Name, apply_primitive
    from kit.induce.values import Image

    use = f"paint {between(rng, 1, 9)}" if chance(rng, 0.7) else "filled"
    canvas = Image(probe)
    steps = (("embed", (canvas,), (Name("input"),)), ("lay", (use,), (use,)),
             ("lay_below", (canvas, "all"), (Name("input"), "all")))  # fmt: skip
    for name, given, written in steps:
        value = apply_primitive(name, [value, *given])
        if value is None:
            return None
        lines.append(_line(f"v{len(lines) + 1}", name, (_last(lines), *written)))
    return value
