"""Text views to tokens and back, for the same trainers and samplers that work on grids.

A pair is "Input: ...", "Output: ..." and an empty line, which ends an answer. In a task whose
outputs hold empty lines themselves, an answer ends where the next pair would begin, at an empty
line with "Input:" behind it. A view that asks for reasoning ends with "Reasoning:" in place of
"Output:", and what is written there may hold empty lines: it ends at the next "Input:". Positions
are contiguous. Nothing of a view is cut: one that does not fit is refused whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kit.arc.grid import Grid
from kit.encode.encoding import ContextError, Encoded
from kit.encode.free_text import FreeGrammar
from kit.encode.tokenizer import FolderTokenizer
from kit.texts.task import GAP, TextView

BEFORE_INPUT, BEFORE_OUTPUT, BEFORE_REASONING = "Input: ", "\nOutput:", "\nReasoning:"
# The space behind it often belongs to the next token, which is part of the next input.
NEXT = "Input:"
STOP, STOP_GAPPED, STOP_REASONING = GAP, f"{GAP}{NEXT}", f"\n{NEXT}"
DEFAULT_MAX_TOKENS = 2048
ANSWER_ROOM = 64
"""Tokens kept free for an answer that is not known, at the least."""
REASONING_ROOM = 200
"""Tokens kept free for reasoning, such an answer behind it included."""


def room_behind(answer_room: int, reasons: bool) -> int:
    """Tokens kept free behind a prompt: for the answer, and for reasoning if that is asked for."""
    return answer_room + (REASONING_ROOM - ANSWER_ROOM if reasons else 0)


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
        # Models write blanks in front of "Input:" that no prompt has.
        self._end = re.compile(re.escape(stop).replace(NEXT, f"[ \\t]*{NEXT}"))
        self._ends_at_next = NEXT in stop
        self._tokenizer = tokenizer
        self.vocab_size = tokenizer.vocab_size
        self.max_tokens = min(max_tokens, tokenizer.max_tokens or max_tokens)
        ends = [tokenizer.added[tokenizer.eos]] if tokenizer.eos in tokenizer.added else []
        self._ends = frozenset(ends)
        self.grammar = FreeGrammar(tokenizer.vocab_size, tokenizer.texts, ends, stop)

    def encode(self, view: TextView, answer_room: int = ANSWER_ROOM) -> Encoded:
        """Tokens of a view, with its answer if it has one.

        Args:
            answer_room: what `answer_room` says, for a view without an answer.
        Raises:
            ContextError: it does not fit.
        """
        spans: list[tuple[int, int]] = []
        tokens = [*self._tokenizer.bos]
        if view.instruction:
            tokens += self._ids(view.instruction + GAP)
        for pair in view.examples:
            tokens += self._ids(BEFORE_INPUT + pair.input + BEFORE_OUTPUT)
            own = self._ids(f" {pair.output}{GAP}")
            spans.append((len(tokens), len(tokens) + len(own)))
            tokens += own
        prefix = len(tokens)
        cue = BEFORE_REASONING if view.reasons else BEFORE_OUTPUT
        tokens += self._ids(BEFORE_INPUT + view.query + cue)
        room = room_behind(answer_room, view.reasons)
        if view.answer is not None:
            own = self._ended(f" {view.answer}", view.gapped)
            spans.append((len(tokens), len(tokens) + len(own)))
            tokens += own
            room = 0
        if len(tokens) + room > self.max_tokens:
            raise ContextError(
                f"{len(tokens)} tokens and {room} for the answer do not fit {self.max_tokens}"
            )
        where = np.arange(len(tokens), dtype=np.int64)
        return Encoded(np.array(tokens, dtype=np.int64), where, tuple(spans), 0, prefix)

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text)[0]

    def _ended(self, text: str, at_next: bool) -> list[int]:
        """Tokens of an answer and its end, as they would be in a prompt that goes on."""
        return self._ids(text + GAP) + (self._ids(NEXT) if at_next else [])

    def answer_room(self, outputs: Iterable[str]) -> int:
        """Tokens to keep free for an answer like these outputs.

        The one that is asked for may be the longest of all, so it may be half as long again; by
        no more than ANSWER_ROOM, as room is taken from what a prompt may hold.
        """
        answers = (self._ended(f" {output}", self._ends_at_next) for output in outputs)
        longest = max(map(len, answers), default=0)
        return max(ANSWER_ROOM, longest + min(longest // 2, ANSWER_ROOM))

    def echo(self, text: str, room: int) -> str:
        """What is read where a model writes a text and ends it, in at most `room` tokens."""
        tokens = self._ended(text, self._ends_at_next)
        return self.text(np.array(tokens[:room], dtype=np.int64))

    def text(self, answer: np.ndarray) -> str:
        """The text of an answer, its end and white space around it left out."""
        spelled = self._tokenizer.spell([t for t in answer.tolist() if t not in self._ends])
        return self._end.split(spelled, maxsplit=1)[0].strip()

    def answer_tokens(self, grid: Grid) -> np.ndarray:
        """Never asked for: texts have no drafts."""
        raise NotImplementedError("answers of text tasks are no grids")

    def answer_positions(self, prompt: Encoded, answer: np.ndarray) -> np.ndarray:
        """Contiguous positions behind the prompt."""
        return len(prompt) + np.arange(len(answer), dtype=np.int64)
