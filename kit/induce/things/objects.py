"""Connected components of a grid, under the few readings of "object" that ARC uses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

SEGMENTATIONS = ("colour4", "colour8", "any4", "any8", "by_colour", "colour4_all")
"""Names of the ways to cut a grid into objects. colour4, colour8: equal-coloured cells that touch
by sides / also by corners, background left out; any4, any8: cells of any colour but the
background; by_colour: all cells of one colour; colour4_all: like colour4 with the background's
own components too."""


@numba.njit(cache=True)
def label_components(cells, diagonal, one_colour, background):  # type: ignore[no-untyped-def]
    """Label connected components.

    Args:
        cells: (H, W) uint8.
        diagonal: whether corners connect.
        one_colour: whether only equal colours connect.
        background: colour that belongs to no component; -1 for none.
    Returns:
        (H, W) int32 labels from 1 on in reading order of their first cells (0 for background),
        and how many there are.
    """
    height, width = cells.shape
    labels = np.zeros((height, width), np.int32)
    stack = np.empty(height * width, np.int32)
    count = 0
    for start in range(height * width):
        y0, x0 = start // width, start % width
        if labels[y0, x0] or cells[y0, x0] == background:
            continue
        count += 1
        labels[y0, x0] = count
        stack[0] = start
        top = 1
        while top:
            top -= 1
            y, x = stack[top] // width, stack[top] % width
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if not diagonal and dy != 0 and dx != 0:
                        continue
                    v, u = y + dy, x + dx
                    if v < 0 or u < 0 or v >= height or u >= width or labels[v, u]:
                        continue
                    if cells[v, u] == background or (one_colour and cells[v, u] != cells[y, x]):
                        continue
                    labels[v, u] = count
                    stack[top] = v * width + u
                    top += 1
    return labels, count


@dataclass(frozen=True)
class Thing:
    """One object.

    Attributes:
        cells: (h, w) uint8, the grid inside the bounding box.
        mask: (h, w) bool, which of them belong to the object.
        y, x: upper-left cell of the bounding box.
        touches_border: whether the bounding box reaches the edge of the grid.
    """

    cells: np.ndarray
    mask: np.ndarray
    y: int
    x: int
    touches_border: bool

    @cached_property
    def size(self) -> int:
        """Number of cells."""
        return int(self.mask.sum())

    @cached_property
    def colour(self) -> int:
        """Its most frequent colour (the smallest of equals)."""
        return int(np.bincount(self.cells[self.mask], minlength=10).argmax())

    @cached_property
    def colours(self) -> tuple[int, ...]:
        """Its colours, ascending."""
        return tuple(int(c) for c in np.unique(self.cells[self.mask]))

    @property
    def height(self) -> int:
        """Rows of the bounding box."""
        return self.mask.shape[0]

    @property
    def width(self) -> int:
        """Columns of the bounding box."""
        return self.mask.shape[1]


def background_colour(cells: np.ndarray) -> int:
    """The colour that is taken as background: 0 where there is any, else the most frequent."""
    counts = np.bincount(cells.ravel(), minlength=10)
    return 0 if counts[0] else int(counts.argmax())


def segment(cells: np.ndarray, kind: str, background: int | None = None) -> tuple[Thing, ...]:
    """The objects of a grid, in reading order of their first cells.

    Args:
        kind: one of SEGMENTATIONS.
        background: colour of no object; None for `background_colour(cells)`.
    Raises:
        ValueError: no such kind.
    """
    if kind not in SEGMENTATIONS:
        raise ValueError(
            f"no segmentation is called {kind!r}; there are {', '.join(SEGMENTATIONS)}"
        )
    if background is None:
        background = background_colour(cells)
    if kind == "by_colour":
        labels, count = _colour_labels(cells, background)
    else:
        outside = -1 if kind.endswith("_all") else background
        labels, count = label_components(cells, "8" in kind, kind.startswith("colour"), outside)
    return tuple(_thing(cells, labels, label) for label in range(1, count + 1))


def _colour_labels(cells: np.ndarray, background: int) -> tuple[np.ndarray, int]:
    """Each colour but the background as one component."""
    colours = [int(c) for c in np.unique(cells) if c != background]
    labels = np.zeros(cells.shape, np.int32)
    for label, colour in enumerate(colours, 1):
        labels[cells == colour] = label
    return labels, len(colours)


def _thing(cells: np.ndarray, labels: np.ndarray, label: int) -> Thing:
    """The object with that label."""
    rows = np.flatnonzero((labels == label).any(axis=1))
    columns = np.flatnonzero((labels == label).any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = cells.shape
    return Thing(
        np.ascontiguousarray(cells[top:bottom, left:right]),
        np.ascontiguousarray(labels[top:bottom, left:right] == label),
        int(top),
        int(left),
        bool(top == 0 or left == 0 or bottom == height or right == width),
    )
