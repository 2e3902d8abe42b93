"""Rules about panels side by side: logic of two, the odd one of many, one that a mark chooses."""

from __future__ import annotations

from collections.abc import Callable

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
from kit.pretrain.rules.scenes import mosaic, speckle

_LOGIC: dict[str, Callable[[Array, Array], Array]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "neither": lambda a, b: ~(a | b),
    "first_only": lambda a, b: a & ~b,
    "same": lambda a, b: a == b,
}


def join(panels: list[Array], line: int, thick: int = 1) -> Array:
    """Panels side by side with lines of a colour between; none where `thick` is 0."""
    height = len(panels[0])
    joined = [panels[0]]
    for panel in panels[1:]:
        joined += [blank(height, thick, line), panel] if thick else [panel]
    return np.concatenate(joined, axis=1)


def combine_panels(rng: Rng, room: Room, variant: str) -> Maker:
    """Two panels of one colour each, combined cell by cell."""
    a, b, line, new = colours(rng, 4)
    thick = int(chance(rng, 0.7))
    b = a if chance(rng, 0.3) else b
    new = a if chance(rng, 0.3) else new
    share = rng.uniform(0.35, 0.6)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 2, 14)
        half = max(2, width // 2)
        left, right = (rng.random((height, half)) < share for _ in range(2))
        out = (_LOGIC[variant](left, right) * new).astype(np.uint8)
        panels = [(left * a).astype(np.uint8), (right * b).astype(np.uint8)]
        return join(panels, line, thick), out

    return make


def overlay_panels(rng: Rng, room: Room, variant: str) -> Maker:
    """Panels laid on each other: the first that has colour at a cell is on top."""
    number = 2 if variant == "two" else between(rng, 3, 4)
    line, *palette = colours(rng, 5)
    order = rng.permutation(number)

    def make(rng: Rng) -> Drawn:
        height, width = room.sides(rng, 2, 8)
        width = max(2, min(width, 28 // number))
        panels = [speckle(rng, height, width, [palette[k]], 0.4) for k in range(number)]
        out = blank(height, width)
        for index in order:
            out = np.where(panels[index] > 0, panels[index], out).astype(np.uint8)
        return join(panels, line), out

    return make


def odd_panel(rng: Rng, room: Room, variant: str) -> Maker:
    """Of several panels, the one that is not like the others."""
    line, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        number = between(rng, 3, 5)
        side = max(2, min(room.side(rng, 3), 27 // number, 6))
        panels = _panels_with_odd_first(rng, variant, number, side, palette)
        if panels is None:
            return None
        order = rng.permutation(number)
        return join([panels[k] for k in order], line), panels[0]

    return make


def _panels_with_odd_first(
    rng: Rng, variant: str, number: int, side: int, palette: list[int]
) -> list[Array] | None:
    """Panels of which only the first has the property."""
    if variant == "different":
        first, other = (speckle(rng, side, side, palette[:1], 0.5) for _ in range(2))
        return None if np.array_equal(first, other) else [first, *[other] * (number - 1)]
    if variant in ("fullest", "emptiest"):
        panels = [speckle(rng, side, side, palette, s) for s in rng.uniform(0.2, 0.9, number)]
        filled = [int((p > 0).sum()) for p in panels]
        best = max(filled) if variant == "fullest" else min(filled)
        return (
            sorted(panels, key=lambda p: abs(int((p > 0).sum()) - best))
            if filled.count(best) == 1
            else None
        )
    if variant == "symmetric":
        panels = [speckle(rng, side, side, palette, 0.6) for _ in range(number)]
        panels[0] = np.maximum(panels[0], panels[0][:, ::-1])
        return None if any(np.array_equal(p, p[:, ::-1]) for p in panels[1:]) else panels
    panels = [mosaic(rng, side, side, [0, palette[0]]) for _ in range(number)]
    panels[0] = mosaic(rng, side, side, [0, *palette])
    return panels if len(np.unique(panels[0])) > 2 else None


def marked_panel(rng: Rng, room: Room) -> Maker:
    """A mark above one of the panels says which one to show."""
    line, mark, *palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        number = between(rng, 2, 4)
        side = max(2, min(room.side(rng, 3), 27 // number, 6))
        panels = [speckle(rng, side, side, palette, 0.6) for _ in range(number)]
        grid = join(panels, line)
        chosen = between(rng, 0, number - 1)
        head = blank(1, grid.shape[1])
        head[0, chosen * (side + 1) + between(rng, 0, side - 1)] = mark
        return np.concatenate([head, grid]), panels[chosen]

    return make


def copy_into_panels(rng: Rng, room: Room, variant: str) -> Maker:
    """One panel has a picture; the others show it too, as it is, mirrored or in their colour."""
    line, *palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        number = between(rng, 2, 3)
        side = max(3, min(room.side(rng, 3), 27 // number, 6))
        picture = speckle(rng, side, side, palette[:1], 0.5)
        if not picture.any():
            return None
        before, after = [picture], [picture]
        for index in range(1, number):
            empty = blank(side, side)
            image = picture[:, ::-1] if variant == "mirrored" and index % 2 else picture
            if variant == "dyed":
                empty[0, 0] = palette[index]
                image = (picture > 0) * np.uint8(palette[index])
            before.append(empty)
            after.append(image)
        return join(before, line), join(after, line)

    return make


def summarise_panels(rng: Rng, room: Room, variant: str) -> Maker:
    """A grid of panels becomes a small grid, one cell for each of them."""
    line, *palette = colours(rng, 5)
    side = between(rng, 2, 3)

    def make(rng: Rng) -> Drawn:
        rows, columns = between(rng, 2, 4), between(rng, 2, 4)
        out = blank(rows, columns)
        lines = []
        for y in range(rows):
            panels = []
            for x in range(columns):
                panel = speckle(rng, side, side, palette, rng.uniform(0.2, 0.9))
                if variant == "commonest":
                    most = int(rng.choice(palette))
                    panel.ravel()[rng.permutation(side * side)[: side * side // 2 + 1]] = most
                    out[y, x] = most
                elif variant == "full":
                    if chance(rng, 0.4):
                        panel = mosaic(rng, side, side, palette)
                    out[y, x] = palette[0] if (panel > 0).all() else 0
                else:
                    out[y, x] = panel[side // 2, side // 2]
                panels.append(panel)
            lines.append(join(panels, line).T)
        return join(lines, line).T, out

    return make


def fill_panels(rng: Rng, room: Room, variant: str) -> Maker:
    """Panels of a line grid: whole panels are filled in the colour of the dot in them, or the
    panel at the place of the dot in the middle one."""
    line, *palette = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        side = 3 if variant == "place" else between(rng, 2, 4)
        number = 3 if variant == "place" else between(rng, 2, max(2, min(5, room.high // side)))
        length = number * (side + 1) - 1
        grid = blank(length, length)
        grid[side :: side + 1] = line
        grid[:, side :: side + 1] = line
        out = grid.copy()
        if variant == "place":
            y, x = between(rng, 0, 2), between(rng, 0, 2)
            grid[4 + y, 4 + x] = palette[0]
            out[4 * y : 4 * y + 3, 4 * x : 4 * x + 3] = palette[0]
            return grid, out
        for y in range(number):
            for x in range(number):
                if chance(rng, 0.3):
                    dot = int(rng.choice(palette))
                    top, left = y * (side + 1), x * (side + 1)
                    at = top + between(rng, 0, side - 1), left + between(rng, 0, side - 1)
                    grid[at] = dot
                    out[top : top + side, left : left + side] = dot
        return grid, out

    return make


def turned_panels(rng: Rng, room: Room) -> Maker:
    """Two panels: are they turned images of each other? One cell says so."""
    yes, no, line, ink = colours(rng, 4)

    def make(rng: Rng) -> Drawn:
        side = between(rng, 3, 4)
        first = speckle(rng, side, side, [ink], 0.5)
        second = turn(first, between(rng, 1, 3)).copy()
        if chance(rng, 0.5):
            y, x = between(rng, 0, side - 1), between(rng, 0, side - 1)
            second[y, x] = ink - second[y, x]
        same = any(np.array_equal(turn(first, e), second) for e in range(4))
        return join([first, second], line), blank(1, 1, yes if same else no)

    return make


def reorder_panels(rng: Rng, room: Room, variant: str) -> Maker:
    """Panels change places: sorted by how full they are, or in reverse."""
    line, *palette = colours(rng, 5)

    def make(rng: Rng) -> Drawn:
        number = between(rng, 3, 4)
        side = max(2, min(room.side(rng, 3), 5))
        panels = [
            speckle(rng, side, side, [palette[k]], s)
            for k, s in enumerate(rng.uniform(0.2, 0.9, number))
        ]
        filled = [int((p > 0).sum()) for p in panels]
        if len(set(filled)) < number:
            return None
        after = (
            panels[::-1] if variant == "reversed" else sorted(panels, key=lambda p: (p > 0).sum())
        )
        return join(panels, line), join(after, line)

    return make


RULES: tuple[Rule, ...] = (
    *variants("panels", combine_panels, *_LOGIC),
    *variants("panels", overlay_panels, "two", "several"),
    *variants("panels", odd_panel, "different", "fullest", "emptiest", "symmetric", "colourful"),
    single("panels", marked_panel),
    *variants("panels", copy_into_panels, "same", "mirrored", "dyed"),
    *variants("panels", summarise_panels, "commonest", "full", "middle"),
    *variants("panels", fill_panels, "dot", "place"),
    single("panels", turned_panels),
    *variants("panels", reorder_panels, "by_fullness", "reversed"),
)
