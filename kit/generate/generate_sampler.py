"""The reference sampler: transformers' own `generate()` under the answer grammar.

Serves any causal model, one adapter at a time. Where an encoding's positions are 0, 1, 2, ... the
tokens come from `generate()`; positions that jump cannot be told to it, so those encodings go
through a plain loop of forward calls with explicit positions, a full attention mask and the
model's own cache. Slow; its worth is that nothing in it is ours but the choice among legal tokens.
Drafts are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from kit.budget.clock import Deadline
from kit.encode.encoding import Answers, Encoded, Grammar
from kit.engine.transformers_model import logits_at
from kit.finetune.trainer import Adapter
from kit.generate.sampler import Completion, SampleRequest, ScoreRequest
from kit.generate.stepwise import StepwiseAnswer, answer_logprob
from kit.generate.transformers_adapters import AdaptedModels

BATCH_ROWS = 16
"""Prompts or answers in one padded batch."""

_FILL = 0
"""Token of padding and of rows that are done; masked or never read."""

_Request = TypeVar("_Request", SampleRequest, ScoreRequest)


class GenerateSampler:
    """Implements `Sampler`; see the module docstring.

    Args:
        model_path: a Hugging Face folder.
        dtype: "auto", "float32", "bfloat16" or "float16".
        device: where torch runs it, e.g. "cpu" or "cuda".
        quantize: hold its linear layers in 4 bits (NF4).
    Raises:
        FileNotFoundError, ModelError: the folder cannot be loaded.
    """

    def __init__(
        self,
        model_path: Path,
        dtype: str,
        encoding: Answers,
        device: str = "cpu",
        quantize: bool = False,
    ) -> None:
        self._encoding = encoding
        self._device = device
        self._models = AdaptedModels(model_path, dtype, device, quantize)

    @torch.inference_mode()
    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """See `Sampler.sample`. An answer ends unfinished at `Encoding.max_tokens` tokens."""
        for adapter, same in _by_adapter(requests):
            same.sort(key=lambda request: len(request.prompt))
            for start in range(0, len(same), BATCH_ROWS):
                rows = [self._open(request) for request in same[start : start + BATCH_ROWS]]
                if not deadline.passed():
                    self._complete(self._models.get(adapter), rows, deadline)
                yield from (row.completion() for row in rows)

    @torch.inference_mode()
    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """See `Sampler.score`. Every answer is fed with its whole prompt, nothing is reused."""
        for adapter, same in _by_adapter(requests):
            for request in same:
                logprobs: list[float] = []
                for start in range(0, len(request.answers), BATCH_ROWS):
                    if deadline.passed():
                        return
                    answers = request.answers[start : start + BATCH_ROWS]
                    model = self._models.get(adapter)
                    logprobs += self._score(model, request.prompt, answers)
                yield request.key, tuple(logprobs)

    def close(self) -> None:
        """Free the model."""
        del self._models

    def _open(self, request: SampleRequest) -> _Row:
        room = self._encoding.max_tokens - len(request.prompt)
        room = min(room, request.max_tokens or room)
        return _Row(request, self._encoding.grammar, room)

    def _complete(self, model: PreTrainedModel, rows: list[_Row], deadline: Deadline) -> None:
        """Write every row's answer, by `generate()` where it can."""
        if all(self._contiguous(row.request.prompt) for row in rows):
            self._generate(model, rows, deadline)
        else:
            self._loop(model, rows, deadline)

    def _contiguous(self, prompt: Encoded) -> bool:
        """Whether `generate()` would count the positions of prompt and answer by itself."""
        # Two rows, because positions may jump from row to row.
        probe = self._encoding.answer_tokens(((0,), (0,)))
        answer = self._encoding.answer_positions(prompt, probe)
        positions = np.concatenate([prompt.positions, answer])
        return np.array_equal(positions, np.arange(len(positions)))

    def _generate(self, model: PreTrainedModel, rows: list[_Row], deadline: Deadline) -> None:
        alphabet = self._encoding.grammar.alphabet
        tokens, attention, _ = self._pad_left([row.request.prompt.tokens for row in rows])
        model.generate(
            input_ids=tokens,
            attention_mask=attention,
            generation_config=GenerationConfig(
                do_sample=False,
                max_new_tokens=max(1, *(row.room for row in rows)),
                pad_token_id=_FILL,
            ),
            logits_processor=LogitsProcessorList([_ChooseLegal(rows, alphabet)]),
            stopping_criteria=StoppingCriteriaList([_StopDone(rows, deadline)]),
        )

    def _loop(self, model: PreTrainedModel, rows: list[_Row], deadline: Deadline) -> None:
        prompts = [row.request.prompt for row in rows]
        tokens, attention, positions = self._pad_left(
            [p.tokens for p in prompts], [p.positions for p in prompts]
        )
        alphabet = torch.from_numpy(self._encoding.grammar.alphabet).to(self._device)
        cache = None
        while not (deadline.passed() or all(row.done for row in rows)):
            output = model(
                input_ids=tokens,
                attention_mask=attention,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = output.past_key_values
            logits = output.logits[:, -1, alphabet].float().cpu().numpy()
            chosen = [row.choose(line) for row, line in zip(rows, logits, strict=True)]
            tokens = torch.tensor(chosen, device=self._device)[:, None]
            positions = torch.tensor(
                [self._last_position(row) for row in rows], device=self._device
            )[:, None]
            attention = torch.cat([attention, torch.ones_like(tokens)], dim=1)

    def _last_position(self, row: _Row) -> int:
        answer = np.asarray(row.answer.tokens, dtype=np.int64)
        return int(self._encoding.answer_positions(row.request.prompt, answer)[-1])

    def _score(
        self, model: PreTrainedModel, prompt: Encoded, answers: Sequence[np.ndarray]
    ) -> list[float]:
        """Log-probabilities of answers behind one prompt, in one padded batch."""
        positions = [
            np.concatenate([prompt.positions, self._encoding.answer_positions(prompt, answer)])
            for answer in answers
        ]
        tokens, attention, places = self._pad_left(
            [np.concatenate([prompt.tokens, answer]) for answer in answers], positions
        )
        length, longest = tokens.shape[1], max(map(len, answers))
        columns = torch.arange(length - longest - 1, length - 1, device=self._device)
        logits = logits_at(
            model, columns, tokens=tokens, attention=attention, positions=places
        ).cpu()
        return [
            answer_logprob(self._encoding.grammar, answer, rows[longest - len(answer) :].numpy())
            for answer, rows in zip(answers, logits, strict=True)
        ]

    def _pad_left(
        self, tokens: Sequence[np.ndarray], positions: Sequence[np.ndarray] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T) int64 tokens, attention mask and positions, padded on the left."""
        width = max(map(len, tokens))
        table = np.zeros((3, len(tokens), width), dtype=np.int64)
        table[0] = _FILL
        for index, row in enumerate(tokens):
            begin = width - len(row)
            table[0, index, begin:] = row
            table[1, index, begin:] = 1
            table[2, index, begin:] = np.arange(len(row)) if positions is None else positions[index]
        padded = torch.from_numpy(table).to(self._device)
        return padded[0], padded[1], padded[2]


class _Row:
    """One request and the answer written so far."""

    def __init__(self, request: SampleRequest, grammar: Grammar, room: int) -> None:
        self.request = request
        self.room = room
        self.answer = StepwiseAnswer(grammar, request.temperature, request.seed)

    @property
    def done(self) -> bool:
        return self.answer.finished or len(self.answer.tokens) >= self.room

    def choose(self, logits: np.ndarray) -> int:
        """The next token given (n,) logits over the alphabet; a filler when the row is done."""
        return _FILL if self.done else self.answer.write(logits)

    def completion(self) -> Completion:
        answer = self.answer
        tokens = np.asarray(answer.tokens, dtype=np.int64)
        return Completion(self.request.key, tokens, answer.logprob_nats, answer.finished)


class _ChooseLegal(LogitsProcessor):
    """Leaves `generate()` one token per row: the one that the row chose among the legal ones."""

    def __init__(self, rows: list[_Row], alphabet: np.ndarray) -> None:
        self._rows = rows
        self._alphabet = torch.from_numpy(alphabet)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = scores[:, self._alphabet.to(scores.device)].float().cpu().numpy()
        chosen = [row.choose(line) for row, line in zip(self._rows, logits, strict=True)]
        only = torch.full_like(scores, -torch.inf)
        only[torch.arange(len(chosen)), torch.tensor(chosen)] = 0.0
        return only


class _StopDone(StoppingCriteria):
    """Stops rows that are done, and all of them at the deadline."""

    def __init__(self, rows: list[_Row], deadline: Deadline) -> None:
        self._rows = rows
        self._deadline = deadline

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: object) -> Tensor:
        passed = self._deadline.passed()
        return torch.tensor([passed or row.done for row in self._rows], device=input_ids.device)


def _by_adapter(requests: Sequence[_Request]) -> list[tuple[Adapter | None, list[_Request]]]:
    """Requests of one adapter together, adapters in order of first use."""
    groups: dict[str, tuple[Adapter | None, list[_Request]]] = {}
    for request in requests:
        key = "" if request.adapter is None else request.adapter.sha256
        groups.setdefault(key, (request.adapter, []))[1].append(request)
    return list(groups.values())
