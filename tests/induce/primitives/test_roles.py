"""Colours named by their rank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.induce.primitives.roles import from_roles, role_colours, to_roles
from kit.induce.values import Image
from tests.induce.pictures import image, text


def test_role_colours() -> None:
    colours = role_colours(image("0778"), (0,), "most")
    assert colours[7] == 1 and colours[8] == 2 and colours[0] == 0
    assert role_colours(image("0778"), (0,), "least")[8] == 1
    assert role_colours(image("0877"), (0,), "first")[8] == 1
    assert role_colours(image("0778"), (0, 7), "most")[7] == 7


def test_to_roles() -> None:
    assert text(to_roles(image("0778"), (0,), "most")) == "0112"


def test_from_roles() -> None:
    source = image("0778")
    assert text(from_roles(image("21"), source, (0,), "most")) == "87"


@pytest.mark.parametrize("order", ["most", "least", "first"])
@given(arrays(np.uint8, (3, 4), elements=st.integers(0, 9)), st.sets(st.integers(0, 9)))
def test_from_roles__undoes_to_roles(order: str, array: np.ndarray, kept: set[int]) -> None:
    picture = Image(array)
    names = tuple(sorted(kept))
    seen = to_roles(picture, names, order)
    assert (from_roles(seen, picture, names, order).cells == array).all()
    assert sorted(role_colours(picture, names, order)) == list(range(10))
