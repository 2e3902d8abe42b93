"""One token per cell with row separators: the encoding of the bundled model.

A pair is: START_INPUT, input rows each ended by ROW_IN, START_OUTPUT, output rows each ended by
ROW_OUT, END. Inputs and outputs use different colour tokens, so the model knows the plane without
looking at positions. With contiguous positions the sequence begins with the token LINE, by which
one set of weights knows how positions are counted. 27 of 32 token ids are in use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kit.arc.grid import MAX_SIDE, Grid
from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode.encoding import ContextError, DecodeError, Encoded
from kit.encode.positions import Scheme, grid_positions

OUT_COLOUR = 0
IN_COLOUR = 10
ROW_OUT = 20
ROW_IN = 21
START_INPUT = 22
START_OUTPUT = 23
END = 24
PAD = 25
LINE = 26
VOCAB = 32

TOKEN_NAMES = (
    *(f"o{c}" for c in range(10)),
    *(f"i{c}" for c in range(10)),
    "<row_out>",
    "<row_in>",
    "<input>",
    "<output>",
    "<end>",
    "<pad>",
    "<line>",
    *(f"<spare{i}>" for i in range(5)),
)


def plane_tokens(grid: Grid, first_colour: int, row: int) -> np.ndarray:
    """(H * (W + 1),) tokens of a grid, every row ended by the separator `row`."""
    height, width = len(grid), len(grid[0])
    tokens = np.full((height, width + 1), row, dtype=np.int64)
    tokens[:, :width] = grid
    tokens[:, :width] += first_colour
    return tokens.ravel()


class CellGrammar:
    """Legal answer tokens: rectangular, at most 30 by 30. States are 0 = nothing read, else
    1 + (row * 31 + column) * 31 + width, with width 0 while the first row is open."""

    start = 1
    _FINAL = 0

    def __init__(self) -> None:
        cells = np.arange(10, dtype=np.int64)
        self._cells = cells
        self._cells_or_row = np.append(cells, ROW_OUT)
        self._cells_or_end = np.append(cells, END)
        self._row = np.array([ROW_OUT], dtype=np.int64)
        self._end = np.array([END], dtype=np.int64)
        self._nothing = np.array([], dtype=np.int64)
        self.alphabet = np.array([*range(10), ROW_OUT, END], dtype=np.int64)

    @staticmethod
    def _unpack(state: int) -> tuple[int, int, int]:
        rest, width = divmod(state - 1, 31)
        row, column = divmod(rest, 31)
        return row, column, width

    @staticmethod
    def _pack(row: int, column: int, width: int) -> int:
        return 1 + (row * 31 + column) * 31 + width

    def legal(self, state: int) -> np.ndarray:
        """Sorted ids allowed in `state`."""
        if state == self._FINAL:
            return self._nothing
        row, column, width = self._unpack(state)
        if width == 0:
            if column == 0:
                return self._cells
            return self._row if column == MAX_SIDE else self._cells_or_row
        if column == 0:
            return self._end if row == MAX_SIDE else self._cells_or_end
        return self._row if column == width else self._cells

    def step(self, state: int, token: int) -> int:
        """State after `token`; KeyError if it is not legal."""
        if state == self._FINAL or not self._allows(state, token):
            raise KeyError(f"token {token} is not legal here")
        row, column, width = self._unpack(state)
        if token == END:
            return self._FINAL
        if token == ROW_OUT:
            return self._pack(row + 1, 0, width or column)
        return self._pack(row, column + 1, width)

    def _allows(self, state: int, token: int) -> bool:
        row, column, width = self._unpack(state)
        if token == END:
            return width > 0 and column == 0
        if token == ROW_OUT:
            return column == width if width else column > 0
        fits = column < (width or MAX_SIDE) and row < MAX_SIDE
        return 0 <= token < 10 and fits

    def is_final(self, state: int) -> bool:
        """Whether the end marker has been read."""
        return state == self._FINAL


class CellEncoding:
    """Encoding of the bundled model; see the module docstring."""

    name = "cells"
    vocab_size = VOCAB

    def __init__(self, positions: Scheme = "aligned", max_tokens: int = 8192) -> None:
        self.grammar = CellGrammar()
        self.max_tokens = max_tokens
        self._scheme: Scheme = positions
        self._head = [LINE] if positions == "contiguous" else []

    def encode(self, view: View) -> Encoded:
        """Tokens of a view; see `Encoding.encode`."""
        query_tokens = len(view.query) * (len(view.query[0]) + 1) + 2
        answer = view.answer if view.answer is not None else _largest_output(view.examples)
        room = self.max_tokens - len(self._head) - query_tokens - _plane_len(answer) - 1
        examples = view.examples
        while examples and sum(map(pair_len, examples)) > room:
            examples = examples[1:]
        if (view.examples and not examples) or room < 0:
            raise ContextError(
                f"task {view.task_id}: one demonstration and the query do not fit "
                f"{self.max_tokens} tokens"
            )
        return self._assemble(view, examples)

    def _assemble(self, view: View, examples: tuple[Pair, ...]) -> Encoded:
        tokens: list[np.ndarray] = [np.array(self._head, dtype=np.int64)]
        positions: list[np.ndarray] = []
        spans: list[tuple[int, int]] = []
        length = len(self._head)
        for index, pair in enumerate(examples):
            tokens += [pair_tokens(pair)]
            positions += [pair_positions(pair.input, pair.output, index)]
            length += len(tokens[-1])
            spans.append((length - _plane_len(pair.output) - 1, length))
        prefix = length
        query = len(examples)
        tokens += [_query_tokens(view.query)]
        positions += [_query_positions(view.query, query)]
        length += len(tokens[-1])
        if view.answer is not None:
            tokens.append(self.answer_tokens(view.answer))
            positions.append(grid_positions(*_shape(view.answer), query)[1:])
            spans.append((length, length + len(tokens[-1])))
        flat = np.concatenate(tokens)
        where = (
            np.concatenate(positions)
            if self._scheme == "aligned"
            else np.arange(len(flat), dtype=np.int64)
        )
        return Encoded(flat, where, tuple(spans), len(view.examples) - query, prefix)

    def answer_tokens(self, grid: Grid) -> np.ndarray:
        """Rows, separators, END."""
        return np.append(plane_tokens(grid, OUT_COLOUR, ROW_OUT), END)

    def answer_positions(self, prompt: Encoded, answer: np.ndarray) -> np.ndarray:
        """Positions of answer tokens, which follow from the separators among them."""
        if self._scheme == "contiguous":
            return len(prompt) + np.arange(len(answer), dtype=np.int64)
        start = int(prompt.positions[-1])
        rows = np.cumsum(answer == ROW_OUT)
        begins = np.zeros(len(answer), dtype=np.int64)
        separators = np.flatnonzero(answer == ROW_OUT)
        begins[separators] = separators
        column = np.arange(len(answer)) - np.maximum.accumulate(begins)
        # Before the first separator the leading token is START_OUTPUT, one before index 0.
        column += rows == 0
        return start + rows * 32 + column

    def decode(self, answer: np.ndarray) -> Grid:
        """The grid of an answer; see `Encoding.decode`."""
        ends = np.flatnonzero(answer == END)
        if not len(ends):
            raise DecodeError("truncated", f"no end marker in {len(answer)} tokens")
        body = answer[: ends[0]].tolist()
        rows: list[tuple[int, ...]] = []
        row: list[int] = []
        for token in body:
            if token == ROW_OUT:
                rows.append(tuple(row))
                row = []
            elif 0 <= token < 10:
                row.append(token)
            else:
                raise DecodeError("out_of_range", f"token {token} is no cell of an output")
        if row:
            raise DecodeError("truncated", "the last row has no separator")
        return _checked(rows)


def _checked(rows: Sequence[tuple[int, ...]]) -> Grid:
    if not rows or not rows[0]:
        raise DecodeError("garbage", "an empty grid")
    if len(rows) > MAX_SIDE or max(map(len, rows)) > MAX_SIDE:
        raise DecodeError("too_long", f"{len(rows)} rows of up to {max(map(len, rows))} cells")
    if len(set(map(len, rows))) > 1:
        raise DecodeError("ragged", f"rows of {sorted(set(map(len, rows)))} cells")
    return tuple(rows)


def _shape(grid: Grid) -> tuple[int, int]:
    return len(grid), len(grid[0])


def _plane_len(grid: Grid) -> int:
    return len(grid) * (len(grid[0]) + 1)


def pair_len(pair: Pair) -> int:
    """Tokens of a whole pair."""
    return _plane_len(pair.input) + _plane_len(pair.output) + 3


def _largest_output(examples: Sequence[Pair]) -> Grid:
    """Room to keep for an answer that is not known: the largest demonstrated output."""
    return max((p.output for p in examples), key=_plane_len, default=((0,) * 30,) * 30)


def _query_tokens(grid: Grid) -> np.ndarray:
    return np.concatenate(
        [[START_INPUT], plane_tokens(grid, IN_COLOUR, ROW_IN), [START_OUTPUT]]
    ).astype(np.int64)


def _query_positions(grid: Grid, pair: int) -> np.ndarray:
    own = grid_positions(*_shape(grid), pair)
    return np.append(own[:-1], own[0])


def pair_tokens(pair: Pair) -> np.ndarray:
    """(pair_len,) tokens of one demonstration."""
    return np.concatenate(
        [_query_tokens(pair.input), plane_tokens(pair.output, OUT_COLOUR, ROW_OUT), [END]]
    )


def pair_positions(input_grid: Grid, output_grid: Grid, pair: int) -> np.ndarray:
    """(pair_len,) aligned positions of one demonstration."""
    return np.concatenate(
        [_query_positions(input_grid, pair), grid_positions(*_shape(output_grid), pair)[1:]]
    )
