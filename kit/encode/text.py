"""Views as text through a model's own tokenizer: the encoding of ordinary language models.

Prompts are tokenized whole, as the model has seen them in training; where outputs lie is found by
character offsets, never by token ids. Positions are contiguous. Chat templates of tokenizers are
not run: role markers come from `kit.encode.formats`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kit.arc.grid import MAX_SIDE, Grid
from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode.encoding import ContextError, DecodeError, Encoded
from kit.encode.formats import chat_slots, choose_chat, text_format
from kit.encode.grammar import TextGrammar
from kit.encode.prompt import Prompt, TextFormat, write_prompt
from kit.encode.tokenizer import FolderTokenizer

MAX_TOKENS = 8192
"""Context that the published checkpoints were trained with; more is not used by default."""

_LARGEST: Grid = ((0,) * MAX_SIDE,) * MAX_SIDE


class TextEncoding:
    """Encoding of a text format; see `kit.encode.encoding.Encoding`.

    Args:
        folder: Hugging Face model folder with tokenizer.json.
        format_name: one of `kit.encode.formats.TEXT_FORMATS`.
        max_tokens: context; None for the model's own, at most MAX_TOKENS.
        settings: `arc_format.json`'s object; "texts" replaces strings of the format, "chat" names
            the role markers where the choice by special tokens is wrong.
    Raises:
        FileNotFoundError: no tokenizer.json.
        ValueError: unknown format, setting or chat, or the tokenizer cannot spell the format.
    """

    def __init__(
        self,
        folder: Path,
        format_name: str,
        max_tokens: int | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        tokenizer = FolderTokenizer(folder)
        self._tokenizer = tokenizer
        self.name = format_name
        self.form = filled_format(tokenizer, format_name, settings or {})
        self.vocab_size = tokenizer.vocab_size
        self.max_tokens = max_tokens or min(tokenizer.max_tokens or MAX_TOKENS, MAX_TOKENS)
        self._end = self._end_token(folder)
        # Text that stands between the last special token and the answer, tokenized with every
        # answer so that an answer alone gets the tokens that it gets behind a prompt.
        self._before = self.form.query_middle
        self._num_before = len(tokenizer.encode(self._before)[0])
        self._lead = self._find_lead(folder)
        self.grammar = TextGrammar(
            tokenizer.texts,
            self.form.cells,
            self.form.cell_sep,
            self.form.row_sep,
            self._lead + self.form.answer_open + self.form.grid_open,
            self.form.grid_close + self.form.answer_close,
            [self._end],
            self.form.terminated,
        )

    def encode(self, view: View) -> Encoded:
        """Tokens of a view; see `Encoding.encode`."""
        answer = None if view.answer is None else self.answer_tokens(view.answer)
        room = self.max_tokens
        room -= len(self._room_answer(view.examples)) if answer is None else len(answer)
        examples = view.examples
        while True:
            prompt = write_prompt(self.form, examples, view.query)
            ids, offsets = self._tokenizer.encode(prompt.text)
            if len(self._tokenizer.bos) + len(ids) <= room:
                break
            examples = examples[1:]
            if not examples:
                raise ContextError(
                    f"task {view.task_id}: one demonstration and the query do not fit "
                    f"{self.max_tokens} tokens"
                )
        dropped = len(view.examples) - len(examples)
        return self._assemble(prompt, ids, offsets, answer, dropped)

    def answer_tokens(self, grid: Grid) -> np.ndarray:
        """Tokens of an answer behind a prompt, end token included."""
        ids, _ = self._tokenizer.encode(self._before + self.form.answer_text(grid))
        return np.array([*ids[self._num_before :], self._end], dtype=np.int64)

    def answer_positions(self, prompt: Encoded, answer: np.ndarray) -> np.ndarray:
        """Contiguous positions behind the prompt."""
        return len(prompt) + np.arange(len(answer), dtype=np.int64)

    def decode(self, answer: np.ndarray) -> Grid:
        """The grid of an answer; see `Encoding.decode`."""
        ends = np.flatnonzero(np.asarray(answer) == self._end)
        if not len(ends):
            raise DecodeError("truncated", f"no end token in {len(answer)} tokens")
        return self.form.read_answer(self._spell(answer[: ends[0]].tolist()))

    def _assemble(
        self,
        prompt: Prompt,
        ids: Sequence[int],
        offsets: Sequence[tuple[int, int]],
        answer: np.ndarray | None,
        num_dropped: int,
    ) -> Encoded:
        bos = self._tokenizer.bos
        ends = np.array([end for _, end in offsets], dtype=np.int64)
        starts = np.array([start for start, _ in offsets], dtype=np.int64)
        spans = [
            # Every token that holds a character of the output, also one that begins before it.
            (
                len(bos) + int(np.searchsorted(ends, begin, side="right")),
                len(bos) + int(np.searchsorted(starts, end, side="left")),
            )
            for begin, end in prompt.output_spans
        ]
        prefix = len(bos) + int(np.searchsorted(ends, prompt.query_start, side="right"))
        tokens = np.array([*bos, *ids], dtype=np.int64)
        if answer is not None:
            spans.append((len(tokens), len(tokens) + len(answer)))
            tokens = np.concatenate([tokens, answer])
        positions = np.arange(len(tokens), dtype=np.int64)
        return Encoded(tokens, positions, tuple(spans), num_dropped, prefix)

    def _room_answer(self, examples: Sequence[Pair]) -> np.ndarray:
        """Room to keep for an answer that is not known: the largest demonstrated output."""
        outputs = [pair.output for pair in examples]
        largest = max(outputs, key=lambda g: len(g) * len(g[0]), default=_LARGEST)
        return self.answer_tokens(largest)

    def _spell(self, tokens: Sequence[int]) -> str:
        texts = self._tokenizer.texts
        for token in tokens:
            if token not in texts:
                raise DecodeError("garbage", f"token {token} is no text")
        text = "".join(texts[token] for token in tokens)
        return text.removeprefix(self._lead)

    def _end_token(self, folder: Path) -> int:
        end = self._tokenizer.added.get(self.form.answer_end)
        if end is None:
            raise ValueError(
                f"{folder}: format {self.name} ends answers with {self.form.answer_end!r}, which "
                f"is no special token of this tokenizer"
            )
        return end

    def _find_lead(self, folder: Path) -> str:
        """A space that some tokenizers put in front of the text behind a special token.

        Raises:
            ValueError: an answer's tokens do not spell it, or depend on what stands before it.
        """
        leads = {self._lead_of(row) for row in (_cycle(first) for first in range(10))}
        if len(leads) == 1 and None not in leads:
            return leads.pop() or ""
        raise ValueError(
            f"{folder}: this tokenizer cannot spell format {self.name}: characters are lost, or "
            f"an answer's tokens depend on what stands before it"
        )

    def _lead_of(self, row: tuple[int, ...]) -> str | None:
        """What stands before the text of a probe's answer; None if it is not spelt truly."""
        grid = (row, row[::-1])
        wanted = self.form.answer_text(grid)
        answer = self.answer_tokens(grid).tolist()
        prompt = write_prompt(self.form, [Pair(grid, grid)], grid).text
        ids, _ = self._tokenizer.encode(prompt)
        whole, _ = self._tokenizer.encode(prompt + wanted + self.form.answer_end)
        # Tokenizers may add spaces behind special tokens, but must lose nothing.
        spelt = self._tokenizer.spell(ids).replace(" ", "")
        if spelt != prompt.replace(" ", "") or whole != ids + answer:
            return None
        text = self._tokenizer.spell(answer[:-1])
        return text.removesuffix(wanted) if text in (wanted, " " + wanted) else None


def _cycle(first: int) -> tuple[int, ...]:
    return tuple((first + x) % 10 for x in range(10))


def filled_format(
    tokenizer: FolderTokenizer, format_name: str, settings: Mapping[str, Any]
) -> TextFormat:
    """A format with the role markers that a tokenizer knows; ValueError for unknown settings.

    Texts that were written for another format are left aside.
    """
    texts = settings.get("texts") or {}
    if settings.get("format", format_name) != format_name:
        texts = {}
    if not isinstance(texts, Mapping):
        raise ValueError(f"texts in arc_format.json must be an object, got {texts!r}")
    chat = settings.get("chat") or choose_chat(tokenizer.added)
    return text_format(format_name, texts).filled(chat_slots(chat, tokenizer.eos))
