"""The greedy answer and all others above a probability, by depth-first search verified in blocks.

The search follows the best continuation to an answer's end; every other continuation on the way
that is still probable enough waits in a heap, and the most probable one is followed next. Behind
its deviation the rest of an earlier answer is guessed and verified in one pass, since answers
mostly differ in few cells: a further answer costs a pass or two instead of one per token. What is
found, and in which order, does not depend on the guesses.
Source of the search: Franzen et al. 2024, "The LLM ARChitect" (depth-first search over tokens
with a probability bound); of verifying guesses: `kit.generate.decoding`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from kit.generate.automaton import Automaton


@dataclass(frozen=True, slots=True)
class Found:
    """One answer.

    Attributes:
        places: of its tokens in the alphabet, end marker included.
        logprob_nats: sum over tokens, renormalised over legal ones.
    """

    places: tuple[int, ...]
    logprob_nats: float


@dataclass(frozen=True, slots=True, order=True)
class _Branch:
    """A path that was not followed yet; the most probable sorts first, then by its tokens."""

    minus_logprob: float
    places: tuple[int, ...]
    state: int


class ThresholdAnswers:
    """The greedy answer of one prompt and all others of at least a given probability.

    Args:
        draft: (g,) token ids of a guess of the best answer; only speed depends on it.
        min_logprob_nats: log of the bound.
        max_answers: the search ends with so many.
        max_tokens: longer paths are given up.

    Attributes:
        tokens: of the path that is followed, token ids.
        kept: how many of them may be in the cache from the path before, at most.
        found: answers so far; the first one is the greedy answer, however improbable it is.
        finished: nothing is left that is probable enough.
    """

    def __init__(
        self,
        automaton: Automaton,
        draft: np.ndarray,
        min_logprob_nats: float,
        max_answers: int,
        max_tokens: int,
    ) -> None:
        self._automaton = automaton
        self._bound = min_logprob_nats
        self._max_answers, self._max_tokens = max_answers, max_tokens
        self._heap: list[_Branch] = []
        self._fed: list[int] = []
        self._path: list[int] = []
        self._state, self._logprob = automaton.start, 0.0
        self._rest, _ = automaton.legal_prefix(automaton.start, draft)
        self.found: list[Found] = []
        self.finished = False

    @property
    def tokens(self) -> list[int]:
        """Token ids of the path that is followed."""
        return self._automaton.alphabet[self._path].tolist()

    @property
    def kept(self) -> int:
        """How many tokens of the path the cache holds, its last one not counted: its logits are
        wanted. -1 for an empty path: the prompt's last token is wanted then."""
        return min(_common(self._path, self._fed), len(self._path) - 1)

    def guess(self) -> np.ndarray:
        """(g,) token ids to feed behind the path in the next pass."""
        return self._automaton.alphabet[self._rest]

    def accept(self, logits: np.ndarray) -> int:
        """Take in one pass; see `AnswerState.accept`.

        Args:
            logits: (g + 1, n) over the alphabet: behind the path, then behind each guessed token.
        Returns:
            how many guessed tokens were followed.
        """
        for followed, row in enumerate(logits):
            nats = self._legal_nats(row)
            best = int(nats.argmax())
            if self._gives_up(self._logprob + float(nats[best])):
                self._fed = list(self._path)
                self._next()
                return followed
            guessed = self._rest[followed] if followed < len(self._rest) else None
            self._branch(nats, best)
            if best != guessed:
                self._fed = list(self._path)
            self._step(best, float(nats[best]))
            if self._automaton.is_final(self._state):
                # A final end marker need not be in the cache: nothing follows it.
                self._fed = self._path[:-1]
                self._close()
                return followed
            if best != guessed:
                behind = self._automaton.alphabet[self._rest[followed + 1 :]]
                self._rest, _ = self._automaton.legal_prefix(self._state, behind)
                return followed
        raise AssertionError("a pass ends at its last row at the latest")

    def _gives_up(self, logprob_nats: float) -> bool:
        """Whether the path is too long, or too improbable for any but the greedy answer."""
        improbable = bool(self.found) and logprob_nats < self._bound
        return improbable or len(self._path) >= self._max_tokens

    def _legal_nats(self, row: np.ndarray) -> np.ndarray:
        """(n,) log-probabilities over the legal tokens; -inf for the others."""
        legal = np.where(self._automaton.mask(self._state), row.astype(np.float64), -np.inf)
        top = legal.max()
        return legal - (top + np.log(np.exp(legal - top).sum()))

    def _branch(self, nats: np.ndarray, followed: int) -> None:
        """Put down every continuation that is probable enough but the one that is followed."""
        for place in np.flatnonzero(nats + self._logprob >= self._bound).tolist():
            if place != followed:
                state = self._automaton.step(self._state, place)
                total = self._logprob + float(nats[place])
                heapq.heappush(self._heap, _Branch(-total, (*self._path, place), state))

    def _step(self, place: int, nats: float) -> None:
        self._path.append(place)
        self._state = self._automaton.step(self._state, place)
        self._logprob += nats

    def _close(self) -> None:
        """The path is an answer."""
        self.found.append(Found(tuple(self._path), self._logprob))
        self._next()

    def _next(self) -> None:
        """Go to the most probable branch, answers that are complete already taken on the way."""
        while len(self.found) < self._max_answers and self._heap:
            branch = heapq.heappop(self._heap)
            if self._automaton.is_final(branch.state):
                self.found.append(Found(branch.places, -branch.minus_logprob))
                continue
            self._path, self._state = list(branch.places), branch.state
            self._logprob = -branch.minus_logprob
            self._rest = self._likely_rest()
            return
        self.finished = True

    def _likely_rest(self) -> list[int]:
        """The rest of the answer found last that has as many tokens as the path, kept legal."""
        length = len(self._path)
        for found in self.found:
            if len(found.places) > length and found.places[: length - 1] == tuple(self._path[:-1]):
                rest = self._automaton.alphabet[list(found.places[length:])]
                return self._automaton.legal_prefix(self._state, rest)[0]
        return []


def _common(one: list[int], other: list[int]) -> int:
    """Length of the common prefix."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
