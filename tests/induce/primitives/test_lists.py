"""Many images into one or fewer."""

from __future__ import annotations

import pytest

from kit.induce.primitives.lists import (
    KEYS,
    PROPERTIES,
    drop_most,
    keep_most,
    keep_repeated,
    keep_unique,
    line_up,
    line_up_by_size,
    nth,
    pick,
    pick_common,
    pick_unique,
    stack,
)
from tests.induce.pictures import image, text

SMALL, LARGE, OTHER = image("1", 0, 5), image("22/22", 3, 0), image("3", 7, 7)
THREE = (SMALL, LARGE, OTHER)


def test_pick() -> None:
    assert pick(THREE, "cells", False) is LARGE
    assert pick(THREE, "cells", True) is None
    assert pick(THREE, "left", False) is LARGE
    assert pick(THREE, "top", False) is SMALL
    assert pick((SMALL, SMALL), "cells", False) is None


@pytest.mark.parametrize("prop", PROPERTIES)
def test_pick__every_property_is_a_number(prop: str) -> None:
    assert all(isinstance(PROPERTIES[prop](value), int) for value in THREE)


def test_keep_most() -> None:
    assert keep_most(THREE, "cells", True) == (SMALL, OTHER)


def test_drop_most() -> None:
    assert drop_most(THREE, "cells", False) == (SMALL, OTHER)


@pytest.mark.parametrize("prop", PROPERTIES)
def test_drop_most__and_keep_most_share_the_list(prop: str) -> None:
    kept, dropped = keep_most(THREE, prop, False), drop_most(THREE, prop, False)
    assert (kept is None) == (dropped is None)
    if kept is not None and dropped is not None:
        assert sorted(map(id, kept + dropped)) == sorted(map(id, THREE))


def test_pick_unique() -> None:
    assert pick_unique(THREE, "shape") is LARGE
    assert pick_unique(THREE, "colour") is None
    assert pick_unique((SMALL, LARGE), "shape") is None


def test_pick_common() -> None:
    assert pick_common(THREE, "shape") is SMALL
    assert pick_common(THREE, "colour") is None


def test_keep_unique() -> None:
    assert keep_unique(THREE, "shape") == (LARGE,)
    assert keep_unique(THREE, "colour") is None


def test_keep_repeated() -> None:
    assert keep_repeated(THREE, "shape") == (SMALL, OTHER)
    assert set(KEYS) == {"colour", "shape", "picture"}


def test_nth() -> None:
    assert nth(THREE, 0) is SMALL and nth(THREE, -1) is OTHER and nth(THREE, 3) is None


def test_stack() -> None:
    whole = stack((image("11/11", 1, 1), image("2", 1, 2)))
    assert whole is not None and text(whole) == "12/11" and (whole.y, whole.x) == (1, 1)
    assert stack((image("1"), image("1", 200, 0))) is None


def test_line_up() -> None:
    assert text(line_up((image("2", 5, 0), image("1", 0, 1)))) == "1/2"
    assert text(line_up((image("2", 0, 5), image("11/11", 1, 0)))) == "112/110"


def test_line_up_by_size() -> None:
    assert text(line_up_by_size((LARGE, SMALL), False)) == "122/022"
    assert text(line_up_by_size((LARGE, SMALL), True)) == "10/22/22"
