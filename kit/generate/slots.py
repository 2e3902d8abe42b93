"""One request in work: its cache, its answer so far, and what both need next. No torch in here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kit.generate.automaton import Automaton
from kit.generate.decoding import AnswerState
from kit.generate.sampler import Completion, SampleRequest
from kit.generate.threshold import ThresholdAnswers

if TYPE_CHECKING:
    from kit.engine.cache import SequenceCache

MAX_ANSWER_TOKENS = 4096
"""Longest answer in tokens; a 30 by 30 grid of words separated by spaces needs about 2,700."""


@dataclass(slots=True)
class Slot:
    """A request between two forward passes."""

    request: SampleRequest
    cache: SequenceCache
    answer: AnswerState | ThresholdAnswers

    def pending(self) -> tuple[np.ndarray, np.ndarray]:
        """(tokens to feed, guesses to feed behind them) as token ids."""
        guess = self.answer.guess()
        prompt = self.request.prompt.tokens
        # A search may have left its path for another one: what both share stays.
        self.cache.length = min(self.cache.length, len(prompt) + self.answer.kept)
        known = np.concatenate([prompt, np.asarray(self.answer.tokens, dtype=np.int64)])
        return known[self.cache.length :], guess

    def is_done(self) -> bool:
        """Whether nothing more is to be fed."""
        if self.answer.finished:
            return True
        if isinstance(self.answer, ThresholdAnswers):
            return False
        return len(self.answer.tokens) >= _most_tokens(self.request)

    def completions(self, automaton: Automaton) -> Iterator[Completion]:
        """The answer as far as it is written, or all answers that a search has found."""
        answer, key = self.answer, self.request.key
        if isinstance(answer, AnswerState):
            tokens = np.asarray(answer.tokens, dtype=np.int64)
            yield Completion(key, tokens, answer.logprob_nats, answer.finished)
            return
        for found in answer.found:
            tokens = automaton.alphabet[list(found.places)]
            yield Completion(key, tokens, found.logprob_nats, True)


def begin_answer(
    automaton: Automaton, request: SampleRequest, draft: np.ndarray
) -> AnswerState | ThresholdAnswers:
    """The state of a request's answer before anything was fed."""
    if request.min_logprob_nats is None:
        return AnswerState(automaton, draft, request.temperature, request.seed)
    return ThresholdAnswers(
        automaton, draft, request.min_logprob_nats, request.max_answers, _most_tokens(request)
    )


def _most_tokens(request: SampleRequest) -> int:
    return min(request.max_tokens or MAX_ANSWER_TOKENS, MAX_ANSWER_TOKENS)
