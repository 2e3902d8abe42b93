"""A grammar over a small alphabet, as look-ups: what decoding loops need of a `Grammar`."""

from __future__ import annotations

import numpy as np

from kit.encode.encoding import Grammar


class Automaton:
    """Caches a grammar's steps and legal sets, in alphabet indices instead of token ids.

    Attributes:
        alphabet: (n,) int64 token ids; an index below means a place in it.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self.alphabet = grammar.alphabet
        self._index = {int(token): i for i, token in enumerate(grammar.alphabet)}
        self._steps: dict[tuple[int, int], int] = {}
        self._masks: dict[int, np.ndarray] = {}
        self.start = grammar.start

    def index(self, token: int) -> int:
        """Place of a token id in the alphabet. Raises KeyError for other tokens."""
        return self._index[token]

    def mask(self, state: int) -> np.ndarray:
        """(n,) bool: which alphabet places are legal in `state`."""
        mask = self._masks.get(state)
        if mask is None:
            mask = np.isin(self.alphabet, self._grammar.legal(state))
            self._masks[state] = mask
        return mask

    def step(self, state: int, index: int) -> int:
        """State after the token at alphabet place `index`. Raises KeyError if illegal."""
        key = (state, index)
        after = self._steps.get(key)
        if after is None:
            after = self._grammar.step(state, int(self.alphabet[index]))
            self._steps[key] = after
        return after

    def is_final(self, state: int) -> bool:
        """Whether the answer is complete."""
        return self._grammar.is_final(state)

    def legal_prefix(self, state: int, tokens: np.ndarray) -> tuple[list[int], list[int]]:
        """Alphabet places of the longest legal prefix of `tokens`, and the states before each
        of them and after the last."""
        places: list[int] = []
        states = [state]
        for token in tokens.tolist():
            place = self._index.get(token)
            if place is None or not self.mask(states[-1])[place]:
                break
            places.append(place)
            states.append(self.step(states[-1], place))
        return places, states

    def answer_logprob(self, answer: np.ndarray, rows: np.ndarray) -> float:
        """Sum of log-probabilities of an answer in nats, each over the legal tokens.

        Args:
            answer: (A,) token ids.
            rows: (A, n) logits over the alphabet before each of them.
        Returns:
            -inf for an answer that the grammar does not allow.
        """
        places, states = self.legal_prefix(self.start, answer)
        if len(places) < len(answer):
            return -np.inf
        mask = np.stack([self.mask(state) for state in states[:-1]])
        legal = np.where(mask, rows.astype(np.float64), -np.inf)
        top = legal.max(axis=1)
        total = top + np.log(np.exp(legal - top[:, None]).sum(axis=1))
        return float((legal[np.arange(len(places)), places] - total).sum())
