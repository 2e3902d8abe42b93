"""Choosing the tokens of one answer from guesses verified in blocks: no torch in here.

A guess ("draft") of the whole answer is fed behind the prompt. Every position's logits come from
one forward pass; the guess is right up to the first place where the model would choose otherwise,
and there the model's choice is known too. What it would choose behind that place becomes the next
guess (Jacobi iteration under the grammar), so an answer takes a few passes instead of one per
token, and is exactly the one that token-by-token decoding gives.
Source: Leviathan et al. 2023 (verification of guesses), Santilli et al. 2023 (Jacobi decoding).
"""

from __future__ import annotations

import numpy as np

from kit.generate.automaton import Automaton

FIRST_WINDOW = 8
"""Guessed tokens fed after a mismatch before any have been right; doubles with success."""


SMALL_ALPHABET = 1000
"""Of a grammar of grids. Free text may use a whole vocabulary and is seldom guessed right: there
guesses begin with two tokens."""


class AnswerState:
    """One answer being decoded.

    Attributes:
        tokens: accepted so far, token ids; the last one has not been fed to the model yet.
        logprob_nats: of the accepted tokens, renormalised over legal ones at temperature 1.
        finished: the end marker was chosen.
    """

    def __init__(
        self, automaton: Automaton, draft: np.ndarray, temperature: float, seed: int
    ) -> None:
        self._automaton = automaton
        self._temperature = temperature
        self._seed = seed
        self._state = automaton.start
        self._draft, _ = automaton.legal_prefix(automaton.start, draft)
        self._least = FIRST_WINDOW if len(automaton.alphabet) <= SMALL_ALPHABET else 2
        self._window = max(self._least, len(self._draft))
        self.tokens: list[int] = []
        self.logprob_nats = 0.0
        self.finished = False

    @property
    def kept(self) -> int:
        """How many of `tokens` the cache holds: all but the last; -1 when there is none yet."""
        return len(self.tokens) - 1

    def guess(self) -> np.ndarray:
        """(g,) token ids to feed behind the accepted ones in the next pass."""
        # A final end marker need not be fed: nothing follows it.
        places = self._draft[: self._window]
        return self._automaton.alphabet[places]

    def accept(self, logits: np.ndarray) -> int:
        """Take in one pass.

        Args:
            logits: (g + 1, n) over the alphabet: behind the last accepted token, then behind
                each guessed one.
        Returns:
            how many guessed tokens were right (their keys and values may be kept).
        """
        automaton = self._automaton
        guess = self._draft[: self._window]
        states = [self._state]
        for place in guess:
            states.append(automaton.step(states[-1], place))
        mask = np.stack([automaton.mask(s) for s in states])
        legal = np.where(mask, logits, -np.inf)
        chosen = self._choose(legal, mask)
        right = _first_difference(chosen, guess)
        # States behind a final one have no legal token: nothing to choose there.
        taken = chosen[: right + 1] if mask[right].any() else chosen[:right]
        self._take(taken, legal)
        self._state = states[right]
        if len(taken) > right:
            self._state = automaton.step(self._state, int(taken[-1]))
        self.finished = automaton.is_final(self._state)
        if not self.finished:
            self._redraft(legal, chosen, right, logits, guess)
        return right

    def _choose(self, legal: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """(g + 1,) chosen alphabet places: the best, or a draw by the Gumbel-max trick whose
        noise depends on (seed, place in the answer) alone, so guesses cannot change it."""
        if self._temperature == 0:
            return legal.argmax(axis=1)
        first = len(self.tokens)
        noise = np.stack(
            [
                np.random.default_rng((self._seed, first + i)).gumbel(size=mask.shape[1])
                for i in range(len(mask))
            ]
        )
        return (legal / self._temperature + noise).argmax(axis=1)

    def _take(self, taken: np.ndarray, legal: np.ndarray) -> None:
        rows = legal[: len(taken)].astype(np.float64)
        top = rows.max(axis=1)
        total = top + np.log(np.exp(rows - top[:, None]).sum(axis=1))
        self.logprob_nats += float((rows[np.arange(len(taken)), taken] - total).sum())
        self.tokens += self._automaton.alphabet[taken].tolist()

    def _redraft(
        self,
        legal: np.ndarray,
        chosen: np.ndarray,
        right: int,
        logits: np.ndarray,
        guess: list[int],
    ) -> None:
        """The next guess: what the model would say behind the mismatch, kept legal, then what is
        left of the old guess where it is still legal."""
        automaton = self._automaton
        state, draft = self._state, []
        aligned = right < len(guess)
        for i in range(right + 1, len(chosen)) if aligned else ():
            mask = automaton.mask(state)
            row = np.where(mask, logits[i], -np.inf)
            place = int(row.argmax())
            if not mask[place]:
                break
            draft.append(place)
            state = automaton.step(state, place)
        old = self._draft[right + 1 + len(draft) :]
        rest, states = automaton.legal_prefix(state, automaton.alphabet[old])
        self._window = max(self._least, 2 * (right + 1))
        self._draft = draft + rest
        missing = self._window - len(self._draft)
        if missing > 0:
            said = self.tokens + automaton.alphabet[self._draft].tolist()
            more, _ = automaton.legal_prefix(states[-1], repeat_pattern(said, missing))
            self._draft += more


def repeat_pattern(said: list[int], count: int) -> np.ndarray:
    """(n <= count,) tokens that followed the last earlier place with the same recent tokens.

    Rows of grids often repeat, so the tokens behind the latest match are a fair guess.
    """
    for length in (4, 2, 1):
        tail = said[-length:]
        for begin in range(len(said) - length - 1, -1, -1):
            if said[begin : begin + length] == tail:
                follows = said[begin + length :]
                copies = -(-count // len(follows))
                return np.asarray((follows * copies)[:count], dtype=np.int64)
    return np.zeros(0, dtype=np.int64)


def _first_difference(chosen: np.ndarray, guess: list[int]) -> int:
    """Length of the common prefix."""
    differs = np.flatnonzero(chosen[: len(guess)] != np.asarray(guess, dtype=chosen.dtype))
    return int(differs[0]) if len(differs) else len(guess)
