"""One image into many: components, colours, lines, marked rectangles, falling parts."""

from __future__ import annotations

import itertools

import numba
import numpy as np

from kit.induce.things.objects import label_components
from kit.induce.values import Image, Images

MAX_PARTS = 60
"""More parts than this are undefined: they are noise, and dear."""


@numba.njit(cache=True)
def _boxes(labels, count):  # type: ignore[no-untyped-def]
    """Bounding boxes of labels 1..count: (count, 4) top, bottom, left, right, ends exclusive."""
    boxes = np.zeros((count, 4), np.int32)
    boxes[:, 0] = labels.shape[0]
    boxes[:, 2] = labels.shape[1]
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            i = labels[y, x] - 1
            if i >= 0:
                boxes[i, 0] = min(boxes[i, 0], y)
                boxes[i, 1] = max(boxes[i, 1], y + 1)
                boxes[i, 2] = min(boxes[i, 2], x)
                boxes[i, 3] = max(boxes[i, 3], x + 1)
    return boxes


def _cut(image: Image, labels: np.ndarray, count: int) -> Images | None:
    """The labelled parts as images of their own at their places."""
    if not 0 < count <= MAX_PARTS:
        return None
    parts = []
    for label, (top, bottom, left, right) in enumerate(_boxes(labels, count).tolist(), 1):
        inside = labels[top:bottom, left:right] == label
        cells = image.cells[top:bottom, left:right] * inside
        parts.append(Image(cells, image.y + top, image.x + left))
    return tuple(parts)


def split_parts(image: Image, diagonal: bool) -> Images | None:
    """Components of equal colour, in reading order.

    Args:
        diagonal: whether corners connect.
    """
    labels, count = label_components(image.cells, diagonal, True, 0)
    return _cut(image, labels, count)


def split_objects(image: Image, diagonal: bool) -> Images | None:
    """Components of non-zero cells of any colour, in reading order.

    Args:
        diagonal: whether corners connect.
    """
    labels, count = label_components(image.cells, diagonal, False, 0)
    return _cut(image, labels, count)


def split_colours(image: Image) -> Images | None:
    """The cells of each non-zero colour as one image of the whole size, by colour."""
    colours = np.flatnonzero(np.bincount(image.cells.ravel(), minlength=10)[1:]) + 1
    if colours.size == 0:
        return None
    return tuple(
        Image(np.where(image.cells == c, image.cells, 0).astype(np.uint8), image.y, image.x)
        for c in colours.tolist()
    )


def split_rows(image: Image) -> Images | None:
    """Every row as an image."""
    if not 1 < image.cells.shape[0] <= MAX_PARTS:
        return None
    return tuple(
        Image(np.ascontiguousarray(row[None]), image.y + y, image.x)
        for y, row in enumerate(image.cells)
    )


def split_columns(image: Image) -> Images | None:
    """Every column as an image."""
    if not 1 < image.cells.shape[1] <= MAX_PARTS:
        return None
    return tuple(
        Image(np.ascontiguousarray(column[:, None]), image.y, image.x + x)
        for x, column in enumerate(image.cells.T)
    )


def split_holes(image: Image) -> Images | None:
    """The 0-coloured components by sides, in colour 1: gaps, rooms, panels between lines."""
    labels, count = label_components((image.cells == 0).astype(np.uint8), False, True, 0)
    return _cut(Image((image.cells == 0).astype(np.uint8), image.y, image.x), labels, count)


def split_panels(image: Image) -> Images | None:
    """The pieces between full lines of one colour, whatever their content."""
    cells = image.cells
    for colour in np.unique(cells).tolist():
        rows = np.flatnonzero((cells == colour).all(axis=1))
        columns = np.flatnonzero((cells == colour).all(axis=0))
        if 0 < rows.size + columns.size < 30:
            parts = _between(image, rows.tolist(), columns.tolist())
            if 1 < len(parts) <= MAX_PARTS:
                return parts
    return None


def _between(image: Image, rows: list[int], columns: list[int]) -> Images:
    """The rectangles that lines leave, in reading order."""
    height, width = image.cells.shape
    edges_y, edges_x = [-1, *rows, height], [-1, *columns, width]
    return tuple(
        Image(
            np.ascontiguousarray(image.cells[top + 1 : bottom, left + 1 : right]),
            image.y + top + 1,
            image.x + left + 1,
        )
        for top, bottom in itertools.pairwise(edges_y)
        for left, right in itertools.pairwise(edges_x)
        if bottom - top > 1 and right - left > 1
    )


@numba.njit(cache=True)
def _fall(labels, count, order, step_y, step_x):  # type: ignore[no-untyped-def]
    """How far each labelled part falls, one after the other in `order`, onto edge or others."""
    height, width = labels.shape
    taken = labels.copy()
    distance = np.zeros(count, np.int32)
    for label in order:
        while True:
            shift = distance[label - 1] + 1
            free = True
            for y in range(height):
                for x in range(width):
                    if labels[y, x] != label:
                        continue
                    v, u = y + shift * step_y, x + shift * step_x
                    inside = 0 <= v < height and 0 <= u < width
                    if not inside or (taken[v, u] and taken[v, u] != label):
                        free = False
            if not free:
                break
            distance[label - 1] = shift
        for y in range(height):
            for x in range(width):
                if taken[y, x] == label:
                    taken[y, x] = 0
        for y in range(height):
            for x in range(width):
                if labels[y, x] == label:
                    taken[y + distance[label - 1] * step_y, x + distance[label - 1] * step_x] = (
                        label
                    )
    return distance


def gravity(image: Image, direction: str) -> Images | None:
    """Components (any colour, corners connecting) that fall until they meet the edge or others.

    Args:
        direction: "down", "up", "right" or "left".
    """
    step_y, step_x = {"down": (1, 0), "up": (-1, 0), "right": (0, 1), "left": (0, -1)}[direction]
    labels, count = label_components(image.cells, True, False, 0)
    parts = _cut(image, labels, count)
    if parts is None:
        return None
    boxes = _boxes(labels, count)
    ends = {"down": -boxes[:, 1], "up": boxes[:, 0], "right": -boxes[:, 3], "left": boxes[:, 2]}
    order = np.argsort(ends[direction], kind="stable").astype(np.int32) + 1
    far = _fall(labels, count, order, step_y, step_x).tolist()
    moved = tuple(
        Image(part.cells, part.y + d * step_y, part.x + d * step_x)
        for part, d in zip(parts, far, strict=True)
    )
    # The canvas comes along, so that stacking the parts gives a picture of the old size.
    return (Image(np.zeros_like(image.cells), image.y, image.x), *moved)
