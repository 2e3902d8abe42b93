"""Threshold search against exhaustive enumeration, with good guesses, bad ones and none.

pytest tests/generate/test_threshold.py
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.generate.automaton import Automaton
from kit.generate.threshold import Found, ThresholdAnswers

END = 9
TOKENS = (3, 5, 7, END)


class ShortTexts:
    """Texts over three tokens, 1 to 3 long, ended by END; states count tokens, -1 is final."""

    start = 0
    alphabet = np.array(TOKENS, dtype=np.int64)

    def legal(self, state: int) -> np.ndarray:
        if state < 0:
            return np.zeros(0, dtype=np.int64)
        if state == 0:
            return self.alphabet[:3]
        return self.alphabet if state < 3 else self.alphabet[3:]

    def step(self, state: int, token: int) -> int:
        if token not in self.legal(state).tolist():
            raise KeyError(token)
        return -1 if token == END else state + 1

    def is_final(self, state: int) -> bool:
        return state < 0


class Oracle:
    """A model whose logits depend on the whole path, by a seeded table; counts its passes."""

    def __init__(self, seed: int, sharpness: float) -> None:
        self._seed, self._sharpness = seed, sharpness
        self.passes = self.fed = 0

    def logits(self, path: tuple[int, ...]) -> np.ndarray:
        """(n,) logits behind a path of token ids."""
        rng = np.random.default_rng([self._seed, len(path), *path])
        return self._sharpness * rng.normal(size=len(TOKENS))

    def run(self, answers: ThresholdAnswers, limit: int = 10_000) -> list[Found]:
        """Drive the search as a sampler does: what the cache kept is not fed again."""
        cache: list[int] = []
        while not answers.finished and self.passes < limit:
            path, guess = answers.tokens, answers.guess().tolist()
            kept = answers.kept
            # What the search believes to be in the cache must be there.
            assert cache[: max(0, kept)] == path[: max(0, kept)]
            cache = cache[: max(0, kept)]
            self.passes += 1
            self.fed += len(path) - max(0, kept) + len(guess)
            rows = [self.logits((*path, *guess[:i])) for i in range(len(guess) + 1)]
            followed = answers.accept(np.stack(rows))
            cache = [*path, *guess[:followed]]
        return answers.found


def enumerate_all(oracle: Oracle, automaton: Automaton, bound: float) -> dict[tuple, float]:
    """Every answer above the bound, by trying all texts."""
    found = {}
    for length in (1, 2, 3):
        for text in itertools.product(TOKENS[:3], repeat=length):
            answer = np.array([*text, END])
            rows = np.stack([oracle.logits(tuple(answer[:i])) for i in range(len(answer))])
            nats = automaton.answer_logprob(answer, rows)
            if nats >= bound:
                found[tuple(answer.tolist())] = nats
    return found


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sharpness=st.sampled_from([0.5, 2.0, 5.0]),
    share=st.sampled_from([0.3, 0.1, 0.03, 0.001]),
    draft=st.lists(st.sampled_from(TOKENS), max_size=5),
)
def test_it_finds_exactly_what_enumeration_finds(seed, sharpness, share, draft) -> None:
    automaton, oracle = Automaton(ShortTexts()), Oracle(seed, sharpness)
    bound = math.log(share)
    search = ThresholdAnswers(automaton, np.array(draft, dtype=np.int64), bound, 1000, 10)
    found = oracle.run(search)
    theirs = enumerate_all(oracle, automaton, bound)
    ours = {tuple(automaton.alphabet[list(f.places)].tolist()): f.logprob_nats for f in found}
    assert len(ours) == len(found), "an answer came twice"
    # Beside them only the greedy answer, which always comes first.
    greedy = tuple(automaton.alphabet[list(found[0].places)].tolist())
    assert ours.keys() == theirs.keys() | {greedy}
    assert all(math.isclose(ours[k], theirs[k], abs_tol=1e-9) for k in theirs)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), draft=st.lists(st.sampled_from(TOKENS), max_size=5))
def test_what_is_found_and_when_does_not_depend_on_the_guess(seed, draft) -> None:
    automaton = Automaton(ShortTexts())
    plain, guessed = (
        Oracle(seed, 1.5).run(
            ThresholdAnswers(automaton, np.array(d, dtype=np.int64), math.log(0.02), 1000, 10)
        )
        for d in ([], draft)
    )
    assert plain == guessed


def test_a_right_guess_is_verified_in_one_pass() -> None:
    automaton, oracle = Automaton(ShortTexts()), Oracle(3, 5.0)
    first = oracle.run(ThresholdAnswers(automaton, np.zeros(0, dtype=np.int64), -1e9, 1, 10))[0]
    again = Oracle(3, 5.0)
    draft = automaton.alphabet[list(first.places)]
    assert again.run(ThresholdAnswers(automaton, draft, -1e9, 1, 10)) == [first]
    assert again.passes == 1


def test_the_first_answer_is_the_greedy_one() -> None:
    automaton = Automaton(ShortTexts())
    for seed in range(30):
        oracle = Oracle(seed, 3.0)
        path: list[int] = []
        state = automaton.start
        while not automaton.is_final(state):
            row = np.where(automaton.mask(state), oracle.logits(tuple(path)), -np.inf)
            path.append(int(automaton.alphabet[row.argmax()]))
            state = automaton.step(state, int(row.argmax()))
        search = ThresholdAnswers(automaton, np.zeros(0, dtype=np.int64), -1e9, 1, 10)
        (found,) = oracle.run(search)
        assert automaton.alphabet[list(found.places)].tolist() == path


def test_limits_end_the_search() -> None:
    automaton = Automaton(ShortTexts())
    few = ThresholdAnswers(automaton, np.zeros(0, dtype=np.int64), -1e9, 4, 10)
    assert len(Oracle(1, 0.1).run(few)) == 4 and few.finished
    short = ThresholdAnswers(automaton, np.zeros(0, dtype=np.int64), -1e9, 1000, 2)
    lengths = {len(f.places) for f in Oracle(1, 0.1).run(short)}
    assert lengths == {2} and short.finished
    none = ThresholdAnswers(automaton, np.zeros(0, dtype=np.int64), 0.0, 10, 10)
    assert len(Oracle(1, 0.1).run(none)) == 1 and none.finished


def test_nothing_illegal_is_ever_an_answer() -> None:
    automaton = Automaton(ShortTexts())
    for found in Oracle(2, 0.1).run(
        ThresholdAnswers(automaton, np.array([END, 3]), -1e9, 1000, 10)
    ):
        tokens = automaton.alphabet[list(found.places)]
        assert len(automaton.legal_prefix(automaton.start, tokens)[0]) == len(tokens)
        assert tokens[-1] == END and len(tokens) > 1


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_the_bound_is_on_whole_answers(share: float) -> None:
    automaton = Automaton(ShortTexts())
    found = Oracle(5, 2.0).run(
        ThresholdAnswers(automaton, np.zeros(0, dtype=np.int64), math.log(share), 1000, 10)
    )
    assert all(f.logprob_nats >= math.log(share) for f in found[1:])
    assert len(found) <= 1 + 1 / share
