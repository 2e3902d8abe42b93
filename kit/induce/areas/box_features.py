"""What can be said about the rectangles of a grid: counts, symmetry, surroundings.

All features of all rectangles of one grid are computed together, from summed tables. They ignore
which cells of a rectangle belong to an object; `properties` speaks about those.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kit.induce.things.objects import Thing, segment
from kit.induce.things.properties import Scene
from kit.induce.things.property_relations import Surroundings


@dataclass(frozen=True)
class Boxes:
    """Rectangles of one grid.

    Attributes:
        cells: (H, W) uint8, the grid.
        background: its background colour.
        things: whose bounding boxes are meant.
    """

    cells: np.ndarray
    background: int
    things: tuple[Thing, ...]

    @cached_property
    def ends(self) -> np.ndarray:
        """(4, n) tops, lefts, bottoms, rights (exclusive)."""
        rows = [(t.y, t.x, t.y + t.height, t.x + t.width) for t in self.things]
        return np.array(rows, np.int64).reshape(-1, 4).T

    @cached_property
    def summed(self) -> np.ndarray:
        """(10, H + 1, W + 1) summed table of each colour's cells."""
        height, width = self.cells.shape
        table = np.zeros((10, height + 1, width + 1), np.int64)
        planes = self.cells[None] == np.arange(10)[:, None, None]
        table[:, 1:, 1:] = planes.cumsum(axis=1).cumsum(axis=2)
        return table

    @cached_property
    def scene(self) -> Scene:
        """The regions as objects, to be asked for their properties."""
        return Scene(Surroundings(self.cells, self.background, self.things), "")

    @cached_property
    def counts(self) -> np.ndarray:
        """(n, 10) cells of each colour in each box."""
        return self.count_in(0)

    @cached_property
    def parts(self) -> np.ndarray:
        """(4, m) boxes of the 8-connected one-coloured objects of the grid."""
        parts = Boxes(self.cells, self.background, segment(self.cells, "colour8", self.background))
        return parts.ends

    @cached_property
    def symmetries(self) -> list[int]:
        """Which of left-right, up-down, diagonal leave each picture as it is (bits 1, 2, 4)."""
        found = []
        for thing in self.things:
            c = thing.cells
            square = c.shape[0] == c.shape[1]
            found.append(
                int((c == c[:, ::-1]).all())
                + 2 * int((c == c[::-1]).all())
                + 4 * int(square and bool((c == c.T).all()))
            )
        return found

    def count_in(self, grow: int) -> np.ndarray:
        """(n, 10) cells of each colour in the boxes grown on all sides (shrunk if negative)."""
        top, left, bottom, right = self.ends
        height, width = self.cells.shape
        top, left = np.clip(top - grow, 0, height), np.clip(left - grow, 0, width)
        bottom = np.maximum(top, np.clip(bottom + grow, 0, height))
        right = np.maximum(left, np.clip(right + grow, 0, width))
        s = self.summed
        return (s[:, bottom, right] - s[:, top, right] - s[:, bottom, left] + s[:, top, left]).T


def _shape(boxes: Boxes) -> tuple[np.ndarray, np.ndarray]:
    """Heights and widths."""
    top, left, bottom, right = boxes.ends
    return bottom - top, right - left


def _area(boxes: Boxes) -> np.ndarray:
    height, width = _shape(boxes)
    return height * width


def _filled(boxes: Boxes) -> np.ndarray:
    return _area(boxes) - boxes.counts[:, boxes.background]


def _scarce(boxes: Boxes, which: int) -> np.ndarray:
    """Cells of the colour that is `which` from the scarcest in the grid, background left out."""
    total = boxes.summed[:, -1, -1].copy()
    total[boxes.background] = 0
    order = [int(c) for c in np.argsort(total, kind="stable") if total[c]]
    return boxes.counts[:, order[which]] if which < len(order) else np.zeros(len(boxes.things), int)


def _main_colour(boxes: Boxes) -> np.ndarray:
    """The most frequent colour but the background; -1 in an empty box."""
    counts = boxes.counts.copy()
    counts[:, boxes.background] = 0
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def _least_colour(boxes: Boxes) -> np.ndarray:
    """The least frequent colour that occurs."""
    return np.where(boxes.counts > 0, boxes.counts, 10**6).argmin(axis=1)


def _edge_colours(boxes: Boxes) -> np.ndarray:
    """Colours on the outermost cells."""
    height, width = _shape(boxes)
    inner = np.where((np.minimum(height, width) > 2)[:, None], boxes.count_in(-1), 0)
    return ((boxes.counts - inner) > 0).sum(axis=1)


