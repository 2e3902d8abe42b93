"""One answer being written by an engine, in the two ways of keeping it legal; no vLLM in here."""

from __future__ import annotations

import math

import numpy as np

from kit.arc.seeds import derive_seed
from kit.generate.automaton import Automaton
from kit.generate.sampler import Completion, SampleRequest
from kit.generate.vllm_adapters import ServedAdapter
from kit.generate.vllm_engine import Ask, Piece
from kit.generate.vllm_rows import BROKEN, choice_settings

_SEED_RANGE = 2**31
"""vLLM takes seeds that fit torch's generators."""


class ChosenAnswer:
    """An answer whose tokens `ChooseLegal` picks inside the engine; implements `Job`.

    Args:
        room: tokens it may have.
        end_token: at which the engine stops by itself.
    """

    def __init__(
        self,
        request: SampleRequest,
        adapter: ServedAdapter | None,
        automaton: Automaton,
        room: int,
        end_token: int,
    ) -> None:
        self.request = request
        self.tokens: list[int] = []
        self.logprob_nats = 0.0
        self._adapter = adapter
        self._automaton = automaton
        self._state = automaton.start
        self._room = room
        self._end_token = end_token

    @property
    def finished(self) -> bool:
        """Whether the answer is whole."""
        return self._automaton.is_final(self._state)

    @property
    def done(self) -> bool:
        """Whole, or as long as it may be."""
        return self.finished or len(self.tokens) >= self._room

    def completion(self) -> Completion:
        """The answer as far as it got."""
        tokens = np.asarray(self.tokens, dtype=np.int64)
        return Completion(self.request.key, tokens, self.logprob_nats, self.finished)

    def ask(self) -> Ask:
        """See `Job.ask`."""
        request = self.request
        settings = choice_settings(
            self._automaton, request.temperature, request.seed, prefix=self.tokens
        )
        return self._ask_for(self._room - len(self.tokens), settings)

    def take(self, piece: Piece) -> bool:
        """See `Job.take`."""
        for index, token in enumerate(piece.tokens):
            if self.done:
                break
            value = piece.rows.row(index)[1][0]
            self._write(token, value if value > BROKEN else math.nan)
        return self.done

    def _ask_for(self, max_tokens: int, settings: dict[str, object]) -> Ask:
        tokens = [*self.request.prompt.tokens.tolist(), *self.tokens]
        settings = {**settings, "stop_token_ids": [self._end_token]}
        return Ask(tokens, max_tokens, self._adapter, settings)

    def _write(self, token: int, logprob: float) -> None:
        self._state = self._automaton.step(self._state, self._automaton.index(token))
        self.tokens.append(token)
        self.logprob_nats += logprob


class RejectedAnswer(ChosenAnswer):
    """An answer that the engine writes over the grammar's whole alphabet.

    A token that is not legal where it stands is refused, and asked for again among the legal ones:
    the best legal token, or a draw from the legal ones, as if the others had never been possible.
    """

    _repairing = False
    _asked = 0

    def ask(self) -> Ask:
        """See `Job.ask`."""
        alphabet = self._automaton.alphabet
        allowed = alphabet[self._automaton.mask(self._state)] if self._repairing else alphabet
        self._asked += 1
        seed = derive_seed(self.request.seed, "engine", self._asked) % _SEED_RANGE
        settings = {
            "temperature": self.request.temperature,
            "seed": seed if self.request.temperature else None,
            "allowed_token_ids": allowed.tolist(),
            "logprobs": len(allowed),
        }
        return self._ask_for(1 if self._repairing else self._room - len(self.tokens), settings)

    def take(self, piece: Piece) -> bool:
        """See `Job.take`."""
        repaired = self._repairing
        self._repairing = False
        for index, token in enumerate(piece.tokens):
            if self.done:
                break
            legal = self._automaton.alphabet[self._automaton.mask(self._state)]
            if token not in legal:
                self._repairing = True
                break
            self._write(token, self._logprob(token, legal, *piece.rows.row(index)))
        return repaired or self._repairing or self.done

    def _logprob(self, token: int, legal: np.ndarray, tokens: object, values: object) -> float:
        """Log-probability at temperature 1 over legal tokens, from that over the alphabet."""
        table = dict(zip(tokens, values, strict=True))
        scale = self.request.temperature or 1.0
        row = np.array([table.get(t, -math.inf) for t in legal.tolist()]) * scale
        return table[token] * scale - float(np.logaddexp.reduce(row))
