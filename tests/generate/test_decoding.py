"""Guesses never change an answer: block verification against token-by-token decoding.

pytest tests/generate/test_decoding.py
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from kit.encode.cells import CellEncoding, CellGrammar
from kit.generate.automaton import Automaton
from kit.generate.decoding import AnswerState, repeat_pattern

ENCODING = CellEncoding()


def model_logits(seed: int, prefix: list[int], size: int, end_bias: float) -> np.ndarray:
    """Logits that depend on the whole prefix, as those of a model do."""
    key = hashlib.blake2b(f"{seed}:{prefix}".encode(), digest_size=8).digest()
    logits = np.random.default_rng(int.from_bytes(key, "big")).normal(size=size)
    logits[-2:] += end_bias  # ROW_OUT and END, or answers would rarely end
    return logits.astype(np.float32)


def decode(draft, temperature: float, seed: int, end_bias: float = 1.5):
    """(tokens, log-probability, passes) of a whole answer."""
    automaton = Automaton(CellGrammar())
    state = AnswerState(automaton, np.asarray(draft, dtype=np.int64), temperature, seed)
    passes = 0
    while not state.finished:
        guess = state.guess().tolist()
        prefix = list(state.tokens)
        rows = [
            model_logits(seed, prefix + guess[:i], len(automaton.alphabet), end_bias)
            for i in range(len(guess) + 1)
        ]
        state.accept(np.stack(rows))
        passes += 1
    return state.tokens, state.logprob_nats, passes


def decode_slowly(seed: int, end_bias: float = 1.5):
    """Greedy answer and its log-probability, one token at a time, straight from the definition."""
    grammar, tokens, total = CellGrammar(), [], 0.0
    alphabet = grammar.alphabet.tolist()
    state = grammar.start
    while not grammar.is_final(state):
        logits = model_logits(seed, tokens, len(alphabet), end_bias)
        legal = {t: float(logits[alphabet.index(t)]) for t in grammar.legal(state).tolist()}
        best = max(legal, key=legal.__getitem__)
        total += legal[best] - np.log(sum(np.exp(v) for v in legal.values()))
        tokens.append(best)
        state = grammar.step(state, best)
    return tokens, total


@pytest.mark.parametrize("seed", range(25))
def test_any_guess_gives_the_greedy_answer(seed: int) -> None:
    tokens, logprob = decode_slowly(seed)
    rng = np.random.default_rng(seed)
    nearly = list(tokens)
    for place in rng.integers(0, len(tokens), size=2):
        nearly[place] = int(rng.integers(0, 10))
    drafts = {
        "none": [],
        "right": tokens,
        "nearly right": nearly,
        "beginning": tokens[: len(tokens) // 2],
        "other shape": ENCODING.answer_tokens(((1, 2, 3),) * 4),
        "garbage": rng.integers(0, 32, size=40),
    }
    for name, draft in drafts.items():
        found, total, _ = decode(draft, 0.0, seed)
        assert found == tokens, name
        assert total == pytest.approx(logprob, abs=1e-5), name


def test_a_right_guess_takes_one_pass() -> None:
    tokens, _ = decode_slowly(3)
    assert decode(tokens, 0.0, 3)[2] == 1


@pytest.mark.parametrize("seed", range(10))
def test_draws_depend_on_the_seed_and_not_on_guesses(seed: int) -> None:
    first, total, _ = decode([], 1.0, seed)
    again, same_total, _ = decode(first[: len(first) // 2], 1.0, seed)
    third, _, _ = decode(ENCODING.answer_tokens(((5, 5), (5, 5))), 1.0, seed)
    assert first == again == third
    assert total == pytest.approx(same_total)
    assert any(decode([], 1.0, seed + k)[0] != first for k in (100, 200, 300))


def test_draws_follow_the_distribution() -> None:
    automaton = Automaton(CellGrammar())
    logits = np.linspace(-1, 1, len(automaton.alphabet)).astype(np.float32)
    counts = np.zeros(10)
    for seed in range(3000):
        state = AnswerState(automaton, np.zeros(0, dtype=np.int64), 1.0, seed)
        state.accept(logits[None])
        counts[state.tokens[0]] += 1
    expected = np.exp(logits[:10]) / np.exp(logits[:10]).sum()
    # Three standard deviations of a binomial share.
    assert np.all(np.abs(counts / 3000 - expected) < 3 * np.sqrt(expected / 3000) + 1e-9)


def test_repeat_pattern_continues_rows() -> None:
    assert repeat_pattern([1, 2, 20, 1, 2, 20], 4).tolist() == [1, 2, 20, 1]
    assert repeat_pattern([1, 2, 3], 4).tolist() == []
    assert repeat_pattern([], 4).tolist() == []
