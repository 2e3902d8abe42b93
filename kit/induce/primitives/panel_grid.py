"""Panels seen as the cells of a smaller grid, and small grids spread over panels again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache

import numpy as np

from kit.induce.program import Program, parse_program
from kit.induce.readings.panel_facts import (
    apply_table,
    compared_layers,
    panel_places,
    panel_values,
    panels_background,
    read_stack,
)
from kit.induce.values import Image, Images, make_image


def panels_to_cells(
    panels: Images, property: str, table: Mapping[Hashable, int] | None = None
) -> Image | None:
    """One cell for every panel, where the panels form a full rectangle.

    Args:
        property: of the panel.
        table: its value -> colour; None where the value is a colour itself.
    """
    values = panel_values(panels, property)
    if table is not None:
        if any(value not in table for value in values):
            return None
        values = [table[value] for value in values]
    return _small_grid(panels, values)  # type: ignore[arg-type]


def _small_grid(panels: Images, colours: list[int]) -> Image | None:
    """Colours at the places of their panels."""
    rows, columns = panel_places(panels)
    shape = max(rows) + 1, max(columns) + 1
    if len(panels) != shape[0] * shape[1] or any(not 0 <= c <= 9 for c in colours):
        return None
    cells = np.zeros(shape, np.uint8)
    cells[rows, columns] = colours
    return make_image(cells)


def mark_extreme_panels(
    panels: Images, property: str, most: bool, colour: int | None = None
) -> Image | None:
    """One cell for every panel: filled for those with the most (least) of a property.

    Args:
        colour: of the filled cells; None for each panel's main colour.
    """
    values = panel_values(panels, property)
    target = max(values) if most else min(values)  # type: ignore[type-var]
    main = panel_values(panels, "main_colour") if colour is None else [colour] * len(panels)
    background = panels_background(panels)
    marks = [m if v == target else background for m, v in zip(main, values, strict=True)]
    return _small_grid(panels, marks)  # type: ignore[arg-type]


def fill_panels(image: Image, panels: Images, small: Image) -> Image | None:
    """A picture with each panel filled with the colour of its cell in a small grid."""
    rows, columns = panel_places(panels)
    if small.cells.shape != (max(rows) + 1, max(columns) + 1):
        return None
    cells = image.cells.copy()
    for panel, row, column in zip(panels, rows, columns, strict=True):
        h, w = panel.cells.shape
        top, left = panel.y - image.y, panel.x - image.x
        cells[top : top + h, left : left + w] = small.cells[row, column]
    return make_image(cells, image.y, image.x)


def paste_panels(image: Image, panels: Images) -> Image | None:
    """A picture with panels put (back) at their places, which must lie inside it."""
    cells = image.cells.copy()
    for panel in panels:
        h, w = panel.cells.shape
        top, left = panel.y - image.y, panel.x - image.x
        if top < 0 or left < 0 or top + h > cells.shape[0] or left + w > cells.shape[1]:
            return None
        cells[top : top + h, left : left + w] = panel.cells
    return make_image(cells, image.y, image.x)


def join_panels(panels: Images) -> Image | None:
    """Panels side by side in their arrangement, without what lay between them."""
    rows, columns = panel_places(panels)
    shape = max(rows) + 1, max(columns) + 1
    if len(panels) != shape[0] * shape[1] or len({p.cells.shape for p in panels}) > 1:
        return None
    h, w = panels[0].cells.shape
    cells = np.zeros((shape[0] * h, shape[1] * w), np.uint8)
    for panel, row, column in zip(panels, rows, columns, strict=True):
        cells[row * h : (row + 1) * h, column * w : (column + 1) * w] = panel.cells
    return make_image(cells)


def map_panels(panels: Images, text: str) -> Images | None:
    """What a program makes of each panel by itself; the panels keep their places.

    Args:
        text: of the program; its `input` is one panel.
    Raises:
        ProgramError: it is not a program.
    """
    program = _parsed(text)
    results = []
    for panel in panels:
        cells = program.run(panel.cells)
        if cells is None:
            return None
        results.append(Image(cells, panel.y, panel.x))
    return tuple(results)


@lru_cache(maxsize=64)
def _parsed(text: str) -> Program:
    """A program's text, parsed once."""
    return parse_program(text)


def spread_over_panels(image: Image, panels: Images, joined: Image) -> Image | None:
    """A picture whose panels show the parts of another one that has no separators.

    Args:
        joined: as wide and high as the panels side by side.
    """
    rows, columns = panel_places(panels)
    h, w = panels[0].cells.shape
    if joined.cells.shape != ((max(rows) + 1) * h, (max(columns) + 1) * w):
        return None
    if any(panel.cells.shape != (h, w) for panel in panels):
        return None
    parts = tuple(
        Image(joined.cells[r * h : (r + 1) * h, c * w : (c + 1) * w], panel.y, panel.x)
        for panel, r, c in zip(panels, rows, columns, strict=True)
    )
    return paste_panels(image, parts)


def compare_panels(
    image: Image, panels: Images, reference: str, table: Mapping[int, int]
) -> Image | None:
    """Every panel combined with one of them and with the separators' colour.

    Args:
        reference: see `panel_facts.reference_panel`.
        table: as for `combine_panels` on (panel, reference, separators' colour everywhere), with
            the reading "filled".
    """
    layers = compared_layers(image, panels, reference)
    if layers is None:
        return None
    stacks, background = layers
    changed = []
    for panel, stack in zip(panels, stacks, strict=True):
        cells = apply_table(stack, read_stack(stack, "filled", background), table)
        if cells is None:
            return None
        changed.append(Image(cells, panel.y, panel.x))
    return paste_panels(image, tuple(changed))
