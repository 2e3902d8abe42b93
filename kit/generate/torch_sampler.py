"""The kit's own sampler: many views in one packed batch, guesses verified in blocks.

Serves Llama-family models through `kit.engine`. Several tasks' adapters may share a batch: one
adapter is merged into the weights, several LoRA adapters are added per stretch of the batch, and
fully fine-tuned ones take turns. Prompts that have been answered stay in the cache: neither
`score` nor other samples of one read it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kit.budget.clock import Deadline
from kit.encode.encoding import Answers
from kit.engine.cache import CachedCausal, SequenceCache
from kit.engine.llama import forward
from kit.engine.model import Model
from kit.finetune.trainer import Adapter
from kit.generate.adapters import AdapterCache, adapter_key, full_key
from kit.generate.automaton import Automaton
from kit.generate.sampler import Completion, SampleRequest, ScoreRequest
from kit.generate.slots import Slot, begin_answer
from kit.generate.watched import WATCHED_TOKENS, DeadlinePassed, Watched

PASS_TOKENS = 4096
"""Tokens of one forward pass; longer ones would be no faster, and take memory."""

PART_TOKENS = 24576
"""Tokens of prompts decoded together: a deadline then finds some answers whole, not all begun."""

ROOM_TOKENS = 512
"""Tokens reckoned for an answer when caches are planned."""

_Kept = tuple[str, bytes, bytes]


class TorchSampler:
    """Implements `Sampler`; see the module docstring.

    Args:
        max_cache_bytes: keys and values held at once; larger calls are served in parts.
    """

    def __init__(self, model: Model, encoding: Answers, max_cache_bytes: int = 2 << 30) -> None:
        self._model = model
        self._encoding = encoding
        self._automaton = Automaton(encoding.grammar)
        self._alphabet = torch.from_numpy(self._automaton.alphabet).to(model.device)
        self._max_cache_bytes = max_cache_bytes
        self._adapters = AdapterCache(model)
        self._kept: dict[_Kept, SequenceCache] = {}

    def close(self) -> None:
        """Free the caches; the model belongs to the caller."""
        self._kept.clear()
        self._adapters.clear()

    @torch.inference_mode()
    def sample(self, requests: Sequence[SampleRequest], deadline: Deadline) -> Iterator[Completion]:
        """See `Sampler.sample`."""
        self._forget_others({adapter_key(r.adapter) for r in requests})
        for part in self._parts(requests):
            slots = [self._open(r) for r in part]
            self._read_shared(slots, deadline)
            while slots and self._advance(slots, deadline):
                for slot in filter(Slot.is_done, slots):
                    yield from slot.completions(self._automaton)
                    self._keep(slot)
                slots = [s for s in slots if not s.is_done()]
            for slot in slots:
                yield from slot.completions(self._automaton)

    def _parts(self, requests: Sequence[SampleRequest]) -> Iterator[list[SampleRequest]]:
        """Requests that can run together: any LoRA mix, but one fully fine-tuned adapter at a
        time, within the memory for caches."""
        shape = self._model.shape
        per_token = 2 * shape.num_layers * shape.num_kv_heads * shape.head_dim
        per_token *= torch.finfo(self._model.dtype).bits // 8
        limit = min(PART_TOKENS, self._max_cache_bytes // per_token)
        for key in sorted({full_key(r.adapter) for r in requests}):
            part: list[SampleRequest] = []
            used = 0
            for request in (r for r in requests if full_key(r.adapter) == key):
                need = len(request.prompt) + ROOM_TOKENS
                if part and used + need > limit:
                    yield part
                    part, used = [], 0
                part.append(request)
                used += need
            yield part

    def _read_shared(self, slots: Sequence[Slot], deadline: Deadline) -> None:
        """Read a prompt that several slots have once, all but its last token; one that is kept
        not at all."""
        groups: dict[_Kept, list[Slot]] = {}
        for slot in slots:
            groups.setdefault(_kept_key(slot.request), []).append(slot)
        try:
            for key, same in groups.items():
                self._share(self._kept.get(key), same, deadline)
        except DeadlinePassed:
            return

    def _share(self, kept: SequenceCache | None, slots: Sequence[Slot], deadline: Deadline) -> None:
        """Fill the caches of slots with one prompt from what is kept of it, or by reading it.

        A slot of its own reads its prompt with the first step, together with others.

        Raises:
            DeadlinePassed: before it was read.
        """
        first, *others = slots
        if kept is not None:
            kept.length = len(first.request.prompt) - 1
            first.cache.copy(kept)
        elif others:
            if deadline.passed():
                raise DeadlinePassed
            self._read(first.request, first.cache, deadline)
        for other in others:
            other.cache.copy(first.cache)

    def _read(
        self, request: SampleRequest | ScoreRequest, cache: SequenceCache, deadline: Deadline
    ) -> None:
        """Fill an empty cache with a prompt, all but its last token."""
        prompt = request.prompt
        tokens, positions = [prompt.tokens[:-1]], [prompt.positions[:-1]]
        if len(prompt) > 1:
            self._forward([request.adapter], [cache], tokens, positions, deadline)
        cache.length = len(prompt) - 1

    def _open(self, request: SampleRequest) -> Slot:
        draft = np.zeros(0, dtype=np.int64)
        if request.draft is not None:
            draft = self._encoding.answer_tokens(request.draft)
        answer = begin_answer(self._automaton, request, draft)
        capacity = len(request.prompt) + len(draft) + 64
        cache = SequenceCache(self._model.shape, capacity, self._model.weights.embed)
        return Slot(request, cache, answer)

    def _advance(self, slots: Sequence[Slot], deadline: Deadline) -> bool:
        """Feed what each slot has pending, some slots at a time; False if the deadline came."""
        feeds = [slot.pending() for slot in slots]
        begin = 0
        while begin < len(slots):
            if deadline.passed():
                return False
            end, total = begin, 0
            while end < len(slots) and (end == begin or total < PASS_TOKENS):
                total += sum(map(len, feeds[end]))
                end += 1
            try:
                self._feed(slots[begin:end], feeds[begin:end], deadline)
            except DeadlinePassed:
                return False
            begin = end
        return True

    def _feed(
        self,
        slots: Sequence[Slot],
        feeds: Sequence[tuple[np.ndarray, np.ndarray]],
        deadline: Deadline,
    ) -> None:
        """One forward pass of known tokens and guesses, and its consequences."""
        tokens = [np.concatenate(feed) for feed in feeds]
        positions = [self._positions(slot, feed) for slot, feed in zip(slots, tokens, strict=True)]
        for slot, feed in zip(slots, tokens, strict=True):
            slot.cache.reserve(slot.cache.length + len(feed))
        adapters, caches = [s.request.adapter for s in slots], [s.cache for s in slots]
        hidden, head = self._forward(adapters, caches, tokens, positions, deadline)
        wanted = [len(guess) + 1 for _, guess in feeds]
        logits = self._logits(hidden, head, [len(t) for t in tokens], wanted)
        for slot, (known, _), rows in zip(slots, feeds, logits, strict=True):
            slot.cache.length += len(known) + slot.answer.accept(rows)

    def _positions(self, slot: Slot, feed: np.ndarray) -> np.ndarray:
        """Position ids of the fed tokens, which end behind the prompt in general."""
        prompt = slot.request.prompt
        fed = slot.cache.length
        answer = feed if fed >= len(prompt) else feed[len(prompt) - fed :]
        before = np.asarray(slot.answer.tokens, dtype=np.int64)[: max(0, fed - len(prompt))]
        whole = self._encoding.answer_positions(prompt, np.concatenate([before, answer]))
        return np.concatenate([prompt.positions[fed:], whole[len(before) :]])

    def _forward(
        self,
        adapters: Sequence[Adapter | None],
        caches: Sequence[SequenceCache],
        tokens: Sequence[np.ndarray],
        positions: Sequence[np.ndarray],
        deadline: Deadline,
    ) -> tuple[Tensor, Tensor]:
        """(T, D) hidden states and the (V, D) head; keys and values are written behind each
        cache's length. Raises DeadlinePassed if that comes while a long pass is under way."""
        model, lengths = self._model, [len(t) for t in tokens]
        attend = CachedCausal(caches, lengths)
        is_long = sum(lengths) >= WATCHED_TOKENS
        weights, adapt = self._adapters.mixed(adapters, lengths)
        hidden = forward(
            model.shape,
            weights,
            model.rotary,
            torch.from_numpy(np.concatenate(tokens)).to(model.device),
            torch.from_numpy(np.concatenate(positions)).to(model.device),
            Watched(attend, deadline) if is_long else attend,
            adapt,
        )
        return hidden, weights.head

    def _logits(
        self, hidden: Tensor, head: Tensor, lengths: Sequence[int], wanted: Sequence[int]
    ) -> list[np.ndarray]:
        """Logits over the alphabet at the last `wanted` tokens of each stretch."""
        ends = np.cumsum(lengths)
        rows = np.concatenate([np.arange(e - w, e) for e, w in zip(ends, wanted, strict=True)])
        last = hidden[torch.from_numpy(rows).to(hidden.device)]
        # Free text may use the whole vocabulary: that head is not to be copied at every step.
        head = head if len(self._alphabet) == len(head) else head[self._alphabet]
        logits = F.linear(last, head).float()
        return np.split(logits.cpu().numpy(), np.cumsum(wanted)[:-1])

    def _keep(self, slot: Slot) -> None:
        """Hold the prompt's keys and values, those of the latest within the memory limit."""
        slot.cache.length = len(slot.request.prompt)
        self._kept[_kept_key(slot.request)] = slot.cache
        while sum(c.nbytes for c in self._kept.values()) > self._max_cache_bytes:
            del self._kept[next(iter(self._kept))]

    def _forget_others(self, adapters: set[str]) -> None:
        """Drop prompts of adapters that are no longer in use."""
        self._kept = {key: cache for key, cache in self._kept.items() if key[0] in adapters}

    @torch.inference_mode()
    def score(
        self, requests: Sequence[ScoreRequest], deadline: Deadline
    ) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
        """See `Sampler.score`. The prompt is computed once for all its answers."""
        for request in requests:
            if deadline.passed():
                return
            try:
                scores = self._score_one(request, deadline)
            except DeadlinePassed:
                return
            yield request.key, scores

    def _score_one(self, request: ScoreRequest, deadline: Deadline) -> tuple[float, ...]:
        prompt = request.prompt
        cache = self._kept.get(_kept_key(request))
        longest = max(map(len, request.answers))
        if cache is None:
            cache = SequenceCache(self._model.shape, len(prompt), self._model.weights.embed)
        cache.reserve(len(prompt) + longest)
        if cache.length == 0:
            self._read(request, cache, deadline)
        cache.length = len(prompt) - 1
        # Every answer is fed behind the prompt's last token, so that its logits are there too.
        tokens = [np.append(prompt.tokens[-1], a[:-1]) for a in request.answers]
        positions = [
            np.append(prompt.positions[-1], self._encoding.answer_positions(prompt, a[:-1]))
            for a in request.answers
        ]
        caches = [cache] * len(tokens)
        adapters = [request.adapter] * len(tokens)
        hidden, head = self._forward(adapters, caches, tokens, positions, deadline)
        lengths = [len(t) for t in tokens]
        logits = self._logits(hidden, head, lengths, lengths)
        return tuple(
            self._automaton.answer_logprob(answer, rows)
            for answer, rows in zip(request.answers, logits, strict=True)
        )


def _kept_key(request: SampleRequest | ScoreRequest) -> _Kept:
    prompt = request.prompt
    return adapter_key(request.adapter), prompt.tokens.tobytes(), prompt.positions.tobytes()
