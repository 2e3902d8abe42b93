"""Free text as answers, so that a `Sampler` continues any text: no grid, and a grammar in which
every token is legal until an end token or the stop text.

What it does: implements `kit.encode.encoding.Answers` for a model folder. What it does not: know
what is asked for, or read answers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kit.arc.grid import Grid
from kit.encode.encoding import ContextError, Encoded
from kit.encode.formats import chat_slots, choose_chat
from kit.encode.tokenizer import FolderTokenizer


class FreeGrammar:
    """Implements `Grammar`: a state is how much of the stop text has just been written.

    Args:
        vocab_size: rows of the model's output.
        texts: of ordinary tokens by id.
        ends: ids of end tokens.
        stop: ends the answer where it appears; "" for never.
    """

    def __init__(
        self, vocab_size: int, texts: dict[int, str], ends: Sequence[int], stop: str = ""
    ) -> None:
        self.start = 0
        self.alphabet = np.arange(vocab_size, dtype=np.int64)
        self._texts = texts
        self._ends = frozenset(ends)
        self._stop = stop
        self._final = max(1, len(stop))
        self._none = np.zeros(0, dtype=np.int64)

    def legal(self, state: int) -> np.ndarray:
        """See `Grammar.legal`."""
        return self._none if state == self._final else self.alphabet

    def step(self, state: int, token: int) -> int:
        """See `Grammar.step`."""
        if state == self._final or not 0 <= token < len(self.alphabet):
            raise KeyError(token)
        if token in self._ends:
            return self._final
        if not self._stop:
            return self.start
        written = self._stop[:state] + self._texts.get(token, "\ufffd")
        if self._stop in written:
            return self._final
        return max(n for n in range(len(self._stop)) if written.endswith(self._stop[:n]))

    def is_final(self, state: int) -> bool:
        """See `Grammar.is_final`."""
        return state == self._final


class FreeText:
    """Any text before, any text behind; see `kit.encode.encoding.Answers`.

    Args:
        folder: Hugging Face model folder with tokenizer.json.
        max_tokens: context; never more than the model's own.
        stop: ends an answer where it appears in it.

    Attributes:
        slots: role markers of the chat that the model speaks, see `kit.encode.formats.CHATS`.
    Raises:
        FileNotFoundError, ValueError: the tokenizer cannot be read.
    """

    def __init__(self, folder: Path, max_tokens: int, stop: str = "") -> None:
        tokenizer = FolderTokenizer(folder)
        self._tokenizer = tokenizer
        self.max_tokens = min(max_tokens, tokenizer.max_tokens or max_tokens)
        self.slots = chat_slots(choose_chat(tokenizer.added), tokenizer.eos)
        named = {tokenizer.added.get(text) for text in (self.slots["end"], tokenizer.eos)}
        self._ends = frozenset(token for token in named if token is not None)
        self.grammar = FreeGrammar(tokenizer.vocab_size, tokenizer.texts, sorted(self._ends), stop)

    def encode_text(self, text: str, room: int) -> Encoded:
        """Tokens of a text, role markers in it recognised.

        Args:
            room: tokens to leave free for the answer.
        Raises:
            ContextError: text and room do not fit.
        """
        ids, _ = self._tokenizer.encode(text)
        tokens = np.array([*self._tokenizer.bos, *ids], dtype=np.int64)
        if len(tokens) + room > self.max_tokens:
            raise ContextError(
                f"{len(tokens)} tokens and an answer of {room} do not fit {self.max_tokens}"
            )
        return Encoded(tokens, np.arange(len(tokens), dtype=np.int64), ())

    def decode_text(self, answer: np.ndarray) -> str:
        """Text of an answer's tokens, end tokens left out."""
        return self._tokenizer.spell([t for t in answer.tolist() if t not in self._ends])

    def answer_tokens(self, grid: Grid) -> np.ndarray:
        """Tokens of a grid as JSON; only drafts would ask for them."""
        ids, _ = self._tokenizer.encode(json.dumps(grid))
        return np.array(ids, dtype=np.int64)

    def answer_positions(self, prompt: Encoded, answer: np.ndarray) -> np.ndarray:
        """Contiguous positions behind the prompt."""
        return len(prompt) + np.arange(len(answer), dtype=np.int64)
