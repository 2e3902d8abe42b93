"""Turning, mirroring and cutting images."""

from __future__ import annotations

import numpy as np
import pytest

from kit.augment.transform import DIHEDRAL_NAMES, Transform
from kit.induce.primitives import geometry
from kit.induce.primitives.geometry import (
    anti_transpose,
    centre_dot,
    collapse_repeats,
    corner_dot,
    drop_empty_lines,
    flip_heavy_side,
    flip_lr,
    flip_ud,
    grow_box,
    half,
    rotate90,
    rotate180,
    rotate270,
    shrink_box,
    to_origin,
    transpose,
    trim,
)
from tests.induce.pictures import image, text

PICTURE = image("123/456", 2, 3)


@pytest.mark.parametrize("name", DIHEDRAL_NAMES[1:])
def test_rotate90__and_all_turns_are_those_of_the_transforms(name: str) -> None:
    turned = getattr(geometry, name)(PICTURE)
    expected = Transform(DIHEDRAL_NAMES.index(name)).apply_array(PICTURE.cells)
    assert (turned.cells == expected).all()
    assert turned.cells.flags.c_contiguous
    assert (turned.y, turned.x) == (2, 3)


def test_rotate90() -> None:
    assert text(rotate90(PICTURE)) == "36/25/14"


def test_rotate180() -> None:
    assert text(rotate180(PICTURE)) == "654/321"


def test_rotate270() -> None:
    assert text(rotate270(PICTURE)) == "41/52/63"


def test_flip_lr() -> None:
    assert text(flip_lr(PICTURE)) == "321/654"


def test_flip_ud() -> None:
    assert text(flip_ud(PICTURE)) == "456/123"


def test_transpose() -> None:
    assert text(transpose(PICTURE)) == "14/25/36"


def test_anti_transpose() -> None:
    assert text(anti_transpose(PICTURE)) == "63/52/41"


def test_flip_heavy_side() -> None:
    assert text(flip_heavy_side(image("00/01"))) == "10/00"
    assert text(flip_heavy_side(image("10/00"))) == "10/00"


def test_trim() -> None:
    cut = trim(image("000/012/000", 5, 5))
    assert cut is not None and text(cut) == "12" and (cut.y, cut.x) == (6, 6)
    assert trim(image("00")) is None


def test_to_origin() -> None:
    moved = to_origin(PICTURE)
    assert (moved.y, moved.x) == (0, 0) and moved.cells is PICTURE.cells


@pytest.mark.parametrize(
    ("side", "rows", "place"),
    [
        ("top", "123", (0, 0)),
        ("bottom", "789", (2, 0)),
        ("left", "1/4/7", (0, 0)),
        ("right", "3/6/9", (0, 2)),
    ],
)
def test_half(side: str, rows: str, place: tuple[int, int]) -> None:
    found = half(image("123/456/789"), side)
    assert found is not None and text(found) == rows and (found.y, found.x) == place
    assert half(image("1"), side) is None


def test_drop_empty_lines() -> None:
    assert text(drop_empty_lines(image("102/000/304"))) == "12/34"
    assert drop_empty_lines(image("00/00")) is None


def test_collapse_repeats() -> None:
    assert text(collapse_repeats(image("112/112/330"))) == "12/30"


def test_centre_dot() -> None:
    dot = centre_dot(image("000/000/000", 1, 1))
    assert text(dot) == "1" and (dot.y, dot.x) == (2, 2)


def test_corner_dot() -> None:
    dot = corner_dot(PICTURE)
    assert text(dot) == "1" and (dot.y, dot.x) == (2, 3)


def test_grow_box() -> None:
    grown = grow_box(image("5", 1, 1))
    assert text(grown) == "000/050/000" and grown is not None and (grown.y, grown.x) == (0, 0)


def test_shrink_box() -> None:
    inner = shrink_box(image("111/121/111"))
    assert text(inner) == "2" and inner is not None and (inner.y, inner.x) == (1, 1)
    assert shrink_box(image("11/11")) is None


def test_grow_box__undoes_shrink_box() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        shape = rng.integers(1, 8, 2)
        picture = image("0")._replace(cells=rng.integers(0, 10, shape).astype(np.uint8), y=3)
        grown = grow_box(picture)
        assert grown is not None
        back = shrink_box(grown)
        assert back is not None and (back.cells == picture.cells).all() and back.y == 3
