"""Programs put together: lines before, a program in the middle, lines after."""

from __future__ import annotations

from typing import Any

from kit.induce.program import Name, Program, Statement

CORE = "core"
"""What lines after a program call its result."""


def compose(
    before: tuple[Statement, ...], middle: Program, after: tuple[Statement, ...]
) -> Program:
    """One program of three parts.

    Args:
        before: lines on `input`; the last target is what the middle takes as its input. May be
            empty.
        middle: any program; its names are changed where they are taken.
        after: lines that may use `core` (the middle's result), `input` and the targets of
            `before`; the last target is `output`. May be empty.
    """
    taken = {"input", CORE} | {line.target for line in (*before, *after)}
    names = {"input": before[-1].target if before else "input"}
    lines = []
    for line in middle.statements:
        arguments = tuple(_renamed(argument, names) for argument in line.arguments)
        target = _free(line.target, taken)
        names[line.target] = target
        taken.add(target)
        lines.append(Statement(target, line.primitive, arguments))
    last = lines.pop()
    target = CORE if after else "output"
    lines.append(Statement(target, last.primitive, last.arguments))
    return Program((*before, *lines, *after))


def _renamed(argument: Any, names: dict[str, str]) -> Any:
    """An argument under its new name."""
    return Name(names[argument.name]) if isinstance(argument, Name) else argument


def _free(name: str, taken: set[str]) -> str:
    """A name, numbered if it is taken."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
