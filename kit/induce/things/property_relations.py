"""What an object is among the others of its grid: who touches, holds, faces it.

Every function takes a `Surroundings` and returns one entry for each object. Absent colours are -1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kit.induce.things.objects import Thing

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Surroundings:
    """Objects and the grid that they lie in.

    Attributes:
        cells: (H, W) uint8.
        background: colour of no object.
        things: the objects.
    """

    cells: np.ndarray
    background: int
    things: tuple[Thing, ...]

    @cached_property
    def boxes(self) -> np.ndarray:
        """(n, 4) int: top, left, bottom, right (the last two exclusive)."""
        rows = [(t.y, t.x, t.y + t.height, t.x + t.width) for t in self.things]
        return np.array(rows, dtype=int).reshape(-1, 4)

    @cached_property
    def owner(self) -> np.ndarray:
        """(H, W) int: which object a cell belongs to; -1 for none."""
        owner = np.full(self.cells.shape, -1)
        for index, t in enumerate(self.things):
            owner[t.y : t.y + t.height, t.x : t.x + t.width][t.mask] = index
        return owner

    @cached_property
    def touching(self) -> np.ndarray:
        """(n, n) bool: whether cells of two objects share a side or corner."""
        count = len(self.things)
        touching = np.zeros((count + 1, count + 1), bool)
        height, width = self.owner.shape
        for dy, dx in _STEPS:
            left, right = max(0, -dx), max(0, dx)
            one = self.owner[: height - dy, left : width - right]
            other = self.owner[dy:, left + dx : width - right + dx]
            touching[one, other] = touching[other, one] = True
        np.fill_diagonal(touching, False)
        return touching[:count, :count]

    @cached_property
    def gaps(self) -> np.ndarray:
        """(n, n) rows plus columns between two bounding boxes."""
        b = self.boxes
        rows = np.maximum(b[:, None, 0] - b[None, :, 2], b[None, :, 0] - b[:, None, 2])
        columns = np.maximum(b[:, None, 1] - b[None, :, 3], b[None, :, 1] - b[:, None, 3])
        return np.maximum(rows + 1, 0) + np.maximum(columns + 1, 0)

    @cached_property
    def holds(self) -> np.ndarray:
        """(n, n) bool: whether the bounding box of one is strictly around that of the other."""
        b = self.boxes
        low = (b[:, None, :2] < b[None, :, :2]).all(axis=2)
        return low & (b[:, None, 2:] > b[None, :, 2:]).all(axis=2)

    @cached_property
    def shares_rows(self) -> np.ndarray:
        """(n, n) bool: whether two different objects have a row in common."""
        return self._overlap(0)

    @cached_property
    def shares_columns(self) -> np.ndarray:
        """(n, n) bool: whether two different objects have a column in common."""
        return self._overlap(1)

    def _overlap(self, axis: int) -> np.ndarray:
        low, high = self.boxes[:, axis], self.boxes[:, axis + 2]
        common = (low[:, None] < high[None]) & (low[None] < high[:, None])
        np.fill_diagonal(common, False)
        return common

    @cached_property
    def colours(self) -> np.ndarray:
        """(n,) main colour of each object."""
        return np.array([t.colour for t in self.things], dtype=int)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(n,) cells of each object."""
        return np.array([t.size for t in self.things], dtype=int)

    def colour_among(self, related: np.ndarray) -> list[int]:
        """For each object the main colour of its relatives: of the first; -1 where none is."""
        return [int(self.colours[row.argmax()]) if row.any() else -1 for row in related]


def nearest(around: Surroundings) -> list[int]:
    """Index of the nearest other object (the first of equals); -1 where there is none."""
    if len(around.things) < 2:
        return [-1] * len(around.things)
    gaps = around.gaps + np.eye(len(around.things), dtype=int) * 10**6
    return [int(i) for i in gaps.argmin(axis=1)]


def nearest_colour(around: Surroundings) -> list[int]:
    """Main colour of the nearest object."""
    return [int(around.colours[i]) if i >= 0 else -1 for i in nearest(around)]


