"""The contract between views and token sequences; one implementation per format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kit.arc.grid import Grid
from kit.augment.views import View


class ContextError(ValueError):
    """A view does not fit the context, even with a single demonstration left."""


class DecodeError(ValueError):
    """A completion is no grid. `reason` is one of a few fixed words, so that it can be counted:
    "truncated", "ragged", "too_long", "out_of_range", "garbage"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One view as tokens.

    Attributes:
        tokens: (T,) int64 token ids; prompt, then the answer when the view has one.
        positions: (T,) int64 position ids given to the model's rotary embedding.
        output_spans: [start, end) token ranges of every demonstration's output in order, then of
            the answer when there is one; a span covers all tokens the model must produce for that
            output, its end marker included.
        num_dropped: demonstrations left out to fit the context.
        prefix_len: tokens before the query's input (demonstrations only), the part that views of
            several test inputs share.
    """

    tokens: np.ndarray
    positions: np.ndarray
    output_spans: tuple[tuple[int, int], ...]
    num_dropped: int = 0
    prefix_len: int = 0

    def __len__(self) -> int:
        return len(self.tokens)


class Grammar(Protocol):
    """Which tokens may come next inside an answer: a deterministic automaton over token ids.

    Accepts exactly the encodings of rectangular grids of 1..30 by 1..30. States are small ints;
    `legal` and `step` are cached look-ups, so a decoding loop may call them per token.

    Attributes:
        start: the state before the first answer token.
        alphabet: sorted (n,) int64 ids of all tokens that are legal in some state; samplers
            compute logits of these alone.
    """

    start: int
    alphabet: np.ndarray

    def legal(self, state: int) -> np.ndarray:
        """Sorted (n,) int64 ids of the tokens allowed in `state`; empty in a final state."""
        ...

    def step(self, state: int, token: int) -> int:
        """The state after `token`. Raises KeyError if it is not legal."""
        ...

    def is_final(self, state: int) -> bool:
        """Whether the answer is complete (its end marker has been read)."""
        ...


class Answers(Protocol):
    """What samplers need to know of answers: which there are, and where they stand."""

    max_tokens: int
    grammar: Grammar

    def answer_tokens(self, grid: Grid) -> np.ndarray:
        """(A,) int64 tokens that follow a prompt to answer `grid`, end marker included."""
        ...

    def answer_positions(self, prompt: Encoded, answer: np.ndarray) -> np.ndarray:
        """(A,) int64 position ids of the first A answer tokens behind `prompt`."""
        ...


class Encoding(Answers, Protocol):
    """One format of one model: views to tokens, completions to grids."""

    name: str
    vocab_size: int

    def encode(self, view: View) -> Encoded:
        """Tokens of a view, with its answer if it has one.

        Drops whole demonstrations from the front (never the last one, never part of a grid) until
        prompt plus room for the answer fits `max_tokens`.

        Raises:
            ContextError: it does not fit with one demonstration left.
        """
        ...

    def decode(self, answer: np.ndarray) -> Grid:
        """The grid spelled by answer tokens (with or without the end marker's padding after it).

        Raises:
            DecodeError: truncated, ragged, too long or out of range.
        """
        ...
