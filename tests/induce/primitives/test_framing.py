"""Frames."""

from __future__ import annotations

import numpy as np

from kit.induce.primitives.framing import add_frame, strip_frame, uniform_panels
from kit.induce.values import Image


def image(rows: str) -> Image:
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))


def text(found: Image | None) -> str | None:
    return None if found is None else "/".join("".join(map(str, r)) for r in found.cells.tolist())


def test_add_frame() -> None:
    framed = add_frame(image("12"), 3)
    assert text(framed) == "3333/3123/3333"
    assert framed is not None and (framed.y, framed.x) == (-1, -1)


def test_strip_frame() -> None:
    stripped = strip_frame(image("333/323/333"))
    assert text(stripped) == "2"
    assert stripped is not None and (stripped.y, stripped.x) == (1, 1)
    assert strip_frame(image("333/323/334")) is None
    assert strip_frame(image("33/33")) is None


def test_uniform_panels() -> None:
    assert uniform_panels((image("11"), image("2"))) is not None
    assert uniform_panels((image("11"), image("23"))) is None
