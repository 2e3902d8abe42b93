"""Blocks of text, with and without colours."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.arc.grid import Grid
from kit.validate.terminal import Block, beside, flow, grid_block, text_block, to_text, use_colour

GRID: Grid = ((0, 1, 2), (9, 8, 7))


def plain(line: str) -> str:
    """A line without escape sequences."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_digits_or_two_coloured_spaces_a_cell() -> None:
    assert grid_block(GRID, colour=False) == Block(("0 1 2 ", "9 8 7 "), 6)
    coloured = grid_block(GRID, colour=True)
    assert [plain(line) for line in coloured.lines] == [" " * 6] * 2
    assert coloured.lines[0].startswith("\x1b[48;2;0;0;0m  \x1b[48;2;0;116;217m  ")
    assert all(line.endswith("\x1b[0m") for line in coloured.lines)
    codes = {grid_block(((cell,),), colour=True).lines for cell in range(10)}
    assert len(codes) == 10


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), min_size=1), st.integers(1, 60))
def test_flowing_blocks_are_rectangles_that_fit_where_they_can(
    sizes: list[tuple[int, int]], columns: int
) -> None:
    blocks = [grid_block(((1,) * width,) * height, colour=True) for height, width in sizes]
    block = flow(blocks, columns, 2)
    assert {len(plain(line)) for line in block.lines} == {block.width}
    assert block.width <= max(columns, *(part.width for part in blocks))
    cells = sum(line.count("\x1b[48;2;0;116;217m") for line in block.lines)
    assert cells == sum(height * width for height, width in sizes)


def test_blocks_of_unequal_height_are_filled_up() -> None:
    block = beside([text_block("a"), text_block("bb", "c")], 1)
    assert block == Block(("a bb", "  c "), 4)
    assert to_text(block) == "a bb\n  c"


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert use_colour(Terminal())
    assert not use_colour(io.StringIO())
    assert use_colour(io.StringIO(), "always")
    assert not use_colour(Terminal(), "never")
    monkeypatch.setenv("TERM", "dumb")
    assert not use_colour(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not use_colour(Terminal())
    assert use_colour(Terminal(), "always")
