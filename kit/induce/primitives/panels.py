"""Panels: a picture cut by separator lines or into equal parts, and what becomes of them.

A panel is an image that kept its place, so the arrangement of panels can be read off again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from kit.induce.readings.panel_facts import (
    apply_table,
    panel_places,
    panel_values,
    panels_background,
    read_stack,
)
from kit.induce.things.objects import background_colour
from kit.induce.values import Image, Images, make_image


def split_by_lines(image: Image, colour: int | None = None) -> Images | None:
    """Panels between full rows and columns of one colour, in reading order.

    Args:
        colour: of the separators; None for the one that cuts into the most equal panels.
    """
    cells = image.cells
    # Colour of each full row and column, 10 for the others.
    rows = np.where((cells == cells[:, :1]).all(axis=1), cells[:, 0], 10)
    columns = np.where((cells == cells[:1]).all(axis=0), cells[0], 10)
    drawn = np.bincount(np.concatenate((rows, columns)), minlength=10)[:10].nonzero()[0].tolist()
    best: tuple[tuple[bool, bool, int], Images] | None = None
    for candidate in drawn if colour is None else [colour] * (colour in drawn):
        panels = _cut(image, rows == candidate, columns == candidate)
        if len(panels) < 2:
            continue
        uneven = len({panel.cells.shape for panel in panels}) > 1
        rank = (uneven, candidate == 0, -len(panels))
        if best is None or rank < best[0]:
            best = rank, panels
    return best[1] if best else None


def _cut(image: Image, full_rows: np.ndarray, full_columns: np.ndarray) -> Images:
    """All panels between full lines."""
    return tuple(
        Image(np.ascontiguousarray(image.cells[t:b, l:r]), image.y + t, image.x + l)
        for t, b in _runs(full_rows.tolist())
        for l, r in _runs(full_columns.tolist())  # noqa: E741
    )


def _runs(is_line: list[bool]) -> list[tuple[int, int]]:
    """Half-open stretches without a line."""
    found, start = [], -1
    for i, line in enumerate([*is_line, True]):
        if line and start >= 0:
            found.append((start, i))
            start = -1
        elif not line and start < 0:
            start = i
    return found


def split_equally(image: Image, rows: int, columns: int) -> Images | None:
    """A picture cut into rows x columns panels of one size."""
    height, width = image.cells.shape
    if height % rows or width % columns or (rows == 1 and columns == 1):
        return None
    h, w = height // rows, width // columns
    return tuple(
        Image(np.ascontiguousarray(image.cells[y : y + h, x : x + w]), image.y + y, image.x + x)
        for y in range(0, height, h)
        for x in range(0, width, w)
    )


def split_along(image: Image, parts: int) -> Images | None:
    """The longer side cut into that many parts; 0 for squares."""
    height, width = image.cells.shape
    if height == width:
        return None
    if not parts:
        parts = max(height, width) // min(height, width)
    return split_equally(image, parts, 1) if height > width else split_equally(image, 1, parts)


def split_colour_boxes(image: Image) -> Images | None:
    """The box around each colour but the background's, with that colour only, by colour."""
    background = background_colour(image.cells)
    boxes = []
    for colour in np.unique(image.cells).tolist():
        if colour == background:
            continue
        ys, xs = np.nonzero(image.cells == colour)
        top, left = int(ys.min()), int(xs.min())
        cells = image.cells[top : ys.max() + 1, left : xs.max() + 1]
        only = np.where(cells == colour, cells, np.uint8(background))
        boxes.append(Image(only, image.y + top, image.x + left))
    return tuple(boxes) if len(boxes) > 1 else None


def panel_at(panels: Images, index: int) -> Image | None:
    """The panel with that number; negative numbers count from the end."""
    return panels[index] if -len(panels) <= index < len(panels) else None


def odd_panel(panels: Images, property: str) -> Image | None:
    """The one panel whose property no other panel has; undefined unless there is exactly one."""
    values = panel_values(panels, property)
    counts = Counter(values)
    odd = [panel for panel, value in zip(panels, values, strict=True) if counts[value] == 1]
    return odd[0] if len(odd) == 1 else None


def extreme_panel(panels: Images, property: str, most: bool) -> Image | None:
    """The panel with the most (or least) of a property; undefined when two share it."""
    values = panel_values(panels, property)
    target = max(values) if most else min(values)  # type: ignore[type-var]
    return panels[values.index(target)] if values.count(target) == 1 else None


def common_panel(panels: Images) -> Image | None:
    """The picture that the most panels show; undefined when two pictures tie."""
    values = panel_values(panels, "picture")
    ranked = Counter(values).most_common(2)
    if ranked[0][1] == 1 or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return panels[values.index(ranked[0][0])]


def _stack(panels: Images) -> np.ndarray | None:
    """(N, H, W) cells of panels of one size."""
    if len({panel.cells.shape for panel in panels}) != 1:
        return None
    return np.stack([panel.cells for panel in panels])


def combine_panels(panels: Images, reading: str, table: Mapping[int, int]) -> Image | None:
    """Panels laid over each other, every cell by a table of what they show there.

    Args:
        reading: "filled": which panels are filled there, panel k as bit k; "colours": their
            colours as the digits of a decimal number, the first panel's first; "count": how many
            are filled.
        table: reading -> colour, or -1 - k for the colour that panel k has there. Readings that
            are missing make the result undefined.
    """
    stack = _stack(panels)
    if stack is None or len(panels) > 9:
        return None
    keys = read_stack(stack, reading, panels_background(panels))
    cells = apply_table(stack, keys, table)
    return None if cells is None else make_image(cells)


def overlay_panels(panels: Images, order: tuple[int, ...] | None = None) -> Image | None:
    """Panels painted over each other.

    Args:
        order: numbers of the panels from the top one down; None for the first panel on top.
    """
    stack = _stack(panels)
    if stack is None or (order and max(order) >= len(stack)):
        return None
    background = panels_background(panels)
    out = np.full(stack.shape[1:], background, np.uint8)
    for index in reversed(order or tuple(range(len(stack)))):
        out = np.where(stack[index] != background, stack[index], out)
    return make_image(out)


def unfold_panels(panels: Images) -> Images | None:
    """Panels mirrored at the lines between them: odd columns left-right, odd rows up-down."""
    rows, columns = panel_places(panels)
    return tuple(
        Image(np.ascontiguousarray(panel.cells[:: 1 - 2 * (r % 2), :: 1 - 2 * (c % 2)]))
        for panel, r, c in zip(panels, rows, columns, strict=True)
    )
