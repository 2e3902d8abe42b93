"""One image into many."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.induce.primitives.lists import stack
from kit.induce.primitives.splits import (
    gravity,
    split_colours,
    split_columns,
    split_holes,
    split_objects,
    split_panels,
    split_parts,
    split_rows,
)
from kit.induce.values import Image
from tests.induce.pictures import image, text

PICTURE = image("110/002/102")


def texts(images: tuple[Image, ...] | None) -> list[str | None]:
    """The rows of each."""
    return [text(part) for part in images or ()]


def test_split_parts() -> None:
    assert texts(split_parts(PICTURE, False)) == ["11", "2/2", "1"]
    assert texts(split_parts(image("10/01"), True)) == ["10/01"]
    assert split_parts(image("0"), False) is None


def test_split_objects() -> None:
    assert texts(split_objects(PICTURE, False)) == ["11", "2/2", "1"]
    assert texts(split_objects(image("120/000"), False)) == ["12"]


def test_split_colours() -> None:
    assert texts(split_colours(PICTURE)) == ["110/000/100", "000/002/002"]


def test_split_rows() -> None:
    assert texts(split_rows(PICTURE)) == ["110", "002", "102"]


def test_split_columns() -> None:
    assert texts(split_columns(PICTURE)) == ["1/0/1", "1/0/0", "0/2/2"]


def test_split_holes() -> None:
    assert texts(split_holes(PICTURE)) == ["1", "11/01"]


def test_split_panels() -> None:
    panels = split_panels(image("1050/5555/0052"))
    assert texts(panels) == ["10", "0", "00", "2"]
    assert panels is not None and (panels[3].y, panels[3].x) == (2, 3)
    assert split_panels(image("12/34")) is None


def test_gravity() -> None:
    fallen = gravity(image("100/000/020"), "down")
    assert fallen is not None
    assert text(stack(fallen)) == "000/000/120"


def test_gravity__things_rest_on_each_other() -> None:
    fallen = gravity(image("1/0/2/0"), "down")
    assert fallen is not None and text(stack(fallen)) == "0/0/1/2"


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 3))
)
def test_split_parts__stacked_give_the_picture_back(array: np.ndarray) -> None:
    picture = Image(array)
    for parts in (
        split_parts(picture, True),
        split_objects(picture, False),
        split_colours(picture),
    ):
        if parts is None:
            assert not array.any()
            continue
        whole = stack(parts)
        assert whole is not None
        window = array[whole.y : whole.y + whole.cells.shape[0], whole.x :][
            :, : whole.cells.shape[1]
        ]
        assert (whole.cells == window).all()
        assert np.count_nonzero(whole.cells) == np.count_nonzero(array)
