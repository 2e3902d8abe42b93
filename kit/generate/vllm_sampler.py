"""Sampling through vLLM: one engine serves the adapters of many tasks in one batch.

For models whose positions are 0, 1, 2, ...: vLLM takes no position ids. Prompts stay in its prefix
cache between views, rounds and `score`. Guesses (`SampleRequest.draft`) are not used. The engine
lives in this process; vLLM itself is touched in `kit.generate.vllm_engine` alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kit.budget.clock import Deadline
from kit.encode.encoding import Answers, Encoded
from kit.engine.shape import read_shape
from kit.finetune.trainer import Adapter
from kit.generate.automaton import Automaton
from kit.generate.decode import GenerateConfig
from kit.generate.sampler import Completion, Sampler, SampleRequest, ScoreRequest
from kit.generate.slots import MAX_ANSWER_TOKENS
from kit.generate.vllm_adapters import AdapterShelf, ServedAdapter
from kit.generate.vllm_answers import ChosenAnswer, RejectedAnswer
from kit.generate.vllm_card import find_card
from kit.generate.vllm_driver import Driver
from kit.generate.vllm_engine import Engine, VllmEngine
from kit.generate.vllm_plan import (
    LOGPROB_ALPHABET,
    EnginePlan,
    EnginePlanError,
    Scoring,
    plan_engine,
)
from kit.generate.vllm_rows import AUTOMATA
from kit.generate.vllm_scoring import ScoredAnswer, row_tokens, score_by_engine


class VllmSampler:
    """Implements `Sampler`; see the module docstring.

    Args:
        engine: started after `plan`.
        open_scorer: opens the kit's torch sampler of the same model; needed unless `scoring` is
            "engine".
    Raises:
        EnginePlanError: the model's positions are not contiguous, or the plan's legality cannot
            serve this grammar.
    """

    def __init__(
        self,
        engine: Engine,
        plan: EnginePlan,
        encoding: Answers,
        scoring: Scoring = "engine",
        open_scorer: Callable[[], Sampler] | None = None,
    ) -> None:
        check_encoding(plan, encoding)
        self._engine = engine
        self._plan = plan
        self._automaton = Automaton(encoding.grammar)
        self._end_token = int(encoding.answer_tokens(((0,),))[-1])
        self._driver = Driver(engine)
        self._shelf = AdapterShelf(plan.max_rank)
        self._scoring = scoring
        self._open_scorer = open_scorer
        self._scorer: Sampler | None = None

    def close(self) -> None:
        """Stop the engine and delete the copies of adapters."""
        self._engine.close()
        self._shelf.close()
        AUTOMATA.pop(id(self._automaton), None)
        if self._scorer is not None:
            self._scorer.close()

    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """See `Sampler.sample`. An answer ends unfinished where the engine's context ends."""
        self._prepare(requests)
        answers = [self._open(request) for request in requests]
        left = {id(answer): answer for answer in answers}
        for answer in self._driver.run(answers, deadline):
            del left[id(answer)]
            yield answer.completion()
        for answer in left.values():
            yield answer.completion()

    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """See `Sampler.score`."""
        self._prepare(requests)
        rest = list(requests)
        if self._scoring == "measured" and rest and not deadline.passed():
            yield from self._measure(rest.pop(0), deadline)
        if self._scoring == "torch":
            yield from self._torch_scorer().score(rest, deadline)
        else:
            yield from self._score(rest, deadline)

    def _prepare(self, requests: Sequence[SampleRequest | ScoreRequest]) -> None:
        """Refuse prompts that vLLM would read otherwise, and make room on the shelf."""
        for request in requests:
            check_positions(request.prompt)
        self._shelf.forget_others({r.adapter.sha256 for r in requests if r.adapter is not None})

    def _open(self, request: SampleRequest) -> ChosenAnswer:
        if request.min_logprob_nats is not None:
            raise ValueError(
                "vLLM gives one answer per request; generate.min_probability needs "
                "solve.sampler=torch"
            )
        if self._plan.guessed_tokens and request.temperature:
            # Seen with 0.32.0: draws that do not repeat, log-probabilities that are no numbers.
            raise ValueError(
                "n-gram speculation serves greedy requests only, got temperature "
                f"{request.temperature}; use generate.vllm_guessed_tokens=0"
            )
        room = min(self._plan.max_tokens - len(request.prompt), MAX_ANSWER_TOKENS)
        room = max(0, min(room, request.max_tokens or room))
        served = self._serve(request.adapter)
        way = ChosenAnswer if self._plan.legality == "choose" else RejectedAnswer
        return way(request, served, self._automaton, room, self._end_token)

    def _serve(self, adapter: Adapter | None) -> ServedAdapter | None:
        """What vLLM loads for an adapter, or for none."""
        if adapter is not None:
            return self._shelf.serve(adapter)
        # vLLM's LoRA for CPUs (0.32.0) reads "no adapter", -1, as the last of its slots: once that
        # is in use, requests without an adapter are answered under somebody else's.
        return self._shelf.neutral(read_shape(self._plan.model)) if self._plan.card.is_cpu else None

    def _score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        jobs = [(request, self._jobs(request)) for request in requests]
        return score_by_engine(self._driver, jobs, deadline)

    def _jobs(self, request: ScoreRequest) -> list[ScoredAnswer]:
        longest = len(request.prompt) + max(map(len, request.answers)) + 1
        if longest > self._plan.max_tokens:
            raise ValueError(
                f"scoring needs {longest} tokens of context, the engine has {self._plan.max_tokens}"
            )
        served = self._serve(request.adapter)
        top = row_tokens(len(self._automaton.alphabet), self._plan.vocab)
        known: dict[bytes, tuple[Sequence[int], Sequence[float]]] = {}
        prompt = request.prompt.tokens.tolist()
        return [
            ScoredAnswer(prompt, answer, served, self._automaton, self._plan.legality, known, top)
            for answer in request.answers
        ]

    def _measure(
        self, request: ScoreRequest, deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """Score one request both ways; the faster one scores from now on."""
        scorer = self._torch_scorer()
        seconds, scores = {}, {}
        for name, score in (("engine", self._score), ("torch", scorer.score)):
            began_s = time.perf_counter()
            scores[name] = list(score([request], deadline))
            seconds[name] = time.perf_counter() - began_s
        if scores["engine"] and scores["torch"]:
            self._scoring = "engine" if seconds["engine"] <= seconds["torch"] else "torch"
        yield from scores["engine"] or scores["torch"]

    def _torch_scorer(self) -> Sampler:
        if self._scorer is None:
            if self._open_scorer is None:
                raise EnginePlanError(f"scoring by {self._scoring} needs the kit's torch sampler")
            self._scorer = self._open_scorer()
        return self._scorer


def check_encoding(plan: EnginePlan, encoding: Answers) -> None:
    """Refuse formats that the engine cannot serve.

    Raises:
        EnginePlanError: positions that jump, or an alphabet too large to see whole.
    """
    prompt = Encoded(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), ())
    # Two rows, because positions may jump from row to row.
    places = encoding.answer_positions(prompt, encoding.answer_tokens(((0,), (0,))))
    if not np.array_equal(places, 1 + np.arange(len(places))):
        raise EnginePlanError(
            f"{plan.model}: this format gives tokens the positions of their cells, and vLLM counts "
            "0, 1, 2, ... Use a model that knows contiguous positions (arc_format.json: positions "
            "or also), or solve.sampler=torch"
        )
    if plan.legality == "reject" and len(encoding.grammar.alphabet) > LOGPROB_ALPHABET:
        raise EnginePlanError(
            f"legality reject is for grammars of at most {LOGPROB_ALPHABET} tokens, this one has "
            f"{len(encoding.grammar.alphabet)}; use choose"
        )


