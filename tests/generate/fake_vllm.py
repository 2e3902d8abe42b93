"""An engine that behaves like vLLM's where it matters to the sampler, without vLLM."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")

from kit.budget.clock import Deadline, SystemClock
from kit.encode.cells import CellEncoding
from kit.generate.vllm_engine import NO_ROWS, Ask, Piece, Rows
from kit.generate.vllm_plan import Card, EnginePlan
from kit.generate.vllm_rows import OPTIONS, ChoiceRow, chosen_logprobs

VOCAB = 32
NEVER = Deadline(math.inf, SystemClock())
ENCODING = CellEncoding("contiguous")


def plan(legality="choose", max_tokens=4000) -> EnginePlan:
    return EnginePlan(
        model=Path("model"),
        card=Card("a test", 90, 1 << 30),
        dtype="float32",
        base="16-bit",
        max_rank=8,
        max_loras=2,
        kept_loras=4,
        max_tokens=max_tokens,
        max_requests=8,
        step_tokens=1024,
        vocab=VOCAB,
        cache_bytes=None,
        memory_share=0.9,
        attention="",
        legality=legality,
    )


def model_logits(name: str, tokens: list[int], sharpness: float = 2.0) -> np.ndarray:
    """(V,) logits that depend on the adapter and on every token; ends are likely."""
    key = hashlib.blake2b(f"{name}:{tokens}".encode(), digest_size=8).digest()
    row = np.random.default_rng(int.from_bytes(key, "big")).normal(size=VOCAB) * sharpness
    row[[20, 24]] += 2.0
    return row.astype(np.float32)


class FakeEngine:
    """One token per request and step; remembers what was asked, and every prompt as cached."""

    def __init__(self, legality="choose", garbage=1e30) -> None:
        self.running: dict[str, tuple[Ask, list[int]]] = {}
        self.asked: list[Ask] = []
        self.aborted: list[str] = []
        self.steps = 0
        self._legality = legality
        self._cached: list[tuple[str, list[int]]] = []

    def submit(self, name: str, ask: Ask) -> None:
        assert name not in self.running
        self.running[name] = (ask, [])
        self.asked.append(ask)

    def abort(self, names) -> None:
        self.aborted += names
        for name in names:
            del self.running[name]

    def close(self) -> None:
        self.running.clear()

    def step(self) -> list[Piece]:
        self.steps += 1
        pieces = []
        for name, (ask, written) in list(self.running.items()):
            pieces.append(self._write(name, ask, written))
            if pieces[-1].ended:
                del self.running[name]
        return pieces

    def _write(self, name: str, ask: Ask, written: list[int]) -> Piece:
        first = not written
        adapter = ask.adapter.name if ask.adapter else ""
        logits = model_logits(adapter, [*ask.tokens, *written])
        rows = self._row(ask, logits, written)
        token = rows.tokens[0]
        written.append(token)
        settings = ask.settings
        ended = len(written) == ask.max_tokens or token in settings.get("stop_token_ids", ())
        prompt_rows, cached = self._prompt(ask, adapter) if first else (NO_ROWS, 0)
        return Piece(name, [token], rows, prompt_rows, cached, ended)

    def _row(self, ask: Ask, logits: np.ndarray, written: list[int]) -> Rows:
        """The token and its row, as `ChooseLegal` or vLLM's own sampler make them."""
        settings = ask.settings
        if OPTIONS in settings.get("extra_args", {}):
            row = ChoiceRow(settings["extra_args"][OPTIONS], written)
            row.catch_up()
            alphabet = row.automaton.alphabet
            legal = np.where(row.automaton.mask(row.state), logits[alphabet], -np.inf)
            place = row.choose(legal, int(legal.argmax()))
            value = float(chosen_logprobs(legal[None], np.array([place]))[0])
            return Rows([int(alphabet[place])], [value], [0], [1])
        allowed = np.array(settings.get("allowed_token_ids", range(VOCAB)))
        temperature = settings["temperature"]
        values = logits[allowed] / (temperature or 1.0)
        values = values - np.logaddexp.reduce(values)
        place = int(values.argmax())
        if temperature:
            noise = np.random.default_rng((settings["seed"], len(written))).gumbel(size=len(values))
            place = int((values + noise).argmax())
        order = np.argsort(-values)[: settings.get("logprobs", 0)]
        tokens = [int(allowed[place]), *allowed[order].tolist()]
        return Rows(tokens, [float(values[place]), *values[order].tolist()], [0], [len(tokens)])

    def _prompt(self, ask: Ask, adapter: str) -> tuple[Rows, int]:
        top = ask.settings.get("prompt_logprobs")
        tokens = list(ask.tokens)
        cached = 0
        if top is None or not ask.settings["skip_reading_prefix_cache"]:
            shared = [_common(tokens, t) for name, t in self._cached if name == adapter]
            cached = min(max(shared, default=0), len(tokens) - 1) // 4 * 4
        self._cached.append((adapter, tokens))
        if top is None:
            return NO_ROWS, cached
        flat_tokens, flat_values, ends = [], [], [0]
        for place in range(1, len(tokens)):
            row = model_logits(adapter, tokens[:place])
            if self._legality == "reject":
                row = row - np.logaddexp.reduce(row)
            order = np.argsort(-row)[:top].tolist()
            if place <= cached:  # what was not computed is whatever lay in memory
                flat_tokens += [-7] * (top + 1)
                flat_values += [1e30] * (top + 1)
            else:
                flat_tokens += [tokens[place], *order]
                flat_values += [float(row[tokens[place]]), *row[order].tolist()]
            ends.append(len(flat_tokens))
        return Rows(flat_tokens, flat_values, [0, *ends[:-1]], ends), cached


def _common(a: list[int], b: list[int]) -> int:
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
