"""Many images into one or fewer: picking by a property, filtering, stacking, lining up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kit.induce.primitives.colours import _majority
from kit.induce.primitives.geometry import _content_box
from kit.induce.primitives.regions import _outside
from kit.induce.things.objects import label_components
from kit.induce.values import MAX_IMAGE_SIDE, Image, Images, make_image


def _cells(image: Image) -> int:
    return int(np.count_nonzero(image.cells))


def _colours(image: Image) -> int:
    return int(np.count_nonzero(np.bincount(image.cells.ravel(), minlength=10)[1:]))


def _parts(image: Image) -> int:
    return int(label_components(image.cells, True, True, 0)[1])


def _gaps(image: Image) -> int:
    return int(image.cells.size) - _cells(image)


def _interior(image: Image) -> int:
    return int(np.count_nonzero((image.cells == 0) & ~_outside(image.cells, False)))


def _is_mirrored(image: Image) -> int:
    cells = image.cells
    return int((cells == cells[:, ::-1]).all()) + int((cells == cells[::-1]).all())


def _colour(image: Image) -> int:
    return int(_majority(image.cells))


PROPERTIES: dict[str, Callable[[Image], int]] = {
    "cells": _cells,
    "area": lambda image: int(image.cells.size),
    "colours": _colours,
    "parts": _parts,
    "gaps": _gaps,
    "interior": _interior,
    "height": lambda image: image.cells.shape[0],
    "width": lambda image: image.cells.shape[1],
    "top": lambda image: -image.y,
    "left": lambda image: -image.x,
    "bottom": lambda image: image.y + image.cells.shape[0],
    "right": lambda image: image.x + image.cells.shape[1],
    "mirrored": _is_mirrored,
}
"""Name -> number that is compared; "most left" is the largest -x."""


def _values(images: Images, prop: str, least: bool) -> list[int] | None:
    """The property of each image, negated where the least is wanted; None if all are equal."""
    measure = PROPERTIES[prop]
    values = [measure(image) for image in images]
    if min(values) == max(values):
        return None
    return [-value for value in values] if least else values


def pick(images: Images, prop: str, least: bool) -> Image | None:
    """The one image with the most, or least, of a property; undefined without a single winner."""
    values = _values(images, prop, least)
    if values is None or values.count(max(values)) > 1:
        return None
    return images[values.index(max(values))]


def keep_most(images: Images, prop: str, least: bool) -> Images | None:
    """All images that share the most, or least, of a property."""
    values = _values(images, prop, least)
    if values is None:
        return None
    best = max(values)
    return tuple(image for image, value in zip(images, values, strict=True) if value == best)


def drop_most(images: Images, prop: str, least: bool) -> Images | None:
    """All images but those that share the most, or least, of a property."""
    values = _values(images, prop, least)
    if values is None:
        return None
    best = max(values)
    return tuple(image for image, value in zip(images, values, strict=True) if value != best)


def _shape_key(image: Image) -> tuple[tuple[int, ...], bytes]:
    """Equal for images whose filled cells form the same shape, wherever they are."""
    top, bottom, left, right = _content_box(image.cells)
    inner = image.cells[top:bottom, left:right] > 0
    return inner.shape, inner.tobytes()


def _picture_key(image: Image) -> tuple[tuple[int, ...], bytes]:
    return image.cells.shape, image.cells.tobytes()


KEYS: dict[str, Callable[[Image], object]] = {
    "colour": _colour,
    "shape": _shape_key,
    "picture": _picture_key,
}
"""What two images can have in common."""


def _by_frequency(images: Images, key: str, common: bool) -> list[Image]:
    """The images whose key occurs once (common: as often as the most frequent key)."""
    keys = [KEYS[key](image) for image in images]
    counts = [keys.count(k) for k in keys]
    wanted = max(counts) if common else 1
    if common and (wanted == 1 or wanted == len(images)):
        return []
    return [image for image, count in zip(images, counts, strict=True) if count == wanted]


def pick_unique(images: Images, key: str) -> Image | None:
    """The one image whose colour, shape or picture no other has; undefined when not single."""
    if len(images) < 3:
        return None
    found = _by_frequency(images, key, False)
    return found[0] if len(found) == 1 else None


def pick_common(images: Images, key: str) -> Image | None:
    """The first of the images that share the most frequent colour, shape or picture."""
    found = _by_frequency(images, key, True)
    return found[0] if found else None


def keep_unique(images: Images, key: str) -> Images | None:
    """All images whose colour, shape or picture no other has."""
    found = _by_frequency(images, key, False)
    return tuple(found) if 0 < len(found) < len(images) else None


def keep_repeated(images: Images, key: str) -> Images | None:
    """All images whose colour, shape or picture another one has too."""
    keys = [KEYS[key](image) for image in images]
    found = [image for image, k in zip(images, keys, strict=True) if keys.count(k) > 1]
    return tuple(found) if 0 < len(found) < len(images) else None


def nth(images: Images, index: int) -> Image | None:
    """The image at an index of the list; negative ones count from the end."""
    if not -len(images) <= index < len(images):
        return None
    return images[index]


def stack(images: Images) -> Image | None:
    """All images laid over each other at their places, those with fewer cells on top."""
    top, left = min(i.y for i in images), min(i.x for i in images)
    bottom = max(i.y + i.cells.shape[0] for i in images)
    right = max(i.x + i.cells.shape[1] for i in images)
    if bottom - top > MAX_IMAGE_SIDE or right - left > MAX_IMAGE_SIDE:
        return None
    canvas = np.zeros((bottom - top, right - left), np.uint8)
    for image in sorted(images, key=_cells, reverse=True):
        y, x = image.y - top, image.x - left
        window = canvas[y : y + image.cells.shape[0], x : x + image.cells.shape[1]]
        np.copyto(window, image.cells, where=image.cells > 0)
    return Image(canvas, top, left)


def line_up(images: Images) -> Image | None:
    """All images in one row or column, along the axis on which they lie further apart, in the
    order of their places."""
    ys = [2 * i.y + i.cells.shape[0] for i in images]
    xs = [2 * i.x + i.cells.shape[1] for i in images]
    down = max(ys) - min(ys) > max(xs) - min(xs)
    order = sorted(range(len(images)), key=lambda i: (ys if down else xs)[i])
    return _concatenate([images[i] for i in order], down)


def line_up_by_size(images: Images, down: bool) -> Image | None:
    """All images side by side, or one below the other, those with fewer cells first."""
    return _concatenate(sorted(images, key=_cells), down)


def _concatenate(images: list[Image], down: bool) -> Image | None:
    """Images one after the other, aligned at their first edge, padded with 0."""
    height = (
        sum(i.cells.shape[0] for i in images) if down else max(i.cells.shape[0] for i in images)
    )
    width = max(i.cells.shape[1] for i in images) if down else sum(i.cells.shape[1] for i in images)
    if height > MAX_IMAGE_SIDE or width > MAX_IMAGE_SIDE:
        return None
    canvas = np.zeros((height, width), np.uint8)
    at = 0
    for image in images:
        rows, columns = image.cells.shape
        if down:
            canvas[at : at + rows, :columns] = image.cells
        else:
            canvas[:rows, at : at + columns] = image.cells
        at += rows if down else columns
    return make_image(canvas)
