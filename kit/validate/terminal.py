"""Grids as text: ARC's colours where a terminal shows them, digits elsewhere.

What it does: makes blocks of text of known width and puts them beside or below each other.
What it does not: know what the blocks mean (`kit.validate.show` does), or print.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

from kit.arc.grid import Grid

ColourChoice = Literal["auto", "always", "never"]

# Source: colours of the testing interface of fchollet/ARC-AGI, apps/css/common.css.
_PALETTE = (
    (0x00, 0x00, 0x00),
    (0x00, 0x74, 0xD9),
    (0xFF, 0x41, 0x36),
    (0x2E, 0xCC, 0x40),
    (0xFF, 0xDC, 0x00),
    (0xAA, 0xAA, 0xAA),
    (0xF0, 0x12, 0xBE),
    (0xFF, 0x85, 0x1B),
    (0x7F, 0xDB, 0xFF),
    (0x87, 0x0C, 0x25),
)

_RESET = "\x1b[0m"
_CELLS = tuple(f"\x1b[48;2;{red};{green};{blue}m  " for red, green, blue in _PALETTE)


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of text.

    Attributes:
        lines: every one `width` columns wide on the screen; escape sequences do not count.
    """

    lines: tuple[str, ...]
    width: int


def use_colour(stream: TextIO, choice: ColourChoice = "auto") -> bool:
    """Whether grids are to be coloured on a stream.

    "auto" wants a terminal that is not "dumb", and NO_COLOR unset (https://no-color.org).
    """
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def text_block(*lines: str) -> Block:
    """A block of plain lines, filled up with spaces."""
    width = max(map(len, lines), default=0)
    return Block(tuple(line.ljust(width) for line in lines), width)


def grid_block(grid: Grid, colour: bool) -> Block:
    """A grid, two columns per cell: coloured spaces, or digits with a space between them."""
    if colour:
        lines = tuple("".join(_CELLS[cell] for cell in row) + _RESET for row in grid)
    else:
        lines = tuple("".join(f"{cell} " for cell in row) for row in grid)
    return Block(lines, 2 * len(grid[0]))


def above(blocks: Sequence[Block]) -> Block:
    """Blocks below each other, aligned at the left."""
    width = max(block.width for block in blocks)
    lines = (line + " " * (width - block.width) for block in blocks for line in block.lines)
    return Block(tuple(lines), width)


def beside(blocks: Sequence[Block], gap: int) -> Block:
    """Blocks next to each other, aligned at the top, `gap` columns between them."""
    height = max(len(block.lines) for block in blocks)
    padded = [block.lines + (" " * block.width,) * (height - len(block.lines)) for block in blocks]
    lines = tuple((" " * gap).join(parts) for parts in zip(*padded, strict=True))
    return Block(lines, sum(block.width for block in blocks) + gap * (len(blocks) - 1))


def flow(blocks: Sequence[Block], columns: int, gap: int) -> Block:
    """Blocks in rows that fit `columns` where they can, an empty line between rows."""
    rows: list[list[Block]] = []
    for block in blocks:
        if rows and beside([*rows[-1], block], gap).width <= columns:
            rows[-1].append(block)
        else:
            rows.append([block])
    parts = [part for row in rows for part in (beside(row, gap), text_block(""))]
    return above(parts[:-1])


def to_text(block: Block) -> str:
    """The lines of a block, without spaces at their ends."""
    return "\n".join(line.rstrip() for line in block.lines)
