"""Running one untrusted program inside its process, and saying what it answered as JSON.

Everything here runs beside the program, in its memory and under its limits, so nothing here is
relied upon: whoever reads the answers checks them again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np

_FILENAME = "<program>"
_MAX_MESSAGE_CHARS = 300
_MAX_SIDE = 30
"""Of a grid; a larger answer is not even written out."""

Say = Callable[[str], None]


def run_program(source: str, inputs: list[list[list[int]]], say: Say) -> None:
    """Load a program and apply its `transform` to each input, saying one line of JSON for each.

    A line is {"output": grid}, or {"error": message, "memory": bool}, or for a program that does
    not load one line {"failed": message, "memory": bool} in all.
    """
    try:
        transform = _load(source)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the program's doing too
        say(json.dumps({"failed": _describe(error), "memory": isinstance(error, MemoryError)}))
        return
    for grid in inputs:
        # Without this a program that draws numbers would answer differently on every run.
        random.seed(0)
        np.random.seed(0)
        try:
            line = json.dumps({"output": _plain(transform(np.array(grid)))})
        except BaseException as error:
            memory = isinstance(error, MemoryError)
            line = json.dumps({"error": _describe(error), "memory": memory})
        say(line)


def _load(source: str) -> Callable[[np.ndarray], object]:
    """The function `transform` that a source text defines."""
    namespace: dict[str, Any] = {"__name__": "program", "np": np}
    # The one place that runs foreign code: in a fork of the confined child, which ends with it.
    exec(compile(source, _FILENAME, "exec", dont_inherit=True), namespace)
    transform = namespace.get("transform")
    if not callable(transform):
        raise NameError("the program defines no function transform(grid)")
    return transform


def _plain(value: object) -> list[list[int]]:
    """The rows of an answer: an array, or lists of anything that numpy takes for whole numbers.

    Raises:
        TypeError, ValueError: it is no grid; the message says what it is.
    """
    if not isinstance(value, np.ndarray | list | tuple):
        raise TypeError(f"transform returned {_article(type(value).__name__)}, not a grid")
    array = np.array(value)
    if array.ndim != 2 or not array.size or max(array.shape) > _MAX_SIDE:
        raise ValueError(
            f"transform returned an array of shape {array.shape}, "
            f"not a grid of 1 to {_MAX_SIDE} rows and columns"
        )
    if array.dtype.kind not in "biuf" or not np.array_equal(array, np.floor(array)):
        raise ValueError("transform returned cells that are not whole numbers")
    rows = array.astype(int).tolist()
    if array.min() < 0 or array.max() > 9:
        worst = int(array.min() if array.min() < 0 else array.max())
        raise ValueError(f"transform returned a cell of colour {worst}; colours are 0 to 9")
    return rows


def _article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiouAEIOU' else 'a'} {noun}"


def _describe(error: BaseException) -> str:
    """What went wrong in one line, with the last line of the program that took part in it."""
    try:
        text = " ".join(str(error).split())
    except Exception as inner:  # the program's own __str__
        text = f"its message cannot be printed ({type(inner).__name__})"
    if isinstance(error, SyntaxError):
        text, number = error.msg, error.lineno
    else:
        number = _line_number(error)
    text = f"{type(error).__name__}: {text}"[:_MAX_MESSAGE_CHARS]
    return text if number is None else f"{text} (line {number})"


def _line_number(error: BaseException) -> int | None:
    """The innermost line of the program in an error's traceback."""
    number = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILENAME:
            number = trace.tb_lineno
        trace = trace.tb_next
    return number
