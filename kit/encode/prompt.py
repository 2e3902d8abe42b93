"""Text formats: the strings that make a grid, a pair and a whole view text, and the way back from
an answer's text to a grid.

Knows nothing of tokens, and of no particular format: those are data in `kit.encode.formats`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from kit.arc.grid import MAX_SIDE, Grid
from kit.arc.task import Pair
from kit.encode.encoding import DecodeError

DIGITS = tuple("0123456789")


@dataclass(frozen=True, slots=True)
class TextFormat:
    """The literal strings of one format.

    `{system}`, `{user}`, `{assistant}` open a turn, `{end}` ends one and `{next}` stands between
    two; `{eos}` is the tokenizer's end of text and `{index}` the number of a demonstration from 1.

    Attributes:
        cells: text of each colour.
        cell_sep, row_sep: between cells and rows; with `terminated` every row ends with row_sep.
        grid_open, grid_close: around every grid.
        head: before the first demonstration.
        demo_open, demo_middle: before a demonstration's input, and between it and its output.
        demo_end: ends a demonstration's output and is learned with it.
        demo_close: after that.
        demo_sep: between demonstrations.
        query_open, query_middle: before the query's input, and between it and the answer.
        answer_open, answer_close: around the answer's grid; written by the model.
        answer_end: the special token that ends the answer.
    """

    name: str
    query_middle: str
    demo_middle: str
    demo_end: str
    cells: tuple[str, ...] = DIGITS
    cell_sep: str = ""
    row_sep: str = "\n"
    terminated: bool = False
    grid_open: str = ""
    grid_close: str = ""
    head: str = ""
    demo_open: str = ""
    demo_close: str = ""
    demo_sep: str = ""
    query_open: str = ""
    answer_open: str = ""
    answer_close: str = ""
    answer_end: str = "{end}"

    def filled(self, slots: Mapping[str, str]) -> TextFormat:
        """The format with `{slot}` replaced in every string, `{index}` left as it is."""
        return replace(
            self,
            **{name: fill(getattr(self, name), slots) for name in STRING_FIELDS},
        )

    def grid_text(self, grid: Grid) -> str:
        """A grid inside a prompt."""
        rows = [self.cell_sep.join(self.cells[c] for c in row) for row in grid]
        body = self.row_sep.join(rows) + (self.row_sep if self.terminated else "")
        return self.grid_open + body + self.grid_close

    def answer_text(self, grid: Grid) -> str:
        """What the model writes for a grid, without the end token."""
        return self.answer_open + self.grid_text(grid) + self.answer_close

    def read_answer(self, text: str) -> Grid:
        """The grid that `answer_text` would have written as `text`.

        Raises:
            DecodeError: it would have written no grid so; never a reshaped or padded one.
        """
        opening = self.answer_open + self.grid_open
        closing = self.grid_close + self.answer_close
        if self.terminated:
            closing = self.row_sep + closing
        if not text.startswith(opening):
            raise DecodeError("garbage", f"does not begin with {opening!r}: {_short(text)}")
        if not text.endswith(closing) or len(text) < len(opening) + len(closing):
            raise DecodeError("truncated", f"does not end with {closing!r}: {_short(text[-40:])}")
        body = text[len(opening) : len(text) - len(closing)]
        return self._read_rows(body.split(self.row_sep))

    def _read_rows(self, rows: Sequence[str]) -> Grid:
        if len(rows) > MAX_SIDE:
            raise DecodeError("too_long", f"{len(rows)} rows, at most {MAX_SIDE} are allowed")
        colours = {cell: colour for colour, cell in enumerate(self.cells)}
        grid = []
        for y, row in enumerate(rows):
            cells = row.split(self.cell_sep) if self.cell_sep else list(row)
            for cell in cells:
                if cell not in colours:
                    raise _bad_cell(cell, y)
            if not 1 <= len(cells) <= MAX_SIDE:
                raise DecodeError(
                    "too_long" if cells else "garbage", f"row {y}: {len(cells)} cells"
                )
            grid.append(tuple(colours[cell] for cell in cells))
        if len(set(map(len, grid))) > 1:
            raise DecodeError("ragged", f"rows of {sorted(set(map(len, grid)))} cells")
        return tuple(grid)


STRING_FIELDS = tuple(
    f.name for f in fields(TextFormat) if f.name not in ("name", "cells", "terminated")
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A view as text, up to where the answer begins.

    Attributes:
        output_spans: [start, end) characters of every demonstration's output with its end marker.
        query_start: character at which the query's part begins.
    """

    text: str
    output_spans: tuple[tuple[int, int], ...]
    query_start: int


def write_prompt(form: TextFormat, examples: Sequence[Pair], query: Grid) -> Prompt:
    """The prompt of a query behind demonstrations; `form` must be filled."""
    parts = [form.head]
    spans = []
    length = len(form.head)
    for index, pair in enumerate(examples):
        opening = (form.demo_sep if index else "") + form.demo_open
        before = fill(opening, {"index": str(index + 1)})
        before += form.grid_text(pair.input) + fill(form.demo_middle, {"index": str(index + 1)})
        output = form.grid_text(pair.output) + form.demo_end
        spans.append((length + len(before), length + len(before) + len(output)))
        parts += [before, output, form.demo_close]
        length += len(before) + len(output) + len(form.demo_close)
    parts += [form.query_open, form.grid_text(query), form.query_middle]
    return Prompt("".join(parts), tuple(spans), length)


def fill(text: str, slots: Mapping[str, str]) -> str:
    """A string with every `{slot}` replaced; unknown braces are left alone."""
    for slot, value in slots.items():
        text = text.replace("{" + slot + "}", value)
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _bad_cell(cell: str, row: int) -> DecodeError:
    number = cell.lstrip("-").isdecimal()
    return DecodeError("out_of_range" if number else "garbage", f"row {row}: cell {_short(cell)}")
