"""Programs: straight lines of primitives that print as text and run again from it.

    panels = split_by_lines(input)
    odd = odd_one_out(panels)
    output = replace_colours(odd, {1: 2})

Every line names the value of one call. Arguments are names of earlier lines (`input` is the grid)
or literals: ints, texts, None, True, False, tuples and dicts of them. The last line is `output`.
What it does: parse, print, run. What it does not: evaluate Python; only the primitives exist.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kit.arc.grid import MAX_SIDE
from kit.induce.primitives.registry import primitives, takes_image
from kit.induce.values import Image


class ProgramError(ValueError):
    """A text that is no program; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class Name:
    """An argument that stands for the value of an earlier line."""

    name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One line: `target = primitive(arguments)`.

    Attributes:
        arguments: each a `Name` or a literal.
    """

    target: str
    primitive: str
    arguments: tuple[Any, ...] = ()

    def text(self) -> str:
        """The line as it is printed."""
        shown = (a.name if isinstance(a, Name) else repr(a) for a in self.arguments)
        return f"{self.target} = {self.primitive}({', '.join(shown)})"


@dataclass(frozen=True, slots=True)
class Program:
    """Statements in order; the last one's target is `output`."""

    statements: tuple[Statement, ...]

    def text(self) -> str:
        """Readable lines from which `parse_program` makes an equal program."""
        return "\n".join(statement.text() for statement in self.statements)

    def run(self, grid: np.ndarray) -> np.ndarray | None:
        """The output for one (H, W) uint8 input; None where the program is undefined.

        A primitive is a partial function: None is its way of saying that it does not apply.
        """
        return run_statements(self.statements, {"input": Image(grid)})


def run_statements(statements: tuple[Statement, ...], values: dict[str, Any]) -> np.ndarray | None:
    """Run lines on known values and return the cells of the last one, if it is a legal grid."""
    value: Any = None
    for line in statements:
        given = [values[a.name] if isinstance(a, Name) else a for a in line.arguments]
        value = apply_primitive(line.primitive, given)
        if value is None:
            return None
        values[line.target] = value
    return _legal_cells(value)


def apply_primitive(name: str, arguments: Sequence[Any]) -> Any:
    """The value of one call; None where it is undefined.

    A primitive of one image that is given a tuple of images works on each of them and leaves out
    those on which it is undefined.
    """
    function = primitives()[name]
    first = arguments[0] if arguments else None
    if isinstance(first, tuple) and not isinstance(first, Image) and takes_image(name):
        mapped = (function(image, *arguments[1:]) for image in first)
        return tuple(value for value in mapped if value is not None) or None
    return function(*arguments)


def _legal_cells(value: object) -> np.ndarray | None:
    """The cells of an image that is small enough to be a grid."""
    if not isinstance(value, Image) or max(value.cells.shape) > MAX_SIDE:
        return None
    return value.cells


def call(primitive: str, *arguments: Any, target: str = "output") -> Statement:
    """A statement, with texts that begin with `$` as names: `call("crop", "$a", 3)`."""
    named = (Name(a[1:]) if isinstance(a, str) and a.startswith("$") else a for a in arguments)
    return Statement(target, primitive, tuple(named))


def single(primitive: str, *arguments: Any) -> Program:
    """The program of one line: a primitive applied to the input and literals."""
    return Program((call(primitive, "$input", *arguments),))


def parse_program(text: str) -> Program:
    """The program that a text spells; comments and empty lines are skipped.

    Raises:
        ProgramError: not such a text; the message names the line.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ProgramError(f"not a program: {error}") from error
    known = primitives()
    statements: list[Statement] = []
    names = {"input"}
    for node in tree.body:
        statement = _parse_statement(node, known, names)
        statements.append(statement)
        names.add(statement.target)
    if not statements or statements[-1].target != "output":
        raise ProgramError("the last line of a program must be `output = ...`")
    return Program(tuple(statements))


def _parse_statement(
    node: ast.stmt, known: Mapping[str, Callable[..., Any]], names: set[str]
) -> Statement:
    """One line."""
    where = f"line {node.lineno}"
    if (
        not isinstance(node, ast.Assign)
        or len(node.targets) != 1
        or not isinstance(node.targets[0], ast.Name)
        or not isinstance(node.value, ast.Call)
        or not isinstance(node.value.func, ast.Name)
        or node.value.keywords
    ):
        raise ProgramError(f"{where}: a line is `name = primitive(arguments)`")
    primitive = node.value.func.id
    if primitive not in known:
        raise ProgramError(f"{where}: no primitive is called {primitive!r}")
    arguments = tuple(_parse_argument(a, names, where) for a in node.value.args)
    return Statement(node.targets[0].id, primitive, arguments)


def _parse_argument(node: ast.expr, names: set[str], where: str) -> Any:
    """A known name or a literal."""
    if isinstance(node, ast.Name):
        if node.id not in names:
            raise ProgramError(f"{where}: {node.id!r} has no value yet")
        return Name(node.id)
    try:
        # Builds numbers, texts and containers of them; runs nothing.
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise ProgramError(f"{where}: arguments are names or literals") from error
