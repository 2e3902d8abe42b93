"""What can be said about the panels of a picture: properties, places, readings of a stack."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

import numpy as np

from kit.induce.things.objects import background_colour, segment
from kit.induce.values import Image, Images


def panels_background(panels: Images) -> int:
    """One background for all panels."""
    return background_colour(np.concatenate([panel.cells.ravel() for panel in panels])[None])


def _symmetries(cells: np.ndarray) -> int:
    """How many of left-right, up-down and the two diagonals map a panel to itself."""
    found = int((cells == cells[:, ::-1]).all()) + int((cells == cells[::-1]).all())
    if cells.shape[0] == cells.shape[1]:
        found += int((cells == cells.T).all()) + int((cells == cells[::-1, ::-1].T).all())
    return found


def _count_things(cells: np.ndarray, background: int) -> int:
    """Objects in a panel."""
    return len(segment(cells, "colour8", background))


NUMBERS: Mapping[str, Callable[[np.ndarray, int], int]] = {
    "filled": lambda c, b: int((c != b).sum()),
    "colours": lambda c, b: len(np.unique(c)) - int((c == b).any()),
    "symmetries": lambda c, b: _symmetries(c),
    "things": _count_things,
} | {f"cells_of_{k}": lambda c, b, k=k: int((c == k).sum()) for k in range(10)}
"""Properties of a panel that have an order: (cells, background) -> int."""


def _main_colour(cells: np.ndarray, background: int) -> int:
    """The most frequent colour but the background; the background in an empty panel."""
    counts = np.bincount(cells.ravel(), minlength=10)
    counts[background] = 0
    return int(counts.argmax()) if counts.any() else background


KINDS: Mapping[str, Callable[[np.ndarray, int], Hashable]] = {
    "main_colour": _main_colour,
    "uniform": lambda c, b: bool((c == c[0, 0]).all()),
    "mask": lambda c, b: "/".join("".join(map(str, row)) for row in (c != b).astype(int).tolist()),
    "symmetric": lambda c, b: _symmetries(c) > 0,
    "picture": lambda c, b: c.tobytes(),
    "palette": lambda c, b: tuple(np.unique(c).tolist()),
    "full": lambda c, b: bool((c != b).all()),
    "empty": lambda c, b: bool((c == b).all()),
}
"""Properties of a panel without an order: (cells, background) -> hashable."""

PROPERTIES: Mapping[str, Callable[[np.ndarray, int], Hashable]] = {**NUMBERS, **KINDS}
"""All properties of a panel."""


def panel_values(panels: Images, property: str) -> list[Hashable]:
    """A property of every panel."""
    background = panels_background(panels)
    return [PROPERTIES[property](panel.cells, background) for panel in panels]


def read_stack(stack: np.ndarray, reading: str, background: int) -> np.ndarray:
    """(H, W) numbers that `combine_panels` looks up."""
    if reading == "colours":
        places = 10 ** np.arange(len(stack) - 1, -1, -1)
        return np.tensordot(places, stack.astype(np.int64), 1)
    filled = (stack != background).astype(np.int64)
    if reading == "count":
        return filled.sum(axis=0)
    return np.tensordot(1 << np.arange(len(stack)), filled, 1)


def panel_places(panels: Images) -> tuple[list[int], list[int]]:
    """Row and column of every panel in the arrangement."""
    tops = sorted({panel.y for panel in panels})
    lefts = sorted({panel.x for panel in panels})
    return [tops.index(p.y) for p in panels], [lefts.index(p.x) for p in panels]


def apply_table(stack: np.ndarray, keys: np.ndarray, table: Mapping[int, int]) -> np.ndarray | None:
    """(H, W) colours that a table gives for readings; None where one is missing.

    Args:
        stack: (N, H, W) cells of the panels.
        table: reading -> colour, or -1 - k for the colour of panel k.
    """
    out = np.full(keys.shape, 255, np.uint8)
    for key, value in table.items():
        at = keys == key
        if value < 0 and -1 - value < len(stack):
            out[at] = stack[-1 - value][at]
        elif value >= 0:
            out[at] = value
    return None if (out == 255).any() else out


REFERENCES = ("fullest", "first", "common", "union")
"""Words for the panel that the others are compared with."""


def reference_panel(panels: Images, word: str) -> np.ndarray | None:
    """The cells of the panel that a word of REFERENCES names, None where it is not unique."""
    if len({panel.cells.shape for panel in panels}) != 1:
        return None
    if word == "first":
        return panels[0].cells
    background = panels_background(panels)
    if word == "union":
        union = np.full_like(panels[0].cells, background)
        for panel in panels:
            union = np.where(union == background, panel.cells, union)
        return union
    key = panel_values(panels, "filled" if word == "fullest" else "picture")
    ranked = [key.count(k) for k in key] if word == "common" else key
    best = max(ranked)  # type: ignore[type-var]
    index = ranked.index(best)
    alike = ranked.count(best) == (best if word == "common" else 1)
    return panels[index].cells if alike else None


def compared_layers(
    image: Image, panels: Images, reference: str
) -> tuple[list[np.ndarray], int] | None:
    """For every panel the stack (panel, reference, separators' colour), and the background."""
    shown = reference_panel(panels, reference)
    if shown is None:
        return None
    inside = np.zeros(image.cells.shape, bool)
    for panel in panels:
        h, w = panel.cells.shape
        y, x = panel.y - image.y, panel.x - image.x
        inside[y : y + h, x : x + w] = True
    lines = image.cells[~inside]
    if not lines.size:
        return None
    colour = int(np.bincount(lines, minlength=10).argmax())
    stacks = [np.stack((p.cells, shown, np.full_like(shown, colour))) for p in panels]
    return stacks, panels_background(panels)
