"""Pictures as texts: rows of digits with `/` between."""

from __future__ import annotations

import numpy as np

from kit.induce.problem import Problem
from kit.induce.values import Image


def cells(rows: str) -> np.ndarray:
    """The array that a text spells."""
    return np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8)


def image(rows: str, y: int = 0, x: int = 0) -> Image:
    """The image that a text spells."""
    return Image(cells(rows), y, x)


def text(found: Image | np.ndarray | None) -> str | None:
    """The text of an image or array."""
    if found is None:
        return None
    array = found.cells if isinstance(found, Image) else found
    return "/".join("".join(map(str, row)) for row in array.tolist())


def problem(*pairs: tuple[str, str], tests: tuple[str, ...]) -> Problem:
    """A problem from texts of inputs and outputs, and of test inputs."""
    return Problem(
        tuple(cells(given) for given, _ in pairs),
        tuple(cells(wanted) for _, wanted in pairs),
        tuple(cells(grid) for grid in tests),
    )
