"""Features of a cell from the component that it belongs to, and from components around it.

Each is given for several readings of "object"; a cell of no component has -1 (NO_COLOUR for
colours).
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property, lru_cache

import numpy as np

from kit.induce.cells.scene import NO_COLOUR, Planes, Scene

READINGS = {
    "object4": (False, True, None),
    "object8": (True, True, None),
    "blob4": (False, False, None),
    "blob8": (True, False, None),
    "area4": (False, True, -1),
}
"""Name -> (corners connect, only equal colours connect, colour of no component: None for the
background, -1 for none at all)."""

MOST_SHAPES = 60
"""With more components than this, shapes are not compared."""


class Parts:
    """Components of one reading with vectors of facts, entry k for label k + 1.

    Attributes:
        labels: (H, W) int32, 0 for cells of none.
        count: number of components.
        sizes, top, left, bottom, right, heights, widths, colours: (count,).
        colour_table: (count, 10) cells of each colour.
    """

    def __init__(self, scene: Scene, labels: np.ndarray, count: int) -> None:
        self.scene, self.labels, self.count = scene, labels, count
        flat = labels.ravel()
        self.sizes = np.bincount(flat, minlength=count + 1)[1:]
        y, x = np.divmod(np.arange(flat.size), scene.width)
        self.top, self.left = (np.full(count + 1, 99) for _ in range(2))
        self.bottom, self.right = (np.full(count + 1, -1) for _ in range(2))
        np.minimum.at(self.top, flat, y)
        np.minimum.at(self.left, flat, x)
        np.maximum.at(self.bottom, flat, y)
        np.maximum.at(self.right, flat, x)
        self.top, self.left = self.top[1:], self.left[1:]
        self.bottom, self.right = self.bottom[1:], self.right[1:]
        self.heights, self.widths = self.bottom - self.top + 1, self.right - self.left + 1
        table = np.zeros((count + 1, 10), np.int64)
        np.add.at(table, (flat, scene.cells.ravel()), 1)
        self.colour_table = table[1:]
        self.colours = self.colour_table.argmax(1)

    def plane(self, values: np.ndarray, nothing: int = -1) -> np.ndarray:
        """A fact of each component, for each of its cells."""
        return np.concatenate([[nothing], values.astype(np.int64)])[self.labels]

    @cached_property
    def masks(self) -> list[np.ndarray]:
        """Each component inside its bounding box."""
        boxes = zip(self.top, self.bottom + 1, self.left, self.right + 1, strict=True)
        return [self.labels[a:b, c:d] == k for k, (a, b, c, d) in enumerate(boxes, 1)]

    @cached_property
    def turned_keys(self) -> list[tuple[tuple[int, ...], bytes]]:
        """Keys that components share when a turn or a flip makes them equal."""
        return [_turned_key(mask) for mask in self.masks]


def thing_planes(scene: Scene, planes: Planes, reading: str) -> None:
    """Facts of the component of each cell under one reading."""
    parts = parts_of(scene, reading)
    _size_planes(parts, planes, reading)
    if reading != "area4":
        _box_planes(parts, planes, reading)
    if parts.count <= MOST_SHAPES:
        _shape_planes(parts, planes, reading)


@lru_cache(maxsize=64)
def parts_of(scene: Scene, reading: str) -> Parts:
    """The components of a grid under one reading; scenes are compared by identity."""
    labels, count = scene.labels(*READINGS[reading])
    return Parts(scene, labels, count)


def _ranks(values: np.ndarray) -> np.ndarray:
    """How many different larger values there are."""
    order = np.unique(-values)
    return np.searchsorted(order, -values)


def _size_planes(parts: Parts, planes: Planes, name: str) -> None:
    sizes, scene = parts.sizes, parts.scene
    planes.number(f"{name}.size", parts.plane(sizes))
    for cut in (1, 2, 3, 4):
        planes.number(f"{name}.larger_than_{cut}", parts.plane(sizes > cut))
    planes.number(f"{name}.size_parity", parts.plane(sizes % 2))
    rank = _ranks(sizes)
    planes.number(f"{name}.size_rank", parts.plane(rank))
    planes.number(f"{name}.size_rank_from_last", parts.plane(_ranks(-sizes)))
    planes.number(f"{name}.largest", parts.plane(rank == 0))
    planes.number(f"{name}.smallest", parts.plane(sizes == sizes.min(initial=999)))
    times = Counter(sizes.tolist())
    planes.number(
        f"{name}.size_unique", parts.plane(np.array([times[s] == 1 for s in sizes.tolist()], bool))
    )
    planes.number(f"{name}.height", parts.plane(parts.heights))
    planes.number(f"{name}.width", parts.plane(parts.widths))
    planes.number(f"{name}.longer_side", parts.plane(np.maximum(parts.heights, parts.widths)))
    planes.number(f"{name}.tall_or_wide", parts.plane(np.sign(parts.heights - parts.widths) + 1))
    planes.number(f"{name}.tallest", parts.plane(parts.heights == parts.heights.max(initial=0)))
    planes.number(f"{name}.widest", parts.plane(parts.widths == parts.widths.max(initial=0)))
    planes.number(f"{name}.is_rectangle", parts.plane(sizes == parts.heights * parts.widths))
    planes.number(f"{name}.is_line", parts.plane(np.minimum(parts.heights, parts.widths) == 1))
    edge = (parts.top == 0) | (parts.left == 0) | (parts.bottom == scene.height - 1)
    edge |= parts.right == scene.width - 1
    planes.number(f"{name}.on_edge", parts.plane(edge))
    for side, value in (
        ("from_top", parts.top), ("from_left", parts.left),
        ("from_below", -parts.bottom), ("from_right", -parts.right),
    ):  # fmt: skip
        planes.number(f"{name}.rank_{side}", parts.plane(_ranks(-value)))
    planes.colour(f"{name}.colour", parts.plane(parts.colours, NO_COLOUR))
    shades = (parts.colour_table > 0).sum(1)
    planes.number(f"{name}.colours", parts.plane(shades))
    rare = np.where(parts.colour_table > 0, parts.colour_table, 9999).argmin(1)
    planes.colour(f"{name}.rarest_colour", parts.plane(rare, NO_COLOUR))
    for colour in range(10):
        planes.number(f"{name}.has_{colour}", parts.plane(parts.colour_table[:, colour] > 0))


def _box_planes(parts: Parts, planes: Planes, name: str) -> None:
    """Bounding boxes: of which the cell is in, where in it, in the ring around it."""
    shape = parts.labels.shape
    inside = np.zeros(shape, np.int32)
    ring = np.zeros(shape, np.int32)
    deep = np.zeros(shape, np.int32)
    box_colour = np.full(shape, NO_COLOUR, np.int32)
    ring_colour = np.full(shape, NO_COLOUR, np.int32)
    box_size = np.full(shape, -1, np.int32)
    where_y, where_x = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
    from_edge, on_diagonal = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
    order = np.argsort(-parts.heights * parts.widths, kind="stable")
    for k in order.tolist():
        a, b, c, d = parts.top[k], parts.bottom[k] + 1, parts.left[k], parts.right[k] + 1
        wide = np.s_[max(a - 1, 0) : b + 1, max(c - 1, 0) : d + 1]
        ring[wide] = 1
        ring_colour[wide] = parts.colours[k]
        box = np.s_[a:b, c:d]
        inside[box] += 1
        deep[a + 1 : b - 1, c + 1 : d - 1] = 1
        box_colour[box] = parts.colours[k]
        box_size[box] = parts.sizes[k]
        y, x = np.arange(b - a)[:, None], np.arange(d - c)[None]
        where_y[box], where_x[box] = y, x
        edge = np.minimum(np.minimum(y, b - a - 1 - y), np.minimum(x, d - c - 1 - x))
        from_edge[box] = edge
        on_diagonal[box] = (y == x) + 2 * (x == d - c - 1 - y)
    planes.number(f"{name}.in_box", inside > 0)
    planes.number(f"{name}.boxes", inside)
    planes.number(f"{name}.in_ring", np.where(inside > 0, 0, ring))
    planes.number(f"{name}.deep_in_box", deep)
    planes.colour(f"{name}.box_colour", box_colour)
    planes.colour(f"{name}.ring_colour", ring_colour)
    planes.number(f"{name}.box_size", box_size)
    planes.number(f"{name}.box_row", where_y)
    planes.number(f"{name}.box_column", where_x)
    planes.number(f"{name}.box_row_parity", np.where(where_y < 0, -1, where_y % 2))
    planes.number(f"{name}.box_column_parity", np.where(where_x < 0, -1, where_x % 2))
    planes.number(f"{name}.box_checker", np.where(where_y < 0, -1, (where_y + where_x) % 2))
    planes.number(f"{name}.box_depth", from_edge)
    planes.number(f"{name}.box_depth_parity", np.where(from_edge < 0, -1, from_edge % 2))
    planes.number(f"{name}.box_diagonal", on_diagonal)


def _shape_planes(parts: Parts, planes: Planes, name: str) -> None:
    """Symmetry, holes and repeated shapes."""
    masks = parts.masks
    shapes = [(m.shape, m.tobytes()) for m in masks]
    sames = Counter(shapes)
    turned = Counter(parts.turned_keys)
    most = max(sames.values(), default=0)
    planes.number(f"{name}.shape_unique", parts.plane(_list(sames[s] == 1 for s in shapes)))
    planes.number(f"{name}.shape_times", parts.plane(_list(sames[s] for s in shapes)))
    planes.number(f"{name}.shape_commonest", parts.plane(_list(sames[s] == most for s in shapes)))
    planes.number(
        f"{name}.turned_shape_unique", parts.plane(_list(turned[k] == 1 for k in parts.turned_keys))
    )
    lr = _list(np.array_equal(m, m[:, ::-1]) for m in masks)
    ud = _list(np.array_equal(m, m[::-1]) for m in masks)
    planes.number(f"{name}.symmetric_left_right", parts.plane(lr))
    planes.number(f"{name}.symmetric_up_down", parts.plane(ud))
    planes.number(f"{name}.symmetric", parts.plane(lr | ud))
    holes = _list(_holes(m) for m in masks)
    planes.number(f"{name}.holes", parts.plane(holes))
    planes.number(f"{name}.has_hole", parts.plane(holes > 0))
    planes.number(f"{name}.most_holes", parts.plane(holes == holes.max(initial=0)))
    codes = _list(_shape_code(m) for m in masks)
    planes.number(f"{name}.shape", parts.plane(codes))
    colours = Counter(parts.colours.tolist())
    lonely = _list(colours[c] == 1 for c in parts.colours.tolist())
    planes.number(f"{name}.colour_unique", parts.plane(lonely))


def _list(values: object) -> np.ndarray:
    return np.array(list(values), np.int64)  # type: ignore[call-overload]


def _turned_key(mask: np.ndarray) -> tuple[tuple[int, ...], bytes]:
    """A key that masks share when a turn or a flip makes them equal."""
    turned = mask.T
    views = [m[::a, ::b] for m in (mask, turned) for a in (1, -1) for b in (1, -1)]
    return min((v.shape, np.ascontiguousarray(v).tobytes()) for v in views)


def _shape_code(mask: np.ndarray) -> int:
    """A number for the shape, the same in every grid; small shapes only, else -2."""
    if mask.size > 25:
        return -2
    bits = int("".join("1" if b else "0" for b in mask.ravel().tolist()), 2)
    return mask.shape[1] << 26 | bits


def _holes(mask: np.ndarray) -> int:
    """Number of enclosed empty regions, by the Euler number of 2x2 windows (8-connected shape).

    Source: Gray, "Local properties of binary images in two dimensions" (1971).
    """
    p = np.pad(mask, 1).astype(np.int8)
    quads = p[:-1, :-1] + p[1:, :-1] + p[:-1, 1:] + p[1:, 1:]
    diagonal = (quads == 2) & (p[:-1, :-1] == p[1:, 1:])
    euler = (int((quads == 1).sum()) - int((quads == 3).sum()) - 2 * int(diagonal.sum())) // 4
    return 1 - euler