def nearest_other_colour(around: Surroundings) -> list[int]:
    """Main colour of the nearest object that has another one."""
    same = around.colours[:, None] == around.colours[None]
    gaps = np.where(same, 10**6, around.gaps)
    return [
        int(around.colours[row.argmin()]) if len(row) and row.min() < 10**6 else -1 for row in gaps
    ]


def nearest_distance(around: Surroundings) -> list[int]:
    """Rows plus columns to the nearest object."""
    return [int(around.gaps[i, j]) if j >= 0 else -1 for i, j in enumerate(nearest(around))]


def counts(related: np.ndarray) -> list[int]:
    """Number of relatives of each object."""
    return [int(n) for n in related.sum(axis=1)]


def touched_colours(around: Surroundings) -> list[tuple[int, ...]]:
    """Main colours of all objects that it touches, ascending."""
    return [tuple(int(c) for c in np.unique(around.colours[row])) for row in around.touching]


def container_colour(around: Surroundings) -> list[int]:
    """Main colour of the smallest object that is around it."""
    sizes = np.where(around.holds.T, around.sizes[None], 10**6)
    return [
        int(around.colours[row.argmin()]) if len(row) and row.min() < 10**6 else -1 for row in sizes
    ]


def foreign_colours(around: Surroundings) -> list[tuple[int, ...]]:
    """Colours inside its bounding box that are neither its own nor the background's."""
    found = []
    for t in around.things:
        inside = np.unique(t.cells[~t.mask])
        own = set(t.colours) | {around.background}
        found.append(tuple(int(c) for c in inside if int(c) not in own))
    return found


def foreign_cells(around: Surroundings) -> list[int]:
    """Cells inside its bounding box that are neither its own nor background."""
    return [int((t.cells[~t.mask] != around.background).sum()) for t in around.things]


def same_rows_colour(around: Surroundings) -> list[int]:
    """Main colour of the first object that shares a row with it."""
    return around.colour_among(around.shares_rows)


def same_columns_colour(around: Surroundings) -> list[int]:
    """Main colour of the first object that shares a column with it."""
    return around.colour_among(around.shares_columns)


def group_sizes(values: list) -> list[int]:  # type: ignore[type-arg]
    """How many of the values equal each."""
    count = Counter(values)
    return [count[v] for v in values]


def twin_colour(around: Surroundings, shapes: list[bytes]) -> list[int]:
    """Main colour of the first other object of the same shape and another colour."""
    same = np.array([[a == b for b in shapes] for a in shapes], dtype=bool)
    same = same.reshape(len(shapes), len(shapes))
    return around.colour_among(same & (around.colours[:, None] != around.colours[None]))


def only_colour(colours: list[tuple[int, ...]]) -> list[int]:
    """The colour of each entry with just one; -1 for the others."""
    return [many[0] if len(many) == 1 else -1 for many in colours]


def cells_of_colour(around: Surroundings) -> list[int]:
    """Cells of the whole grid that have an object's main colour."""
    amounts = np.bincount(around.cells.ravel(), minlength=10)
    return [int(amounts[c]) for c in around.colours]


def border_sides(around: Surroundings) -> list[str]:
    """Letters of the sides of the grid that an object reaches: t, b, l, r."""
    height, width = around.cells.shape
    found = []
    for top, left, bottom, right in around.boxes.tolist():
        reached = (top == 0, bottom == height, left == 0, right == width)
        found.append(
            "".join(side for side, is_there in zip("tblr", reached, strict=True) if is_there)
        )
    return found


def half(around: Surroundings, axis: int) -> list[int]:
    """-1, 0, 1: before, on, behind the middle of the grid."""
    middles = around.boxes[:, axis] + around.boxes[:, axis + 2]
    return [int(np.sign(m - around.cells.shape[axis])) for m in middles]


def parity(around: Surroundings, edge: int) -> list[int]:
    """Whether an edge of the box is an odd number of cells away from that edge of the grid.

    Args:
        edge: 0 top, 1 left, 2 bottom, 3 right.
    """
    ends = (0, 0, *around.cells.shape)
    return [int(ends[edge] - place) % 2 for place in around.boxes[:, edge]]
