"""Rules about symmetry: complete a mirror image, repair a hidden patch, tell what is symmetric."""

from __future__ import annotations

import numpy as np

from kit.pretrain.rules.cells import Array, blank, turn
from kit.pretrain.rules.rule import (
    Drawn,
    Maker,
    Rng,
    Room,
    Rule,
    between,
    chance,
    colours,
    single,
    variants,
)
from kit.pretrain.rules.scenes import Thing, any_scene, mosaic, painted, speckle

_GROUPS = {"left_right": (4,), "both": (4, 6, 2), "diagonal": (5,), "quarter_turns": (1, 2, 3)}


def symmetric(rng: Rng, side: tuple[int, int], palette: list[int], group: str) -> Array:
    """A random mosaic that every element of a group of symmetries leaves as it is."""
    height, width = side
    if group in ("diagonal", "quarter_turns"):
        width = height
    grid = mosaic(rng, height, width, palette)
    return np.maximum.reduce([grid, *(turn(grid, element) for element in _GROUPS[group])])


def repair_symmetric(rng: Rng, room: Room, variant: str) -> Maker:
    """A patch of a symmetric picture is hidden: show the picture, or only the patch."""
    group = variant.removesuffix("_patch")
    hidden, *palette = colours(rng, 7)
    patch_only = variant.endswith("_patch")

    def make(rng: Rng) -> Drawn:
        side = room.sides(rng, 6)
        whole = symmetric(rng, side, palette, group)
        height, width = whole.shape
        h, w = between(rng, 2, height // 2 - 1), between(rng, 2, width // 2 - 1)
        y, x = between(rng, 0, height - h), between(rng, 0, (width - 1) // 2 - w)
        if chance(rng, 0.5):
            x = width - w - max(0, x)
        grid = whole.copy()
        grid[y : y + h, max(0, x) : max(0, x) + w] = hidden
        out = whole[y : y + h, max(0, x) : max(0, x) + w] if patch_only else whole
        return None if _needs_more(grid, hidden, group) else (grid, out)

    return make


def _needs_more(grid: Array, hidden: int, group: str) -> bool:
    """Whether some hidden cell is hidden in all its images too."""
    gone = grid == hidden
    for element in _GROUPS[group]:
        gone = gone & turn(grid == hidden, element)
    return bool(gone.any())


def complete_symmetric(rng: Rng, room: Room, variant: str) -> Maker:
    """One half or quarter of a picture is there, the rest of the canvas is empty."""
    palette = [0, *colours(rng, between(rng, 2, 4))]

    def make(rng: Rng) -> Drawn:
        whole = symmetric(rng, room.sides(rng, 5), palette, variant)
        height, width = whole.shape
        grid = blank(height, width)
        rows = (height + 1) // 2 if variant in ("both", "quarter_turns") else height
        if variant == "diagonal":
            grid = np.where(np.triu(np.ones((height, width), dtype=bool)), whole, 0).astype(
                np.uint8
            )
        else:
            grid[:rows, : (width + 1) // 2] = whole[:rows, : (width + 1) // 2]
        return grid, whole

    return make


def mirror_over_line(rng: Rng, room: Room, variant: str) -> Maker:
    """What is on one side of a line is copied, mirrored or moved, to the other side."""
    line, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 5)
        half = max(2, (width - 1) // 2)
        left = speckle(rng, height, half, palette, rng.uniform(0.2, 0.5))
        bar = blank(height, 1, line)
        right = left[:, ::-1] if variant == "mirrored" else left
        moved = blank(height, half) if variant == "moved" else left
        grid = np.concatenate([left, bar, blank(height, half)], axis=1)
        return grid, np.concatenate([moved, bar, right], axis=1)

    return make


def tile_symmetries(rng: Rng, room: Room, variant: str) -> Maker:
    """Turned and mirrored copies of the input side by side."""
    square = {"row": (1, 2), "square": (2, 2), "strip": (1, 3), "large": (3, 3)}[variant]
    elements = rng.choice([0, 2, 4, 6], square)
    elements[0, 0] = 0
    if variant == "square" and chance(rng, 0.4):
        elements = np.array([[0, 4], [6, 2]])
    palette = [0, *colours(rng, between(rng, 1, 4))]

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 2, 30 // max(square))
        small = max(2, min(height, 6)), max(2, min(width, 6))
        grid = mosaic(rng, *small, palette)
        rows = [np.concatenate([turn(grid, int(e)) for e in row], axis=1) for row in elements]
        return grid, np.concatenate(rows, axis=0)

    return make


def turn_whole(rng: Rng, room: Room, variant: str) -> Maker:
    """The whole picture turned or mirrored, and its colours exchanged."""
    element = {"quarter": 1, "half": 2, "mirror": 4, "diagonal": 5}[variant]
    a, b = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        grid = any_scene(rng, room)
        out = turn(grid, element)
        return grid, np.where(out == a, b, np.where(out == b, a, out)).astype(np.uint8)

    return make


def is_it_symmetric(rng: Rng, room: Room) -> Maker:
    """One cell tells whether the picture is symmetric."""
    yes, no, *palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        grid = symmetric(rng, room.sides(rng, 3, 9), [0, *palette], "left_right")
        if chance(rng, 0.5):
            y, x = rng.integers(len(grid)), rng.integers(grid.shape[1])
            grid[y, x] = palette[0] if grid[y, x] != palette[0] else 0
        same = np.array_equal(grid, grid[:, ::-1])
        return grid, blank(1, 1, yes if same else no)

    return make


def fold(rng: Rng, room: Room, variant: str) -> Maker:
    """The right half laid onto the left one: either colour, or only what is in both."""
    palette = colours(rng, 2)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 3)
        half = max(2, width // 2)
        left = speckle(rng, height, half, palette[:1], 0.4)
        right = speckle(rng, height, half, palette[1:], 0.4)
        out = np.where(left > 0, left, right[:, ::-1])
        if variant == "both":
            out = np.where(right[:, ::-1] > 0, left, 0)
        return np.concatenate([left, right], axis=1), out.astype(np.uint8)

    return make


def spin_copies(rng: Rng, room: Room) -> Maker:
    """A thing in one corner gets copies in the others, each turned a quarter further."""
    palette = colours(rng, 3)

    def make(rng: Rng) -> Drawn:
        side = room.side(rng, 6)
        small = between(rng, 2, side // 2 - 1)
        piece = speckle(rng, small, small, palette, 0.7)
        piece[0, 0] = palette[0]
        grid = painted(blank(side, side), [Thing(piece)])
        out = grid.copy()
        for element in (1, 2, 3):
            out = np.maximum(out, turn(grid, element))
        return grid, out

    return make


RULES: tuple[Rule, ...] = (
    *variants(
        "symmetry", repair_symmetric, "left_right", "both", "diagonal", "quarter_turns",
        "left_right_patch", "both_patch", "diagonal_patch",
    ),
    *variants("symmetry", complete_symmetric, *_GROUPS),
    *variants("symmetry", mirror_over_line, "mirrored", "copied", "moved"),
    *variants("symmetry", tile_symmetries, "row", "square", "strip", "large"),
    *variants("symmetry", turn_whole, "quarter", "half", "mirror", "diagonal"),
    single("symmetry", is_it_symmetric),
    *variants("symmetry", fold, "either", "both"),
    single("symmetry", spin_copies),
)  # fmt: skip
