"""Shapes, things made of them, and scenes with things that do not touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kit.arc.masks import spread
from kit.pretrain.rules.cells import Array, blank, bounds, enclosed, flood, parts, turn
from kit.pretrain.rules.rule import Rng, Room, between, chance

PLACE_TRIES = 25


@dataclass(frozen=True, slots=True)
class Thing:
    """Coloured cells at a place.

    Attributes:
        cells: (h, w) uint8 colours, 0 transparent; the box is tight.
        y, x: row and column of its upper-left cell.
    """

    cells: Array
    y: int = 0
    x: int = 0

    @property
    def mask(self) -> Array:
        """Which cells of the box belong to it."""
        return self.cells > 0

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.mask.sum())

    @property
    def colour(self) -> int:
        """Its commonest colour."""
        return int(np.bincount(self.cells[self.mask]).argmax())

    @property
    def height(self) -> int:
        """Rows of its box."""
        return self.cells.shape[0]

    @property
    def width(self) -> int:
        """Columns of its box."""
        return self.cells.shape[1]

    def recoloured(self, colour: int) -> Thing:
        """All cells in one colour."""
        return replace(self, cells=(self.mask * colour).astype(np.uint8))

    def at(self, y: int, x: int) -> Thing:
        """The same thing elsewhere."""
        return replace(self, y=y, x=x)

    def num_holes(self) -> int:
        """Regions that it encloses."""
        return len(parts(enclosed(np.pad(self.cells, 1))))

    def is_symmetric(self) -> bool:
        """Whether it equals its left-right mirror image."""
        return bool(np.array_equal(self.cells, self.cells[:, ::-1]))


@dataclass(frozen=True, slots=True)
class Scene:
    """Things on a background of 0."""

    height: int
    width: int
    things: tuple[Thing, ...]

    def grid(self) -> Array:
        """The picture."""
        return painted(blank(self.height, self.width), self.things)


def painted(base: Array, things: Sequence[Thing]) -> Array:
    """A copy of a grid with things painted on it in order; what sticks out is cut off."""
    out = base.copy()
    height, width = out.shape
    for thing in things:
        top, left = max(0, thing.y), max(0, thing.x)
        bottom = min(height, thing.y + thing.height)
        right = min(width, thing.x + thing.width)
        if top < bottom and left < right:
            seen = thing.cells[top - thing.y : bottom - thing.y, left - thing.x : right - thing.x]
            target = out[top:bottom, left:right]
            target[seen > 0] = seen[seen > 0]
    return out


def blob(rng: Rng, most: int, least: int = 1) -> Array:
    """A connected random mask in a box of at most `most` on a side."""
    height, width = between(rng, least, most), between(rng, least, most)
    mask = np.zeros((height, width), dtype=bool)
    mask[rng.integers(height), rng.integers(width)] = True
    wanted = max(least, round(height * width * rng.uniform(0.45, 0.85)))
    while mask.sum() < wanted:
        edge = np.argwhere(spread(mask) & ~mask)
        y, x = edge[rng.integers(len(edge))]
        mask[y, x] = True
    return mask[bounds(mask)]


def box(rng: Rng, most: int, least: int = 1) -> Array:
    """A full rectangle."""
    return np.ones((between(rng, least, most), between(rng, least, most)), dtype=bool)


def ring(rng: Rng, most: int, least: int = 3) -> Array:
    """A rectangle with a hole."""
    mask = box(rng, max(3, most), max(3, least))
    mask[1:-1, 1:-1] = False
    return mask


def mirrored(rng: Rng, most: int, least: int = 1) -> Array:
    """A connected mask that equals its left-right mirror image."""
    half = blob(rng, most, least)[:, : max(1, most // 2)]
    mask = np.concatenate([half, half[:, ::-1]], axis=1)
    # What hangs together with one cell beside the axis is symmetric again.
    first = np.zeros_like(mask)
    first[int(half[:, -1].argmax()), half.shape[1] - 1] = True
    joined = flood(mask, first)
    return joined[bounds(joined)]


def two_holes(rng: Rng, most: int) -> Array:
    """Rectangles side by side that share a wall."""
    mask = np.ones((between(rng, 3, most), 5), dtype=bool)
    mask[1:-1, 1] = mask[1:-1, 3] = False
    return np.ascontiguousarray(turn(mask, int(rng.integers(2))))


ShapeDrawer = Callable[[Rng, int], Array]
SHAPES: tuple[ShapeDrawer, ...] = (blob, box, ring, mirrored, blob)


def any_shape(rng: Rng, most: int) -> Array:
    """A mask of some kind."""
    return SHAPES[rng.integers(len(SHAPES))](rng, most)


def place(
    rng: Rng, height: int, width: int, shapes: Sequence[Array], gap: int = 1
) -> tuple[Thing, ...] | None:
    """Cells (0 transparent) put at random places, at least `gap` cells between them."""
    taken = np.zeros((height, width), dtype=bool)
    things = []
    for cells in shapes:
        h, w = cells.shape
        if h > height or w > width:
            return None
        for _ in range(PLACE_TRIES):
            y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            if not (taken[y : y + h, x : x + w] & (cells > 0)).any():
                break
        else:
            return None
        things.append(Thing(cells, y, x))
        mask = np.zeros_like(taken)
        mask[y : y + h, x : x + w] = cells > 0
        for _ in range(gap):
            mask = spread(mask, diagonal=True)
        taken |= mask
    return tuple(things)


def coloured(mask: Array, colour: int) -> Array:
    """Cells of a mask in one colour."""
    return (mask * colour).astype(np.uint8)


def scatter(
    rng: Rng,
    room: Room,
    palette: Sequence[int],
    count: tuple[int, int] = (2, 5),
    shape: ShapeDrawer = any_shape,
    least: int = 7,
) -> Scene | None:
    """A scene of things in colours of the palette; fewer where there is little room."""
    height, width = room.sides(rng, least)
    most = max(2, min(5, (height + width) // 5))
    number = between(rng, count[0], min(count[1], max(count[0], height * width // 22)))
    drawn = [coloured(shape(rng, most), int(rng.choice(palette))) for _ in range(number)]
    things = place(rng, height, width, sorted(drawn, key=lambda c: -c.size))
    return None if things is None else Scene(height, width, tuple(things))


def speckle(rng: Rng, height: int, width: int, palette: Sequence[int], share: float) -> Array:
    """Random single cells on a background of 0."""
    grid = rng.choice(np.asarray(palette, dtype=np.uint8), (height, width))
    return (grid * (rng.random((height, width)) < share)).astype(np.uint8)


def mosaic(rng: Rng, height: int, width: int, palette: Sequence[int]) -> Array:
    """Every cell in a random colour of the palette."""
    return speckle(rng, height, width, palette, 1.0)


def dots(rng: Rng, height: int, width: int, palette: Sequence[int], gap: int = 1) -> list[Thing]:
    """One cell for each colour of the palette, apart from each other as far as there is room."""
    cells = [blank(1, 1, int(colour)) for colour in palette]
    return list(place(rng, height, width, cells, gap) or ())


def any_scene(rng: Rng, room: Room) -> Array:
    """An input for rules that take any picture: things, speckles, panels of colour."""
    palette = [int(c) for c in rng.permutation(np.arange(1, 10))[: between(rng, 1, 4)]]
    height, width = room.sides(rng, 3)
    if chance(rng, 0.25):
        return speckle(rng, height, width, palette, rng.uniform(0.1, 0.6))
    if chance(rng, 0.15):
        return mosaic(rng, height, width, [0, *palette])
    scene = scatter(rng, room, palette, (1, 5), least=5)
    return speckle(rng, height, width, palette, 0.3) if scene is None else scene.grid()
