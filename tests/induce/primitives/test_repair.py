"""Completing symmetric and periodic pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.induce.primitives.repair import (
    complete_lattice,
    complete_symmetry,
    continue_part,
    extend_lattice,
    restore_lattice,
    unit_tile,
    window_of_colour,
)
from kit.induce.values import Image


def image(rows: str) -> Image:
    return Image(np.array([[int(c) for c in row] for row in rows.split("/")], np.uint8))


def text(found: Image | None) -> str | None:
    return None if found is None else "/".join("".join(map(str, r)) for r in found.cells.tolist())


def symmetric(seed: int, word: str) -> np.ndarray:
    """A picture of many colours that a symmetry maps to itself."""
    half = np.random.default_rng(seed).integers(1, 9, (8, 8)).astype(np.uint8)
    if word == "left_right":
        return np.hstack((half, half[:, ::-1]))
    if word == "up_down":
        return np.vstack((half, half[::-1]))
    if word == "half_turn":
        return np.vstack((half, half[::-1, ::-1]))
    if word == "transpose":
        return np.maximum(half, half.T)
    if word == "antitranspose":
        return np.maximum(half, half[::-1, ::-1].T)
    row = np.hstack((half, np.rot90(half, -1)))
    return np.vstack((row, np.rot90(row, 2)))


WORDS = ("left_right", "up_down", "half_turn", "transpose", "antitranspose", "quarter_turn")


@pytest.mark.parametrize("word", WORDS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_complete_symmetry(word: str, seed: int) -> None:
    whole = symmetric(seed, word)
    covered = whole.copy()
    covered[0:2, 2:4] = 9
    found = complete_symmetry(Image(covered), 9, (word,))
    assert found is not None and np.array_equal(found.cells, whole)


def test_complete_symmetry__finds_an_axis_that_is_not_in_the_middle() -> None:
    found = complete_symmetry(image("9232167/8565843"), 9, ("left_right",))
    assert text(found) == "1232167/8565843"
    found = complete_symmetry(image("1232199/8565843"), 9, ("left_right",))
    assert text(found) == "1232199/8565843", "a cell without an image stays a hole"


def test_complete_symmetry__axes_near_the_edge_when_asked() -> None:
    given = image("1203020000000/0045400000000")
    assert text(complete_symmetry(given, 0, ("left_right",), True)) == "1203021000000/0045400000000"


def test_complete_symmetry__undefined_under_contradiction() -> None:
    assert complete_symmetry(image("1234/5678"), 9, ("left_right",)) is None


def test_complete_lattice() -> None:
    assert text(complete_lattice(image("1212/2121/1002/2001"), 0)) == "1212/2121/1212/2121"
    slanted = image("1230/2300/3000/0000")
    assert text(complete_lattice(slanted, 0)) == "1231/2312/3123/1231"


def test_complete_lattice__undefined_without_repetition() -> None:
    assert complete_lattice(image("123/456/780"), 0) is None


def test_extend_lattice() -> None:
    assert text(extend_lattice(image("1212"), -1, 2, 6)) in ("121212/121212", "121212/212121")
    assert text(extend_lattice(image("12/34/12/34"), -1, 6, 3, False)) is not None
    assert extend_lattice(image("1212"), -1, 1000, 1) is None


def test_restore_lattice() -> None:
    noisy = np.tile(np.array([[1, 2], [3, 4]], np.uint8), (6, 6))
    clean = noisy.copy()
    noisy[3, 4] = 7
    found = restore_lattice(Image(noisy), 5)
    assert found is not None and np.array_equal(found.cells, clean)
    assert restore_lattice(image("123/456/789"), 0) is None


def test_unit_tile() -> None:
    assert text(unit_tile(image("1212/3434/1212/3434"))) == "12/34"
    assert text(unit_tile(image("1200/1200"), 0)) == "12"
    assert unit_tile(image("123/456/789")) is None


def test_continue_part() -> None:
    whole = image("0000/0120/0000/0000")
    part = Image(image("12").cells, 1, 1)
    assert text(continue_part(whole, part, True, False)) == "0000/2121/0000/0000"
    assert text(continue_part(whole, part, False, True)) == "0120/0120/0120/0120"
    assert text(continue_part(whole, part, True, True)) == "2121/2121/2121/2121"


def test_window_of_colour() -> None:
    whole, marks = image("123/456/789"), image("000/055/005")
    window = window_of_colour(whole, marks, 5)
    assert text(window) == "56/89"
    assert window is not None and (window.y, window.x) == (1, 1)
    assert window_of_colour(whole, marks, 4) is None
    assert window_of_colour(image("1"), marks, 5) is None
