"""What the enumeration tries: every entry must be a call that programs can make."""

from __future__ import annotations

import inspect

import pytest

from kit.induce.enumeration.operations import (
    FRAME_OPERATIONS,
    LATE_FRAME_OPERATIONS,
    Operation,
    operations,
)
from kit.induce.primitives.registry import primitives, takes_image
from kit.induce.program import parse_program, single
from kit.induce.values import Image
from tests.induce.pictures import image

PICTURES = (
    image("0000/0110/0120/0000"),
    image("300/030/000"),
    image("1111/1001/1331/1111", 2, 1),
    image("0505/5050/0505"),
    image("4"),
)


def text_of(operation: Operation) -> str:
    return single(operation.name, *operation.arguments).text()


@pytest.mark.parametrize("operation", operations(), ids=text_of)
def test_an_operation_is_a_primitive_with_all_but_one_argument(operation: Operation) -> None:
    assert operation.function is primitives()[operation.name]
    assert operation.many == (not takes_image(operation.name))
    inspect.signature(operation.function).bind("value", *operation.arguments)
    assert parse_program(text_of(operation)) == single(operation.name, *operation.arguments)


@pytest.mark.parametrize("operation", operations(), ids=text_of)
def test_an_operation_gives_images_or_nothing_and_changes_no_argument(
    operation: Operation,
) -> None:
    before = [picture.cells.tobytes() for picture in PICTURES]
    given = [PICTURES, PICTURES[:1]] if operation.many else PICTURES
    for value in given:
        found = operation.function(value, *operation.arguments)
        many = found if type(found) is tuple else (found,) if found is not None else ()
        assert all(isinstance(i, Image) and i.cells.flags.c_contiguous for i in many)
        assert all(i.cells.dtype == "uint8" and i.cells.size for i in many)
    assert [picture.cells.tobytes() for picture in PICTURES] == before


def test_no_operation_is_listed_twice_and_short_ones_come_first() -> None:
    table = operations()
    assert len({(op.name, op.arguments) for op in table}) == len(table)
    assert [op.bits for op in table] == sorted(op.bits for op in table)
    assert operations() is table


@pytest.mark.parametrize(("name", "arguments"), FRAME_OPERATIONS)
def test_frame_operations_take_an_image_and_a_frame(
    name: str, arguments: tuple[object, ...]
) -> None:
    frame = image("0000/0000/0000/0000/0000/0000")
    found = primitives()[name](image("12/30"), frame, *arguments)
    assert found is None or found.cells.shape == frame.cells.shape


def test_late_frame_operations_are_some_of_them() -> None:
    assert len(LATE_FRAME_OPERATIONS) == 3
    assert set(LATE_FRAME_OPERATIONS) < set(FRAME_OPERATIONS)
