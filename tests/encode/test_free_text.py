"""Free text as answers: any token until an end token or the stop text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kit.encode.encoding import ContextError
from kit.encode.free_text import FreeGrammar, FreeText
from kit.encode.tokenizer import FolderTokenizer

TEXTS = {0: "a", 1: "\n", 2: "\n``", 3: "`", 4: "```x"}
END, STRANGE = 5, 6


def state_after(tokens: list[int], stop: str) -> tuple[FreeGrammar, int]:
    grammar = FreeGrammar(7, TEXTS, [END], stop)
    state = grammar.start
    for token in tokens:
        assert token in grammar.legal(state)
        state = grammar.step(state, token)
    return grammar, state


@pytest.mark.parametrize(
    ("tokens", "final"),
    [
        ([0, 1, 4], True),
        ([1, 3, 3, 3], True),
        ([2, 3], True),
        ([1, 2, 3], True),
        ([2, 2, 3], True),
        ([4], False),
        ([1, 3, 3, 0, 3], False),
        ([1, 3, STRANGE, 3, 3], False),
        ([0, END], True),
    ],
)
def test_the_stop_text_ends_an_answer_however_it_is_cut(tokens: list[int], final: bool) -> None:
    grammar, state = state_after(tokens, "\n```")
    assert grammar.is_final(state) == final
    assert len(grammar.legal(state)) == (0 if final else 7)


def test_without_a_stop_text_only_an_end_token_ends_it() -> None:
    grammar, state = state_after([1, 4, 2, 3], "")
    assert not grammar.is_final(state)
    assert grammar.is_final(grammar.step(state, END))


@pytest.mark.parametrize("token", [-1, 7])
def test_other_tokens_are_illegal(token: int) -> None:
    grammar, state = state_after([0], "")
    with pytest.raises(KeyError):
        grammar.step(state, token)
    with pytest.raises(KeyError):
        grammar.step(grammar.step(state, END), 0)


@pytest.mark.parametrize("kind", ["llama3", "qwen", "gpt2", "sentencepiece"])
def test_texts_of_any_tokenizer_go_there_and_back(folders: dict[str, Path], kind: str) -> None:
    texts = FreeText(folders[kind], 100)
    text = "def transform(grid):\n    return grid[0:2]\n"
    encoded = texts.encode_text(text, room=10)
    bos = len(FolderTokenizer(folders[kind]).bos)
    assert texts.decode_text(encoded.tokens[bos:]).lstrip(" ") == text
    assert encoded.positions.tolist() == list(range(len(encoded)))
    answer = np.append(encoded.tokens[bos:], sorted(texts.grammar._ends)[0])
    assert texts.decode_text(answer).lstrip(" ") == text


def test_both_ends_of_a_chat_end_an_answer(folders: dict[str, Path]) -> None:
    texts = FreeText(folders["qwen"], 100)
    assert texts.slots["user"].startswith("<|im_start|>")
    end = texts.encode_text(texts.slots["end"], 1).tokens
    assert len(end) == 1
    assert texts.grammar.is_final(texts.grammar.step(texts.grammar.start, int(end[0])))


def test_what_does_not_fit_is_refused(folders: dict[str, Path]) -> None:
    texts = FreeText(folders["qwen"], 50)
    with pytest.raises(ContextError, match="tokens and an answer of 49 do not fit 50"):
        texts.encode_text("Black Red", room=49)
