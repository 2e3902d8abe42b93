"""Objects taken out of a picture, put in order and laid out on a new one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.induce.things.objects import background_colour, segment
from kit.induce.values import Image, Images, make_image

MAX_ARRANGED = 60
"""Pictures with more objects than this are not arranged."""


def objects_of(image: Image, kind: str) -> Images | None:
    """The objects, each in its bounding box, in reading order; what is not theirs is background.

    Args:
        kind: one of SEGMENTATIONS.
    """
    empty = background_colour(image.cells)
    things = segment(image.cells, kind)
    if not 1 < len(things) <= MAX_ARRANGED:
        return None
    return tuple(
        Image(np.where(t.mask, t.cells, np.uint8(empty)), image.y + t.y, image.x + t.x)
        for t in things
    )


def _colour(image: Image) -> int:
    """The most frequent colour but 0."""
    return int(np.bincount(image.cells.ravel(), minlength=10)[1:].argmax()) + 1


_KEYS: dict[str, Callable[[Image], int]] = {
    "cells": lambda image: int(np.count_nonzero(image.cells)),
    "area": lambda image: image.cells.size,
    "width": lambda image: image.cells.shape[1],
    "height": lambda image: image.cells.shape[0],
    "top": lambda image: image.y,
    "left": lambda image: image.x,
    "bottom": lambda image: image.y + image.cells.shape[0],
    "right": lambda image: image.x + image.cells.shape[1],
    "colours": lambda image: len(np.unique(image.cells)),
}


def order_images(images: Images, key: str, descending: bool) -> Images | None:
    """Images in the order of a number; None where two have the same.

    Args:
        key: cells, area, width, height, top, left, bottom, right or colours (how many).
    """
    numbers = [_KEYS[key](image) for image in images]
    if len(set(numbers)) < len(numbers):
        return None
    order = np.argsort(numbers)
    return tuple(images[i] for i in (order[::-1] if descending else order))


def distinct_images(images: Images) -> Images:
    """Only the first of several images with the same cells."""
    kept: dict[tuple[int, bytes], Image] = {}
    for image in images:
        kept.setdefault((image.cells.shape[0], image.cells.tobytes()), image)
    return tuple(kept.values())


def as_dots(images: Images) -> Images:
    """Each image as one cell of its most frequent colour, where its middle was."""
    return tuple(
        Image(
            np.array([[_colour(image)]], np.uint8),
            image.y + image.cells.shape[0] // 2,
            image.x + image.cells.shape[1] // 2,
        )
        for image in images
    )


def join_images(images: Images, down: bool, gap: int, align: str) -> Image | None:
    """Images below (or beside) each other, `gap` empty cells apart.

    Args:
        align: how images of different width (height) lie: "start", "middle" or "end".
    """
    parts = [image.cells if down else image.cells.T for image in images]
    width = max(part.shape[1] for part in parts)
    height = sum(len(part) for part in parts) + gap * (len(parts) - 1)
    if height > 90:
        return None
    canvas = np.zeros((height, width), np.uint8)
    top = 0
    for part in parts:
        spare = width - part.shape[1]
        left = {"start": 0, "middle": spare // 2, "end": spare}[align]
        canvas[top : top + len(part), left : left + part.shape[1]] = part
        top += len(part) + gap
    return make_image(canvas if down else canvas.T)


def join_in_place(images: Images, down: bool) -> Image | None:
    """Images below (or beside) each other, each keeping its column (row) of the picture."""
    if down:
        left = min(image.x for image in images)
        placed = [(image.cells, image.x - left) for image in images]
    else:
        top = min(image.y for image in images)
        placed = [(image.cells.T, image.y - top) for image in images]
    width = max(shift + cells.shape[1] for cells, shift in placed)
    canvas = np.zeros((sum(len(cells) for cells, _ in placed), width), np.uint8)
    row = 0
    for cells, shift in placed:
        canvas[row : row + len(cells), shift : shift + cells.shape[1]] = cells
        row += len(cells)
    return make_image(canvas if down else canvas.T)


def lattice(images: Images, gap: int) -> Image | None:
    """Images that lie in rows and columns moved together, `gap` empty cells apart.

    All must have the same size; places without an image stay empty.
    """
    height, width = images[0].cells.shape
    if any(image.cells.shape != (height, width) for image in images):
        return None
    rows = _bands([(image.y, image.y + height) for image in images])
    columns = _bands([(image.x, image.x + width) for image in images])
    if len(set(zip(rows, columns, strict=True))) < len(images):
        return None
    tall, wide = (max(rows) + 1) * (height + gap) - gap, (max(columns) + 1) * (width + gap) - gap
    if max(tall, wide) > 90:
        return None
    canvas = np.zeros((tall, wide), np.uint8)
    for image, row, column in zip(images, rows, columns, strict=True):
        y, x = row * (height + gap), column * (width + gap)
        canvas[y : y + height, x : x + width] = image.cells
    return make_image(canvas)


def lattice_of_colours(images: Images) -> Image | None:
    """One cell for each row and column of images: their most frequent colours, 0 for none."""
    rows = _bands([(image.y, image.y + image.cells.shape[0]) for image in images])
    columns = _bands([(image.x, image.x + image.cells.shape[1]) for image in images])
    if len(set(zip(rows, columns, strict=True))) < len(images):
        return None
    canvas = np.zeros((max(rows) + 1, max(columns) + 1), np.uint8)
    for image, row, column in zip(images, rows, columns, strict=True):
        canvas[row, column] = _colour(image)
    return make_image(canvas)


def _bands(spans: list[tuple[int, int]]) -> list[int]:
    """Which band each span lies in: overlapping spans share one, bands are numbered upwards."""
    band, reach = -1, -1
    bands = [0] * len(spans)
    for index in sorted(range(len(spans)), key=lambda i: spans[i]):
        start, end = spans[index]
        if start >= reach:
            band += 1
        reach = max(reach, end)
        bands[index] = band
    return bands


def sort_objects(image: Image, kind: str, key: str, descending: bool) -> Image | None:
    """Objects that stand in a line exchange their places along it, so that they are in order.

    Along the line the gaps stay; across it every object keeps its place.

    Args:
        key: as of `order_images`.
    """
    images = objects_of(image, kind)
    ordered = None if images is None else order_images(images, key, descending)
    if images is None or ordered is None:
        return None
    beside = len(set(_bands([(i.x, i.x + i.cells.shape[1]) for i in images]))) == len(images)
    below = len(set(_bands([(i.y, i.y + i.cells.shape[0]) for i in images]))) == len(images)
    if beside == below:
        return None
    axis = 1 if beside else 0
    slots = sorted(images, key=lambda i: i[1 + axis])
    ends = [s[1 + axis] + s.cells.shape[axis] for s in slots]
    gaps = [b[1 + axis] - a for a, b in zip(ends[:-1], slots[1:], strict=True)] + [0]
    cells = np.full_like(image.cells, background_colour(image.cells))
    at = slots[0][1 + axis]
    for moved, gap in zip(ordered, gaps, strict=True):
        y, x = (moved.y - image.y, at - image.x) if beside else (at - image.y, moved.x - image.x)
        height, width = moved.cells.shape
        place = cells[y : y + height, x : x + width]
        if place.shape != moved.cells.shape:
            return None
        place[:] = moved.cells
        at += moved.cells.shape[axis] + gap
    return Image(cells, image.y, image.x)
