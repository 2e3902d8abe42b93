"""Answers scored by an engine from log-probabilities of the prompt that they are appended to.

The prompt itself is read from the prefix cache where it lies there, so that an answer costs little
more than its own tokens. vLLM then says nothing of the tokens that it did not compute; those of an
answer are known from another answer with the same beginning, or the answer is read once more
without the cache. Rows that do not hold enough of the legal tokens are asked for one by one. No
vLLM in here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from kit.budget.clock import Deadline
from kit.generate.automaton import Automaton
from kit.generate.sampler import ScoreRequest
from kit.generate.vllm_adapters import ServedAdapter
from kit.generate.vllm_driver import Driver
from kit.generate.vllm_engine import Ask, Piece, Rows
from kit.generate.vllm_plan import Legality
from kit.generate.vllm_rows import BROKEN, choice_settings

ROW_TOKENS = 16
"""Most likely tokens asked for at each place, or a few more than the grammar's alphabet has; what
is legal and not among them is asked for alone where it could matter."""

ROW_TOKENS_AT_MOST = 64

UNSEEN_MASS = 1e-6
"""Probability of legal tokens outside a row that is neglected."""

_Row = tuple[Sequence[int], Sequence[float]]


def row_tokens(alphabet: int, vocab: int) -> int:
    """How many tokens a row is asked to hold."""
    return min(vocab, ROW_TOKENS_AT_MOST, max(ROW_TOKENS, alphabet + 4))


class ScoredAnswer:
    """One answer behind one prompt; implements `Job`.

    Args:
        known: rows of all answers to this prompt by the bytes of what they follow; shared.
        top: tokens in a row.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        answer: np.ndarray,
        adapter: ServedAdapter | None,
        automaton: Automaton,
        legality: Legality,
        known: dict[bytes, _Row],
        top: int,
    ) -> None:
        places, self._states = automaton.legal_prefix(automaton.start, answer)
        self._is_legal = len(places) == len(answer)
        self._values: list[float | None] = [None] * len(answer)
        self._prompt = list(prompt)
        self._answer = answer
        self._adapter = adapter
        self._automaton = automaton
        self._legality = legality
        self._known = known
        self._top = top
        self._passes = 0

    @property
    def done(self) -> bool:
        """Every token has its log-probability, or one is not legal."""
        return not self._is_legal or None not in self._values

    def logprob_nats(self) -> float:
        """Sum over the answer; -inf if it is not legal."""
        return math.fsum(v for v in self._values if v is not None) if self._is_legal else -math.inf

    def ask(self) -> Ask:
        """See `Job.ask`: the whole answer, again without the cache, then single tokens."""
        if self._passes < 2:
            settings = {
                "temperature": 0.0,
                "prompt_logprobs": self._top,
                "skip_reading_prefix_cache": self._passes == 1,
            }
            return Ask([*self._prompt, *self._answer.tolist()], 1, self._adapter, settings)
        index = self._values.index(None)
        prefix = self._answer[:index].tolist()
        return Ask([*self._prompt, *prefix], 1, self._adapter, self._single(index, prefix))

    def take(self, piece: Piece) -> bool:
        """See `Job.take`."""
        if self._passes < 2:
            self._read(piece)
            # Read again only what was not computed; what a row lacks, another pass lacks too.
            unread = any(
                value is None and self._key(i) not in self._known
                for i, value in enumerate(self._values)
            )
            self._passes += 1 if unread else 2
        else:
            index = self._values.index(None)
            self._values[index] = self._single_value(index, piece.rows.row(0))
        return True

    def _single(self, index: int, prefix: Sequence[int]) -> dict[str, object]:
        if self._legality == "choose":
            token = int(self._answer[index])
            return choice_settings(self._automaton, prefix=prefix, forced=[token])
        legal = self._legal(index).tolist()
        return {"temperature": 0.0, "allowed_token_ids": legal, "logprobs": len(legal)}

    def _single_value(self, index: int, row: _Row) -> float:
        if self._legality == "choose":
            return row[1][0] if row[1][0] > BROKEN else math.nan
        value = self._value(index, row)
        return math.nan if value is None else value

    def _read(self, piece: Piece) -> None:
        """Take rows of the answer's tokens from a pass, or from other answers."""
        rows, begin = piece.prompt_rows, len(self._prompt)
        for index in range(len(self._answer)):
            if self._computed(rows, begin + index, piece.num_cached):
                self._known[self._key(index)] = rows.row(begin + index)
            row = self._known.get(self._key(index))
            if row is not None:
                self._values[index] = self._value(index, row)

    def _computed(self, rows: Rows, place: int, num_cached: int) -> bool:
        """Whether a row was computed; vLLM leaves whatever lay in memory in the others."""
        if place >= len(rows) or place <= num_cached:
            return False
        tokens, values = rows.row(place)
        token = self._answer[place - len(self._prompt)]
        return len(tokens) > 0 and tokens[0] == token and all(map(math.isfinite, values))

    def _key(self, index: int) -> bytes:
        return self._answer[:index].tobytes()

    def _legal(self, index: int) -> np.ndarray:
        return self._automaton.alphabet[self._automaton.mask(self._states[index])]

    def _value(self, index: int, row: _Row) -> float | None:
        """Log-probability over legal tokens; None if the row leaves it open."""
        legal = self._legal(index).tolist()
        if len(legal) == 1:
            return 0.0
        table = dict(zip(*row, strict=True))
        found = [table[token] for token in legal if token in table]
        target = table.get(int(self._answer[index]))
        if target is None:
            return None
        total = float(np.logaddexp.reduce(found))
        # What is not in the row is at most as likely as the least likely token in it.
        if len(found) < len(legal):
            unseen = (len(legal) - len(found)) * math.exp(min(row[1][1:]) - total)
            if unseen > UNSEEN_MASS:
                return None
        return target - total


def score_by_engine(
    driver: Driver,
    jobs: Sequence[tuple[ScoreRequest, Sequence[ScoredAnswer]]],
    deadline: Deadline,
) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    """(key, log-probabilities) of requests as all their answers are known."""
    waiting = list(jobs)
    flat = [job for _, answers in jobs for job in answers]
    for _ in driver.run(flat, deadline):
        ready = [entry for entry in waiting if all(job.done for job in entry[1])]
        waiting = [entry for entry in waiting if entry not in ready]
        for request, answers in ready:
            yield request.key, tuple(job.logprob_nats() for job in answers)
