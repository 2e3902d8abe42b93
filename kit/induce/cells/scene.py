"""One grid as the cell features see it: background, rays, components, panels, made on demand.

What it does: hold a grid and compute each shared fact once. What it does not: name features; the
modules beside it do, through `Planes`.
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import numba
import numpy as np

from kit.induce.things.objects import background_colour, label_components

NO_COLOUR = 10
"""What a colour plane holds where there is no colour: outside the grid, nothing hit."""

STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
STEP_NAMES = (
    "up", "down", "left", "right", "up_left", "up_right", "down_left", "down_right",
)  # fmt: skip


class Planes:
    """Named feature planes of one grid, in the order in which they were added.

    Attributes:
        planes: name -> (H, W) int32.
        copyable: names whose values are colours (NO_COLOUR where there is none).
    """

    def __init__(self) -> None:
        self.planes: dict[str, np.ndarray] = {}
        self.copyable: list[str] = []

    def number(self, name: str, plane: np.ndarray) -> None:
        """Add a plane of numbers or truth values."""
        self.planes[name] = plane.astype(np.int32, copy=False)

    def colour(self, name: str, plane: np.ndarray) -> None:
        """Add a plane of colours."""
        self.copyable.append(name)
        self.number(name, plane)


@numba.njit(cache=True)
def _cast_rays(cells, background):  # type: ignore[no-untyped-def]
    """First colour other than the background in each direction, and how far it is.

    Returns:
        (8, H, W) int32 colours (10 for none) and (8, H, W) int32 distances (0 for none), in the
        order of STEPS.
    """
    height, width = cells.shape
    hit = np.full((8, height, width), 10, np.int32)
    far = np.zeros((8, height, width), np.int32)
    for k in range(8):
        dy = -1 if k in (0, 4, 5) else 1 if k in (1, 6, 7) else 0
        dx = -1 if k in (2, 4, 6) else 1 if k in (3, 5, 7) else 0
        for i in range(height):
            y = i if dy <= 0 else height - 1 - i
            for j in range(width):
                x = j if dx <= 0 else width - 1 - j
                v, u = y + dy, x + dx
                if v < 0 or u < 0 or v >= height or u >= width:
                    continue
                if cells[v, u] != background:
                    hit[k, y, x] = cells[v, u]
                    far[k, y, x] = 1
                elif far[k, v, u]:
                    hit[k, y, x] = hit[k, v, u]
                    far[k, y, x] = far[k, v, u] + 1
    return hit, far


@numba.njit(cache=True)
def _nearest(cells, background, diagonal):  # type: ignore[no-untyped-def]
    """Distance to and colour of the nearest cell that is not background (the first found)."""
    height, width = cells.shape
    far = np.full((height, width), -1, np.int32)
    colour = np.full((height, width), 10, np.int32)
    queue = np.empty(height * width, np.int32)
    end = 0
    for y in range(height):
        for x in range(width):
            if cells[y, x] != background:
                far[y, x] = 0
                colour[y, x] = cells[y, x]
                queue[end] = y * width + x
                end += 1
    start = 0
    while start < end:
        y, x = queue[start] // width, queue[start] % width
        start += 1
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if not diagonal and dy != 0 and dx != 0:
                    continue
                v, u = y + dy, x + dx
                if 0 <= v < height and 0 <= u < width and far[v, u] < 0:
                    far[v, u] = far[y, x] + 1
                    colour[v, u] = colour[y, x]
                    queue[end] = v * width + u
                    end += 1
    return far, colour


class Scene:
    """A grid and what its features share.

    Attributes:
        cells: (H, W) uint8, C-contiguous.
        background: colour of no object.
        filled: (H, W) bool, cells that are not background.
    """

    def __init__(self, cells: np.ndarray) -> None:
        self.cells = np.ascontiguousarray(cells, dtype=np.uint8)
        self.background = background_colour(self.cells)
        self.filled = self.cells != self.background
        self.height, self.width = self.cells.shape
        self._labels: dict[tuple[bool, bool, int], tuple[np.ndarray, int]] = {}

    @cached_property
    def rays(self) -> tuple[np.ndarray, np.ndarray]:
        """(8, H, W) first colours and distances in the order of STEPS."""
        return _cast_rays(self.cells, self.background)

    def nearest(self, diagonal: bool) -> tuple[np.ndarray, np.ndarray]:
        """(H, W) distance to the nearest filled cell (-1 for none), and its colour."""
        return _nearest(self.cells, self.background, diagonal)

    def labels(
        self, diagonal: bool, one_colour: bool, background: int | None = None
    ) -> tuple[np.ndarray, int]:
        """Component labels from 1 on (0: none) and their number."""
        outside = self.background if background is None else background
        key = (diagonal, one_colour, outside)
        if key not in self._labels:
            self._labels[key] = label_components(self.cells, diagonal, one_colour, outside)
        return self._labels[key]

    @cached_property
    def colour_counts(self) -> np.ndarray:
        """(10,) cells of each colour, 0 for the background."""
        counts = np.bincount(self.cells.ravel(), minlength=10)
        counts[self.background] = 0
        return counts

    @cached_property
    def padded(self) -> np.ndarray:
        """(H + 2, W + 2) int32 cells with NO_COLOUR around them."""
        return np.pad(self.cells.astype(np.int32), 1, constant_values=NO_COLOUR)

    def neighbour(self, dy: int, dx: int) -> np.ndarray:
        """(H, W) the colour one step away (NO_COLOUR outside)."""
        return self.padded[1 + dy : 1 + dy + self.height, 1 + dx : 1 + dx + self.width]

    @cached_property
    def index(self) -> tuple[np.ndarray, np.ndarray]:
        """(H, 1) row and (1, W) column numbers."""
        return np.arange(self.height)[:, None], np.arange(self.width)[None, :]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """One value per row (H, 1) or per column (1, W), for all cells."""
        return np.broadcast_to(values, self.cells.shape)


@lru_cache(maxsize=64)
def _scene(height: int, width: int, cells: bytes) -> Scene:
    return Scene(np.frombuffer(cells, np.uint8).reshape(height, width))


def scene_of(cells: np.ndarray) -> Scene:
    """The scene of a grid; equal grids share one, so that programs run in a row stay cheap."""
    height, width = cells.shape
    return _scene(height, width, np.ascontiguousarray(cells, dtype=np.uint8).tobytes())
