"""What one object is like by itself: its measures, symmetry, holes.

Every function takes a `Thing` and returns something hashable. `properties` gives them names.
"""

from __future__ import annotations

import numpy as np

from kit.induce.readings.turns import TURNS
from kit.induce.things.objects import Thing, label_components


def is_full(thing: Thing) -> bool:
    """Whether it fills its bounding box."""
    return thing.size == thing.mask.size


def is_full_square(thing: Thing) -> bool:
    """Whether it is a square without gaps."""
    return is_full(thing) and thing.height == thing.width


def line_kind(thing: Thing) -> str:
    """`dot`, `row`, `column` or empty."""
    if thing.size == 1:
        return "dot"
    if thing.height == 1:
        return "row"
    return "column" if thing.width == 1 else ""


def orientation(thing: Thing) -> int:
    """1 where it is taller than wide, -1 wider than tall, 0 as wide as tall."""
    return (thing.height > thing.width) - (thing.height < thing.width)


def missing_cells(thing: Thing) -> int:
    """Cells of the bounding box that are not its own."""
    return thing.mask.size - thing.size


def minor_colour(thing: Thing) -> int:
    """The rarest of its colours; -1 where it has only one."""
    counts = np.bincount(thing.cells[thing.mask], minlength=10)
    if (counts > 0).sum() < 2:
        return -1
    return int(np.where(counts > 0, counts, counts.max() + 1).argmin())


def hole_labels(thing: Thing) -> tuple[np.ndarray, int]:
    """(h, w) labels 1.. of the areas that it encloses (4-connected), and their number."""
    outside = np.ones((thing.height + 2, thing.width + 2), np.uint8)
    outside[1:-1, 1:-1] = ~thing.mask
    labels, count = label_components(outside, False, True, 0)
    return np.maximum(labels[1:-1, 1:-1] - 1, 0), count - 1


def hole_count(thing: Thing) -> int:
    """Number of enclosed areas."""
    return hole_labels(thing)[1] if min(thing.mask.shape) > 2 else 0


def hole_cells(thing: Thing) -> int:
    """Number of enclosed cells."""
    return int((hole_labels(thing)[0] > 0).sum()) if min(thing.mask.shape) > 2 else 0


def has_square_hole(thing: Thing) -> bool:
    """Whether it encloses one area, which is a square."""
    labels, count = hole_labels(thing)
    if count != 1:
        return False
    rows, columns = (labels > 0).any(axis=1).sum(), (labels > 0).any(axis=0).sum()
    return bool(rows == columns and (labels > 0).sum() == rows * columns)


def painted(thing: Thing) -> np.ndarray:
    """(h, w) int16 colours of its cells, -1 outside of it."""
    return np.where(thing.mask, thing.cells.astype(np.int16), -1)


def is_left_right(thing: Thing) -> bool:
    """Whether its shape equals its mirror image, left for right."""
    return bool((thing.mask == thing.mask[:, ::-1]).all())


def is_up_down(thing: Thing) -> bool:
    """Whether its shape equals its mirror image, top for bottom."""
    return bool((thing.mask == thing.mask[::-1]).all())


def is_diagonal(thing: Thing) -> bool:
    """Whether its shape equals its mirror image about either diagonal."""
    mask = thing.mask
    if mask.shape[0] != mask.shape[1]:
        return False
    return bool((mask == mask.T).all() or (mask == mask[::-1, ::-1].T).all())


def is_symmetric(thing: Thing) -> bool:
    """Whether any mirror image of its shape equals it."""
    return is_left_right(thing) or is_up_down(thing) or is_diagonal(thing)


def mask_bytes(mask: np.ndarray) -> bytes:
    """Equal for equal masks."""
    return b"%d:" % mask.shape[0] + np.packbits(mask).tobytes()


def shape(thing: Thing) -> bytes:
    """Equal for objects of one shape, wherever they are."""
    return mask_bytes(thing.mask)


def free_shape(thing: Thing) -> bytes:
    """Equal for objects of one shape, however they are turned or mirrored."""
    return min(mask_bytes(turn(thing.mask)) for turn in TURNS.values())