def check_positions(prompt: Encoded) -> None:
    """Refuse a prompt whose positions are not 0, 1, 2, ...

    Raises:
        ValueError: they are not.
    """
    if not np.array_equal(prompt.positions, np.arange(len(prompt))):
        raise ValueError(
            "vLLM counts positions 0, 1, 2, ..., but this prompt was encoded with others; encode "
            "it with contiguous positions"
        )


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """What a run decides about its engine.

    Attributes:
        rank: of the largest adapter.
        max_tokens: of the longest prompt.
        dtype: as in `plan_engine`.
        generate: its fields named vllm_.
        cache_bytes: for keys and values; None for what the share of memory leaves.
    """

    rank: int
    max_tokens: int
    dtype: str = "auto"
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    cache_bytes: int | None = None


def open_vllm_sampler(
    model: Path,
    encoding: Answers,
    options: VllmOptions,
    open_scorer: Callable[[], Sampler] | None = None,
) -> VllmSampler:
    """A sampler on this machine's first GPU, or on its CPU with vLLM's build for CPUs.

    Raises:
        EnginePlanError: vLLM cannot serve this model here; says why.
    """
    wanted = options.generate
    plan = plan_engine(
        model,
        find_card(),
        max_tokens=options.max_tokens,
        rank=options.rank,
        dtype=options.dtype,
        max_loras=wanted.vllm_adapters,
        cache_bytes=options.cache_bytes,
        memory_share=wanted.vllm_memory,
        legality=wanted.vllm_legality,
        guessed_tokens=wanted.vllm_guessed_tokens,
    )
    check_encoding(plan, encoding)
    scoring = wanted.vllm_scoring
    if scoring == "auto":
        scoring = "torch" if plan.card.is_cpu and open_scorer is not None else "engine"
    return VllmSampler(VllmEngine(plan), plan, encoding, scoring, open_scorer)
