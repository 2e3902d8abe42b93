"""Samplers under a stopwatch: whole calls, and the part of them that reads the prompts.

The time for prompts is that of a call whose answers end after one token.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GenerationConfig, MaxTimeCriteria, StoppingCriteriaList

from kit.augment.views import View
from kit.budget.clock import Deadline, SystemClock
from kit.encode.encoding import Encoding, Grammar
from kit.engine.transformers_model import open_transformers_model
from kit.generate.decode import Rejected, to_candidate
from kit.generate.sampler import Completion, Sampler, SampleRequest
from kit.validate.bench_report import Spread

KIT, GENERATE, PLAIN = "kit", "generate()", "generate(), any token"

Requests = Sequence[SampleRequest]


@dataclass(frozen=True, slots=True)
class Answered:
    """One timed call."""

    completions: tuple[Completion, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class System:
    """One way of sampling.

    Attributes:
        whole: answers requests to the end.
        prompts: answers them with one token each.
        groups: requests of one call each.
    """

    name: str
    whole: Callable[[Requests], Answered]
    prompts: Callable[[Requests], Answered]
    groups: Sequence[Requests]

    def answer(self) -> Answered:
        """All calls, timed together; completions by key."""
        return _together([self.whole(group) for group in self.groups])

    def read_prompts(self) -> Answered:
        """All calls with one token per answer."""
        return _together([self.prompts(group) for group in self.groups])


def _together(calls: Sequence[Answered]) -> Answered:
    done = sorted((c for call in calls for c in call.completions), key=lambda c: c.key)
    return Answered(tuple(done), sum(call.seconds for call in calls))


@dataclass(slots=True)
class Measured:
    """Repeated calls of one system.

    Attributes:
        tokens, seconds, prompt_s: one entry per repetition.
        completions: of the last repetition, by key.
    """

    tokens: list[int]
    seconds: list[float]
    prompt_s: list[float]
    completions: tuple[Completion, ...] = ()

    @property
    def num_tokens(self) -> int:
        """Answer tokens of the last repetition."""
        return self.tokens[-1]

    def rate(self) -> Spread:
        """Answer tokens per second, prompts included."""
        return Spread(tuple(n / s for n, s in zip(self.tokens, self.seconds, strict=True)))

    def decode_rate(self) -> Spread:
        """Answer tokens behind the first per second of what the prompts leave."""
        first = len(self.completions)
        return Spread(
            tuple(
                max(n - first, 0) / max(s - p, 1e-3)
                for n, s, p in zip(self.tokens, self.seconds, self.prompt_s, strict=True)
            )
        )

    def to_json(self) -> dict[str, Any]:
        """All measurements."""
        return {
            "tokens": self.tokens,
            "seconds": self.seconds,
            "prompt_s": self.prompt_s,
            "finished": sum(c.finished for c in self.completions),
        }


def take_turns(systems: Sequence[System], repeat: int) -> dict[str, Measured]:
    """A B C A B C, after a first look of each at the prompts as warm-up."""
    measured = {system.name: Measured([], [], []) for system in systems}
    for system in systems:
        system.read_prompts()
    for _ in range(repeat):
        for system in systems:
            held = measured[system.name]
            held.prompt_s.append(system.read_prompts().seconds)
            answered = system.answer()
            held.seconds.append(answered.seconds)
            held.tokens.append(sum(len(c.tokens) for c in answered.completions))
            held.completions = answered.completions
    return measured


def sampler_system(
    name: str,
    open_sampler: Callable[[Encoding], Sampler],
    encoding: Encoding,
    requests: Requests,
    most_s: float = math.inf,
) -> System:
    """A sampler of the kit.

    Args:
        open_sampler: makes it for an encoding.
        most_s: after which a call is cut.
    """
    whole, brief = open_sampler(encoding), open_sampler(OneToken(encoding))

    def timed(sampler: Sampler) -> Callable[[Requests], Answered]:
        def answer(group: Requests) -> Answered:
            began_s = time.perf_counter()
            deadline = Deadline(SystemClock().now_s() + most_s, SystemClock())
            done = tuple(sampler.sample(group, deadline))
            return Answered(done, time.perf_counter() - began_s)

        return answer

    return System(name, timed(whole), timed(brief), [requests])


class OneToken:
    """An encoding whose answers end after one token; everything else is the inner one's."""

    def __init__(self, inner: Encoding) -> None:
        self._inner = inner
        self.grammar = _OneTokenGrammar(inner.grammar)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _OneTokenGrammar:
    """The first token of another grammar."""

    start, _FINAL = 1, 0

    def __init__(self, inner: Grammar) -> None:
        self.alphabet = inner.alphabet
        self._first = inner.legal(inner.start)

    def legal(self, state: int) -> np.ndarray:
        return self._first if state == self.start else self._first[:0]

    def step(self, state: int, token: int) -> int:
        if token not in self.legal(state):
            raise KeyError(f"token {token} is not legal here")
        return self._FINAL

    def is_final(self, state: int) -> bool:
        return state == self._FINAL


def plain_system(
    path: Path, dtype: str, requests: Requests, completions: Sequence[Completion], most_s: float
) -> System:
    """`generate()` that takes the likeliest of all tokens: no rule of ours runs inside it.

    Args:
        completions: answers whose mean length every row gets.
    """
    model = open_transformers_model(path, dtype)
    length = max(2, round(np.mean([len(c.tokens) for c in completions])))

    def answering(num_tokens: int) -> Callable[[Requests], Answered]:
        @torch.inference_mode()
        def answer(group: Requests) -> Answered:
            tokens, attention = _padded_left(group)
            began_s = time.perf_counter()
            written = model.generate(
                input_ids=tokens,
                attention_mask=attention,
                generation_config=GenerationConfig(
                    do_sample=False, max_new_tokens=num_tokens, pad_token_id=0
                ),
                stopping_criteria=StoppingCriteriaList([MaxTimeCriteria(most_s)]),
            )
            took_s = time.perf_counter() - began_s
            answers = written[:, tokens.shape[1] :].numpy()
            done = zip(group, answers, strict=True)
            return Answered(
                tuple(Completion(r.key, a, 0.0, len(a) == num_tokens) for r, a in done), took_s
            )

        return answer

    return System(PLAIN, answering(length), answering(1), [requests])


def _padded_left(requests: Requests) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T) prompt tokens and attention mask."""
    width = max(len(request.prompt) for request in requests)
    table = np.zeros((2, len(requests), width), dtype=np.int64)
    for index, request in enumerate(requests):
        begin = width - len(request.prompt)
        table[0, index, begin:] = request.prompt.tokens
        table[1, index, begin:] = 1
    return torch.from_numpy(table[0]), torch.from_numpy(table[1])


def with_guess(
    requests: Requests,
    views: Sequence[View],
    completions: Sequence[Completion],
    encoding: Encoding,
) -> list[SampleRequest]:
    """The requests with one view's answer as everyone's guess: the view of median log-probability.

    Without guesses where that view's answer is no grid.
    """
    ranked = sorted(range(len(completions)), key=lambda i: completions[i].logprob_nats)
    middle = ranked[len(ranked) // 2]
    guess = to_candidate(completions[middle], encoding, views[middle], 0)
    if isinstance(guess, Rejected):
        return list(requests)
    return [
        replace(request, draft=view.transform.apply(guess.grid))
        for request, view in zip(requests, views, strict=True)
    ]
