"""Which tokens may come next inside an answer, for any tokenizer: an automaton over characters,
lifted to token ids.

The text of an answer is `prefix + rows + suffix`; rows are cells with `cell_sep` between them, and
are either joined by `row_sep` or each terminated by it. Tokens may hold part of a cell, several
cells, or a separator together with its neighbours. States are built when first reached. Does not
choose between several tokenizations of one text: every way to spell a legal grid is legal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from kit.arc.grid import MAX_SIDE

_PREFIX, _CELL_SEP, _ROW_SEP, _SUFFIX, _DONE = range(10, 15)
# Pieces 0 to 9 are the cells.

_Item = tuple[int, int, int, int, int]
"""(piece, characters of it already read, row, column, width); width 0 while the first row is open.
One state is a sorted tuple of items, because cells or separators may share their first letters."""


class TextGrammar:
    """Legal answer tokens of a text format; implements `kit.encode.encoding.Grammar`.

    Args:
        token_strings: text of every token that may be used, by token id; ids whose text is not
            known (special tokens, parts of characters) are left out.
        cells: 10 strings, one per colour.
        cell_sep: between the cells of a row; may be empty.
        row_sep: between rows, or after every row when `terminated`.
        prefix: before the first cell.
        suffix: after the last row.
        end_tokens: ids that end a complete answer.
    Attributes:
        alphabet: sorted ids of all tokens spelled with the format's characters, and the end tokens.
    Raises:
        ValueError: not 10 distinct cells, an empty cell or `row_sep`, or no end token.
    """

    start = 1
    _FINAL = 0

    def __init__(
        self,
        token_strings: Mapping[int, str],
        cells: Sequence[str],
        cell_sep: str,
        row_sep: str,
        prefix: str,
        suffix: str,
        end_tokens: Sequence[int],
        terminated: bool = False,
    ) -> None:
        if len(cells) != 10 or len(set(cells)) != 10 or not all(cells):
            raise ValueError(f"cells must be 10 distinct non-empty strings, got {list(cells)}")
        if not row_sep:
            raise ValueError("row_sep must not be empty, or rows could not be told apart")
        if not end_tokens:
            raise ValueError("end_tokens must hold at least one token id, got none")
        self._pieces = (*cells, prefix, cell_sep, row_sep, suffix)
        self._terminated = terminated
        self._end_tokens = tuple(sorted(set(end_tokens)))
        alphabet = set("".join(self._pieces))
        self._strings = {
            token: text
            for token, text in token_strings.items()
            if text and alphabet.issuperset(text) and token not in self._end_tokens
        }
        self.alphabet = np.array(sorted({*self._strings, *self._end_tokens}), dtype=np.int64)
        self._trie = _trie(self._strings)
        start = tuple(sorted(set(self._enter(_PREFIX, 0, 0, 0))))
        self._items: list[tuple[_Item, ...]] = [(), start]
        self._ids: dict[tuple[_Item, ...], int] = {(): self._FINAL, start: self.start}
        self._moves: dict[int, dict[str, int]] = {}
        self._legal: dict[int, np.ndarray] = {}
        self._arrays: dict[bytes, np.ndarray] = {}

    def legal(self, state: int) -> np.ndarray:
        """Sorted (n,) int64 ids allowed in `state`; empty in the final state."""
        found = self._legal.get(state)
        if found is None:
            tokens = np.array(sorted(self._legal_tokens(state)), dtype=np.int64)
            # Few distinct sets occur, so states share their arrays.
            found = self._arrays.setdefault(tokens.tobytes(), tokens)
            self._legal[state] = found
        return found

    def step(self, state: int, token: int) -> int:
        """State after `token`; KeyError if it is not legal."""
        if token in self._end_tokens and self._complete(state):
            return self._FINAL
        text = self._strings.get(token)
        if text is None:
            raise KeyError(f"token {token} is not legal here")
        for char in text:
            after = self._char_moves(state).get(char)
            if after is None:
                raise KeyError(f"token {token} ({text!r}) is not legal here")
            state = after
        return state

    def is_final(self, state: int) -> bool:
        """Whether an end token has been read."""
        return state == self._FINAL

    def _complete(self, state: int) -> bool:
        return any(item[0] == _DONE for item in self._items[state])

    def _legal_tokens(self, state: int) -> Iterator[int]:
        """Tokens whose characters the automaton can read from `state`."""
        if self._complete(state):
            yield from self._end_tokens
        stack = [(self._trie, state)]
        while stack:
            node, at = stack.pop()
            yield from node.tokens
            if not node.children:
                continue
            for char, after in self._char_moves(at).items():
                child = node.children.get(char)
                if child is not None:
                    stack.append((child, after))

    def _char_moves(self, state: int) -> dict[str, int]:
        """State after each character that may follow."""
        moves = self._moves.get(state)
        if moves is None:
            reached: dict[str, set[_Item]] = {}
            for item in self._items[state]:
                if item[0] != _DONE:
                    char = self._pieces[item[0]][item[1]]
                    reached.setdefault(char, set()).update(self._advance(item))
            moves = {char: self._intern(items) for char, items in sorted(reached.items())}
            self._moves[state] = moves
        return moves

    def _intern(self, items: set[_Item]) -> int:
        key = tuple(sorted(items))
        found = self._ids.setdefault(key, len(self._items))
        if found == len(self._items):
            self._items.append(key)
        return found

    def _advance(self, item: _Item) -> Iterator[_Item]:
        """Items after one more character of the item's piece."""
        piece, offset, row, column, width = item
        if offset + 1 < len(self._pieces[piece]):
            yield piece, offset + 1, row, column, width
        else:
            yield from self._leave(piece, row, column, width)

    def _enter(self, piece: int, row: int, column: int, width: int) -> Iterator[_Item]:
        """Items at the start of a piece; an empty one is left at once."""
        if self._pieces[piece]:
            yield piece, 0, row, column, width
        else:
            yield from self._leave(piece, row, column, width)

    def _enter_cell(self, row: int, column: int, width: int) -> Iterator[_Item]:
        for cell in range(10):
            yield cell, 0, row, column, width

    def _leave(self, piece: int, row: int, column: int, width: int) -> Iterator[_Item]:
        """Items that may follow a piece that has been read whole."""
        if piece < 10:
            yield from self._leave_cell(row, column + 1, width)
        elif piece == _ROW_SEP:
            if row + 1 < MAX_SIDE:
                yield from self._enter_cell(row + 1, 0, width)
            if self._terminated:
                yield from self._enter(_SUFFIX, 0, 0, 0)
        elif piece == _SUFFIX:
            yield _DONE, 0, 0, 0, 0
        else:
            yield from self._enter_cell(row, column, width)

    def _leave_cell(self, row: int, column: int, width: int) -> Iterator[_Item]:
        """Items after the cell before `column`: another cell, the next row, or the end."""
        if column < (width or MAX_SIDE):
            yield from self._enter(_CELL_SEP, row, column, width)
        if width in (0, column):
            if self._terminated or row + 1 < MAX_SIDE:
                yield from self._enter(_ROW_SEP, row, 0, column)
            if not self._terminated:
                yield from self._enter(_SUFFIX, 0, 0, 0)


class _TrieNode:
    __slots__ = ("children", "tokens")

    def __init__(self) -> None:
        self.children: dict[str, _TrieNode] = {}
        self.tokens: list[int] = []


def _trie(strings: Mapping[int, str]) -> _TrieNode:
    """Tokens by their text, so that one walk finds all that fit."""
    root = _TrieNode()
    for token, text in strings.items():
        node = root
        for char in text:
            node = node.children.setdefault(char, _TrieNode())
        node.tokens.append(token)
    return root
