"""Images: places, bounds, and the bytes by which they are compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.induce.values import MAX_IMAGE_SIDE, Image, image_key, make_image
from tests.induce.pictures import image

small = st.builds(
    Image,
    arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 3)), elements=st.integers(0, 9)),
    st.integers(-12, 12),
    st.integers(-12, 12),
)


def same(a: Image, b: Image) -> bool:
    return np.array_equal(a.cells, b.cells) and (a.y, a.x) == (b.y, b.x)


@settings(deadline=None)
@given(small, small)
def test_keys_are_equal_exactly_for_equal_images(a: Image, b: Image) -> None:
    assert (image_key(a) == image_key(b)) == same(a, b)
    assert image_key(a) == image_key(Image(a.cells.copy(), a.y, a.x))


@pytest.mark.parametrize(
    "other",
    [image("1234", 1, 2), image("12/34", 2, 1), image("12/34", -1, 2), image("1/2/3/4", 1, 2)],
)
def test_shape_and_place_are_in_the_key(other: Image) -> None:
    assert image_key(image("12/34", 1, 2)) != image_key(other)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
@pytest.mark.parametrize("view", ["plain", "turned"])
def test_made_images_are_contiguous_bytes(dtype: type, view: str) -> None:
    cells = np.array([[0, 1, 1], [1, 0, 0]], dtype)
    made = make_image(cells.T[::-1] if view == "turned" else cells, 4, -5)
    assert made is not None
    assert made.cells.dtype == np.uint8 and made.cells.flags.c_contiguous
    assert (made.y, made.x) == (4, -5)
    assert made.cells.tolist() == (cells.T[::-1] if view == "turned" else cells).tolist()


@pytest.mark.parametrize(
    "shape", [(0, 3), (3, 0), (0, 0), (MAX_IMAGE_SIDE + 1, 1), (1, MAX_IMAGE_SIDE + 1)]
)
def test_no_image_is_empty_or_too_large(shape: tuple[int, int]) -> None:
    assert make_image(np.zeros(shape, np.uint8)) is None


def test_the_largest_image() -> None:
    side = MAX_IMAGE_SIDE
    assert make_image(np.zeros((side, side), np.uint8)) is not None
