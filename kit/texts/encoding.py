"""Text views to tokens and back, for the same trainers and samplers that work on grids.

A pair is "Input: ...", "Output: ..." and an empty line; the empty line ends an answer. A view that
asks for reasoning ends with "Reasoning:" in place of "Output:", and what is written there may hold
empty lines: it ends where the next input would begin. Positions are contiguous. Nothing of a view
is cut: one that does not fit is refused whole.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kit.arc.grid import Grid
from kit.encode.encoding import ContextError, Encoded
from kit.encode.free_text import FreeGrammar
from kit.encode.tokenizer import FolderTokenizer
from kit.texts.task import TextView

BEFORE_INPUT, BEFORE_OUTPUT, STOP = "Input: ", "\nOutput:", "\n\n"
BEFORE_REASONING, STOP_REASONING = "\nReasoning:", "\nInput:"
DEFAULT_MAX_TOKENS = 2048
ANSWER_ROOM = 64
"""Tokens kept free for an answer that is not known."""
REASONING_ROOM = 200
"""Tokens kept free for reasoning, the answer behind it included."""


class TextPairEncoding:
    """Implements `Answers`, and `encode` for text views, of one model folder.

    Args:
        folder: Hugging Face model folder with tokenizer.json.
        stop: ends what is written behind a view.
    Raises:
        FileNotFoundError, ValueError: the tokenizer cannot be read.
    """

    name = "text pairs"

    def __init__(
        self, folder: Path, max_tokens: int = DEFAULT_MAX_TOKENS, stop: str = STOP
    ) -> None:
        tokenizer = FolderTokenizer(folder)
        self._stop = stop
        self._tokenizer = tokenizer
        self.vocab_size = tokenizer.vocab_size
        self.max_tokens = min(max_tokens, tokenizer.max_tokens or max_tokens)
        ends = [tokenizer.added[tokenizer.eos]] if tokenizer.eos in tokenizer.added else []
        self._ends = frozenset(ends)
        self.grammar = FreeGrammar(tokenizer.vocab_size, tokenizer.texts, ends, stop)

    def encode(self, view: TextView) -> Encoded:
        """Tokens of a view, with its answer if it has one.

        Raises:
            ContextError: it does not fit.
        """
        spans: list[tuple[int, int]] = []
        tokens = [*self._tokenizer.bos]
        if view.instruction:
            tokens += self._ids(view.instruction + STOP)
        for pair in view.examples:
            tokens += self._ids(BEFORE_INPUT + pair.input + BEFORE_OUTPUT)
            tokens, span = self._with_output(tokens, pair.output)
            spans.append(span)
        prefix = len(tokens)
        cue = BEFORE_REASONING if view.reasons else BEFORE_OUTPUT
        tokens += self._ids(BEFORE_INPUT + view.query + cue)
        room = REASONING_ROOM if view.reasons else ANSWER_ROOM
        if view.answer is not None:
            tokens, span = self._with_output(tokens, view.answer)
            spans.append(span)
            room = 0
        if len(tokens) + room > self.max_tokens:
            raise ContextError(
                f"{len(tokens)} tokens and {room} for the answer do not fit {self.max_tokens}"
            )
        where = np.arange(len(tokens), dtype=np.int64)
        return Encoded(np.array(tokens, dtype=np.int64), where, tuple(spans), 0, prefix)

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text)[0]

    def _with_output(self, tokens: list[int], output: str) -> tuple[list[int], tuple[int, int]]:
        """Tokens with an output and its end behind them, and the span of both."""
        own = self._ids(f" {output}{STOP}")
        return tokens + own, (len(tokens), len(tokens) + len(own))

    def text(self, answer: np.ndarray) -> str:
        """The text of an answer, its end and white space around it left out."""
        spelled = self._tokenizer.spell([t for t in answer.tolist() if t not in self._ends])
        return spelled.split(self._stop)[0].strip()

    def answer_tokens(self, grid: Grid) -> np.ndarray:
        """Never asked for: texts have no drafts."""
        raise NotImplementedError("answers of text tasks are no grids")

    def answer_positions(self, prompt: Encoded, answer: np.ndarray) -> np.ndarray:
        """Contiguous positions behind the prompt."""
        return len(prompt) + np.arange(len(answer), dtype=np.int64)
