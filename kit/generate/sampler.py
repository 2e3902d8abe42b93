"""The contract of sampling: encoded prompts in, completions with log-probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kit.arc.grid import Grid
from kit.budget.clock import Deadline
from kit.encode.encoding import Encoded
from kit.finetune.trainer import Adapter


@dataclass(frozen=True, slots=True, eq=False)
class SampleRequest:
    """One prompt to complete.

    Attributes:
        key: handed back in the completion; unique in one call.
        prompt: a view encoded without answer.
        adapter: None for the base model.
        temperature: 0 for greedy.
        seed: of the draw when temperature > 0.
        draft: a guess of the answer in the prompt's frame; only speed depends on it.
        max_tokens: after so many (or a few guessed ones more) the answer is cut, unfinished; None
            for what the sampler allows.
        min_logprob_nats: None for one answer; else the greedy one and then all others at least so
            probable, each a completion of this key. Temperature and seed play no part then.
        max_answers: of them, at most.
    """

    key: tuple[int, ...]
    prompt: Encoded
    adapter: Adapter | None = None
    temperature: float = 0.0
    seed: int = 0
    draft: Grid | None = None
    max_tokens: int | None = None
    min_logprob_nats: float | None = None
    max_answers: int = 32


@dataclass(frozen=True, slots=True, eq=False)
class Completion:
    """One answer.

    Attributes:
        tokens: (A,) int64 answer tokens, end marker included unless truncated.
        logprob_nats: sum over tokens of log p(token | before), p renormalised over legal tokens.
        finished: False when the deadline or the token limit cut it.
    """

    key: tuple[int, ...]
    tokens: np.ndarray
    logprob_nats: float
    finished: bool


@dataclass(frozen=True, slots=True, eq=False)
class ScoreRequest:
    """Several answers to one prompt, to be scored by teacher forcing.

    Attributes:
        answers: each (A,) int64 tokens, end marker included.
    """

    key: tuple[int, ...]
    prompt: Encoded
    answers: tuple[np.ndarray, ...]
    adapter: Adapter | None = None


class Sampler(Protocol):
    """Completes and scores prompts of one base model under any number of adapters."""

    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """Completions as they finish; only legal tokens are ever chosen. At the deadline the
        unfinished ones come with `finished=False`."""
        ...

    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """(key, one log-probability in nats per answer) as they finish, renormalised over legal
        tokens like `Completion.logprob_nats`. Stops at the deadline."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