def _inner_filled(boxes: Boxes) -> np.ndarray:
    """Cells off the outermost ones that are not background."""
    height, width = _shape(boxes)
    inner = np.where((np.minimum(height, width) > 2)[:, None], boxes.count_in(-1), 0)
    return inner.sum(axis=1) - inner[:, boxes.background]


def _ring_filled(boxes: Boxes) -> np.ndarray:
    """Cells just outside the box that are not background."""
    ring = boxes.count_in(1) - boxes.counts
    return ring.sum(axis=1) - ring[:, boxes.background]


def _parts_inside(boxes: Boxes) -> np.ndarray:
    """Objects that lie in the box."""
    top, left, bottom, right = (e[:, None] for e in boxes.ends)
    p = boxes.parts[:, None, :]
    return ((p[0] >= top) & (p[1] >= left) & (p[2] <= bottom) & (p[3] <= right)).sum(axis=1)


def _parts_cut(boxes: Boxes) -> np.ndarray:
    """Objects whose box lies partly in this box."""
    top, left, bottom, right = (e[:, None] for e in boxes.ends)
    p = boxes.parts[:, None, :]
    meet = (p[0] < bottom) & (p[2] > top) & (p[1] < right) & (p[3] > left)
    return meet.sum(axis=1) - _parts_inside(boxes)


def _off_centre(boxes: Boxes) -> np.ndarray:
    """Distance of the box's centre from the grid's, in half cells."""
    top, left, bottom, right = boxes.ends
    height, width = boxes.cells.shape
    return np.abs(top + bottom - height) + np.abs(left + right - width)


def _pictures(boxes: Boxes) -> list[bytes]:
    """The content, shape included."""
    return [b"%d:" % t.height + t.cells.tobytes() for t in boxes.things]


def _masks(boxes: Boxes) -> list[bytes]:
    """Where the content is not background."""
    back = boxes.background
    return [b"%d:" % t.height + (t.cells != back).tobytes() for t in boxes.things]


def _repeats(keys: Sequence[Hashable]) -> np.ndarray:
    """How often each key occurs."""
    counts: dict[Hashable, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return np.array([counts[key] for key in keys], int)


BoxFeature = Callable[[Boxes], np.ndarray | list]

NUMBERS: Mapping[str, BoxFeature] = {
    "box_area": _area,
    "box_height": lambda b: _shape(b)[0],
    "box_width": lambda b: _shape(b)[1],
    "box_longer_side": lambda b: np.maximum(*_shape(b)),
    "box_filled": _filled,
    "box_empty": lambda b: b.counts[:, b.background],
    "box_density": lambda b: np.round(_filled(b) / _area(b), 4),
    "box_colours": lambda b: (b.counts > 0).sum(axis=1),
    "box_scarcest": lambda b: _scarce(b, 0),
    "box_second_scarcest": lambda b: _scarce(b, 1),
    "box_edge_colours": _edge_colours,
    "box_inner_filled": _inner_filled,
    "box_ring_filled": _ring_filled,
    "box_parts": _parts_inside,
    "box_parts_cut": _parts_cut,
    "box_off_centre": _off_centre,
    "box_mirrors": lambda b: np.array([s.bit_count() for s in b.symmetries], int),
    "box_repeats": lambda b: _repeats(_pictures(b)),
    "box_mask_repeats": lambda b: _repeats(_masks(b)),
    "box_row": lambda b: b.ends[0] + b.ends[2],
    "box_column": lambda b: b.ends[1] + b.ends[3],
} | {f"box_cells_of_{k}": lambda b, k=k: b.counts[:, k] for k in range(10)}
"""Features that have an order."""

KINDS: Mapping[str, BoxFeature] = {
    "box_main_colour": _main_colour,
    "box_least_colour": _least_colour,
    "box_left_right": lambda b: [bool(s & 1) for s in b.symmetries],
    "box_up_down": lambda b: [bool(s & 2) for s in b.symmetries],
    "box_diagonal": lambda b: [bool(s & 4) for s in b.symmetries],
    "box_symmetric": lambda b: [s > 0 for s in b.symmetries],
    "box_square": lambda b: np.equal(*_shape(b)),
    "box_tall": lambda b: np.greater(*_shape(b)),
    "box_at_border": lambda b: [t.touches_border for t in b.things],
    "box_picture": _pictures,
    "box_mask": _masks,
}
"""Features without an order."""

BOX_FEATURES: Mapping[str, BoxFeature] = {**NUMBERS, **KINDS}
"""Name -> function that gives one value per box."""
