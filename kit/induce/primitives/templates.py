"""Templates: one object as the model for marks and unfinished copies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kit.induce.readings.turns import TURNS
from kit.induce.things.objects import Thing, background_colour, segment
from kit.induce.things.property_shapes import painted
from kit.induce.values import Image

_TURN_SETS = {
    "same": ("same",),
    "mirrors": ("same", "left_right", "up_down", "half_turn"),
    "rotations": ("same", "clockwise", "half_turn", "anticlockwise"),
    "all": tuple(TURNS),
}


def complete_copies(
    image: Image, segmentation: str, turns: str, scales: int, keep: bool
) -> Image | None:
    """Complete what shows only some colours of a template to whole copies of it.

    Templates are the objects with the most colours, at least two. All other cells are marks: a
    copy is drawn wherever the template's cells of the marks' colours all fall on such marks.

    Args:
        segmentation: one of `objects.SEGMENTATIONS`.
        turns: ways a copy may be turned: same, mirrors, rotations, all.
        scales: copies may be 1 .. scales times as large.
        keep: whether the templates stay.
    """
    background = background_colour(image.cells)
    things = segment(image.cells, segmentation, background)
    most = max((len(t.colours) for t in things), default=0)
    templates = [t for t in things if len(t.colours) == most]
    if most < 2 or len(templates) == len(things) or len(templates) > 4:
        return None
    cells, marks = image.cells.copy(), image.cells.astype(np.int16)
    marks[image.cells == background] = -1
    for t in templates:
        place = np.s_[t.y : t.y + t.height, t.x : t.x + t.width]
        marks[place][t.mask] = -1
        if not keep:
            cells[place][t.mask] = background
    placed = 0
    for template in templates:
        for model in _models(template, turns, scales):
            placed += _place_copies(cells, marks, model)
    return Image(cells, image.y, image.x) if placed else None


def _models(template: Thing, turns: str, scales: int) -> Iterator[np.ndarray]:
    """Different turned and enlarged templates as colours, -1 outside; large ones first."""
    known: set[bytes] = set()
    for scale in range(scales, 0, -1):
        for turn in _TURN_SETS[turns]:
            model = np.kron(TURNS[turn](painted(template)), np.ones((scale, scale), np.int16))
            key = b"%d:" % model.shape[0] + model.tobytes()
            if key not in known:
                known.add(key)
                yield model


def _place_copies(cells: np.ndarray, marks: np.ndarray, model: np.ndarray) -> int:
    """Draw a model wherever the marks call for it; used marks are cleared. How many were drawn."""
    shared = np.isin(model, np.unique(marks[marks >= 0])) & (model >= 0)
    if not shared.any() or shared.sum() == (model >= 0).sum():
        return 0
    key_y, key_x = np.nonzero(shared)
    key = model[key_y, key_x]
    placed = 0
    for y, x in np.argwhere(marks == key[0]).tolist():
        ys, xs = key_y - key_y[0] + y, key_x - key_x[0] + x
        if ys.min() < 0 or xs.min() < 0 or ys.max() >= len(marks) or xs.max() >= marks.shape[1]:
            continue
        if (marks[ys, xs] != key).any():
            continue
        all_y, all_x = np.nonzero(model >= 0)
        new_y, new_x = all_y - key_y[0] + y, all_x - key_x[0] + x
        inside = (new_y >= 0) & (new_x >= 0) & (new_y < len(marks)) & (new_x < marks.shape[1])
        cells[new_y[inside], new_x[inside]] = model[all_y, all_x][inside]
        marks[ys, xs] = -1
        placed += 1
    return placed


def copy_to_dots(image: Image, segmentation: str, own_colours: bool, keep: bool) -> Image | None:
    """Draw the largest object around every other object that is a single cell.

    Args:
        segmentation: one of `objects.SEGMENTATIONS`.
        own_colours: whether copies have the object's colours, not the dot's.
        keep: whether the largest object stays.
    """
    background = background_colour(image.cells)
    things = segment(image.cells, segmentation, background)
    model = max(things, key=lambda t: t.size, default=None)
    dots = [t for t in things if t.size == 1]
    if model is None or model.size < 2 or not dots or not model.height % 2 or not model.width % 2:
        return None
    cells = image.cells.copy()
    if not keep:
        cells[model.y : model.y + model.height, model.x : model.x + model.width][model.mask] = (
            background
        )
    model_y, model_x = np.nonzero(model.mask)
    for dot in dots:
        ys, xs = model_y + dot.y - model.height // 2, model_x + dot.x - model.width // 2
        inside = (ys >= 0) & (xs >= 0) & (ys < cells.shape[0]) & (xs < cells.shape[1])
        colours = model.cells[model_y, model_x] if own_colours else np.full(len(ys), dot.colour)
        cells[ys[inside], xs[inside]] = colours[inside]
    return Image(cells, image.y, image.x)


def recolour_occurrences(
    image: Image, colour: int, new: int, turns: str, model: str
) -> Image | None:
    """Recolour every place where a pattern of one colour and background occurs.

    Args:
        colour: of the pattern's cells.
        new: colour that they get.
        turns: ways it may be turned: same, mirrors, rotations, all.
        model: the pattern, rows of `#` and `.` separated by `/`; `.` must be background.
    """
    background = background_colour(image.cells)
    pattern = np.array([[c == "#" for c in row] for row in model.split("/")], dtype=bool)
    cells, found = image.cells.copy(), False
    known: set[bytes] = set()
    for turn in _TURN_SETS[turns]:
        mask = np.ascontiguousarray(TURNS[turn](pattern))
        key = b"%d:" % mask.shape[0] + mask.tobytes()
        if key in known or mask.shape[0] > len(cells) or mask.shape[1] > cells.shape[1]:
            continue
        known.add(key)
        wanted = np.where(mask, colour, background)
        views = np.lib.stride_tricks.sliding_window_view(image.cells, mask.shape)
        for y, x in np.argwhere((views == wanted).all(axis=(2, 3))).tolist():
            cells[y : y + mask.shape[0], x : x + mask.shape[1]][mask] = new
            found = True
    return Image(cells, image.y, image.x) if found else None
