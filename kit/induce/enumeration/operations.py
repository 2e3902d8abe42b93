"""What the enumeration tries on every value: primitives with their small parameters filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from kit.induce.primitives.lists import KEYS, PROPERTIES
from kit.induce.primitives.registry import primitives
from kit.induce.primitives.smears import DIRECTIONS


@dataclass(frozen=True, slots=True)
class Operation:
    """A primitive of one value, with the rest of its arguments given.

    Attributes:
        function: called as `function(value, *arguments)`.
        many: whether it takes a tuple of images (else one image, or each of many).
        bits: what using it adds to the length of a program.
    """

    name: str
    arguments: tuple[Any, ...]
    function: Callable[..., Any]
    many: bool
    bits: float


_SIMPLE = (
    "trim", "to_origin", "rotate90", "rotate180", "rotate270", "flip_lr", "flip_ud", "transpose",
    "anti_transpose", "flip_heavy_side", "drop_empty_lines", "collapse_repeats", "centre_dot",
    "corner_dot", "grow_box", "shrink_box", "keep_majority", "erase_majority", "majority_dot",
    "negative", "fill_enclosed", "outer_border", "without_border", "split_colours", "split_rows",
    "split_columns", "split_holes", "split_panels",
)  # fmt: skip

_PARAMETERS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "half": (("top",), ("bottom",), ("left",), ("right",)),
    "keep_colour": tuple((c,) for c in range(1, 10)),
    "erase_colour": tuple((c,) for c in range(1, 10)),
    "block": ((0,), (1,)),
    "frame_box": ((0,), (1,)),
    "enclosed": ((False,), (True,)),
    "outline": ((False,), (True,)),
    "smear": tuple((name,) for name in DIRECTIONS),
    "connect_pairs": (("rows",), ("columns",), ("both",)),
    "spread": ((False,), (True,)),
    "show_count": tuple(
        (what, shape)
        for what in ("cells", "colours", "parts")
        for shape in ("square", "row", "column")
    ),
    "split_parts": ((False,), (True,)),
    "split_objects": ((False,), (True,)),
    "gravity": (("down",), ("up",), ("left",), ("right",)),
}

_OF_MANY: dict[str, tuple[tuple[Any, ...], ...]] = {
    "stack": ((),),
    "line_up": ((),),
    "line_up_by_size": ((False,), (True,)),
    "pick": tuple((prop, least) for prop in PROPERTIES for least in (False, True)),
    "pick_unique": tuple((key,) for key in KEYS),
    "pick_common": tuple((key,) for key in KEYS),
    "keep_most": tuple((prop, least) for prop in PROPERTIES for least in (False, True)),
    "drop_most": tuple((prop, least) for prop in PROPERTIES for least in (False, True)),
    "keep_unique": tuple((key,) for key in KEYS),
    "keep_repeated": tuple((key,) for key in KEYS),
    "nth": ((0,), (-1,)),
}

BITS_SIMPLE, BITS_PARAMETER = 5.0, 6.5
"""Length of an operation without and with parameters: about log2 of how many there are, the
simple ones being used more often."""


@cache
def operations() -> tuple[Operation, ...]:
    """All operations, the cheaper ones first."""
    return tuple(sorted(_all(), key=lambda op: op.bits))


def _all() -> Iterator[Operation]:
    """Every operation, in the order of the tables."""
    known = primitives()
    for name in _SIMPLE:
        yield Operation(name, (), known[name], False, BITS_SIMPLE)
    for table, many in ((_PARAMETERS, False), (_OF_MANY, True)):
        for name, choices in table.items():
            bits = BITS_PARAMETER if len(choices) > 1 else BITS_SIMPLE
            for arguments in choices:
                yield Operation(name, arguments, known[name], many, bits)


FRAME_OPERATIONS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("embed", ()),
    ("stretch", ()),
    ("tile", (0,)),
    ("tile", (1,)),
    ("mirror_tile", (0,)),
    ("mirror_tile", (1,)),
    ("place_centre", ()),
    ("wrap_line", ()),
    ("complement", ()),
)
"""Primitives of an image and a frame, with the rest of their arguments."""

LATE_FRAME_OPERATIONS = tuple(
    way
    for way in FRAME_OPERATIONS
    if way in (("stretch", ()), ("tile", (0,)), ("mirror_tile", (0,)))
)
"""Those that are worth trying on images that took many operations."""
