"""Objects in order and laid out."""

from __future__ import annotations

from kit.induce.primitives.arrange import (
    as_dots,
    distinct_images,
    join_images,
    join_in_place,
    lattice,
    lattice_of_colours,
    objects_of,
    order_images,
    sort_objects,
)
from kit.induce.values import Image
from tests.induce.pictures import image, text


def texts(images: tuple[Image, ...] | None) -> list[str | None] | None:
    return None if images is None else [text(i) for i in images]


def test_objects_of() -> None:
    found = objects_of(image("1102/1000/0000"), "colour8")
    assert texts(found) == ["11/10", "2"]
    assert found is not None and [(i.y, i.x) for i in found] == [(0, 0), (0, 3)]
    assert objects_of(image("11"), "colour8") is None


def test_order_images() -> None:
    images = (image("11", 3, 0), image("2", 0, 5), image("333", 1, 9))
    assert texts(order_images(images, "cells", True)) == ["333", "11", "2"]
    assert texts(order_images(images, "top", False)) == ["2", "333", "11"]
    assert texts(order_images(images, "left", True)) == ["333", "2", "11"]
    assert order_images(images, "height", True) is None


def test_distinct_images() -> None:
    assert texts(distinct_images((image("1"), image("2"), image("1", 4, 4)))) == ["1", "2"]


def test_as_dots() -> None:
    assert as_dots((image("110/210/010", 2, 3),))[0][1:] == (3, 4)
    assert texts(as_dots((image("110/210/010", 2, 3),))) == ["1"]


def test_join_images() -> None:
    images = (image("1"), image("222"))
    assert text(join_images(images, True, 0, "start")) == "100/222"
    assert text(join_images(images, True, 0, "middle")) == "010/222"
    assert text(join_images(images, True, 1, "end")) == "001/000/222"
    assert text(join_images(images, False, 1, "start")) == "10222"


def test_join_in_place() -> None:
    images = (image("1", 0, 2), image("22", 5, 3))
    assert text(join_in_place(images, True)) == "100/022"
    assert text(join_in_place(images, False)) == "100/" + "000/" * 4 + "022"


def test_lattice() -> None:
    images = (image("1", 0, 0), image("2", 0, 4), image("3", 5, 4))
    assert text(lattice(images, 0)) == "12/03"
    assert text(lattice(images, 1)) == "102/000/003"
    assert lattice((image("1"), image("22", 3, 3)), 0) is None
    assert lattice((image("1"), image("2")), 0) is None


def test_lattice_of_colours() -> None:
    images = (image("11/11", 0, 0), image("2", 1, 4), image("3", 5, 4))
    assert text(lattice_of_colours(images)) == "12/03"
    assert lattice_of_colours((image("1"), image("2"))) is None


def test_sort_objects() -> None:
    assert text(sort_objects(image("2220100/0000000"), "colour8", "cells", False)) == (
        "1022200/0000000"
    )
    assert text(sort_objects(image("11/00/20/00"), "colour8", "cells", False)) == "20/00/11/00"
    assert sort_objects(image("1020"), "colour8", "cells", False) is None
