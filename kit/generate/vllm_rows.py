"""The choice of one token for one request of vLLM's batch, and how requests ask for it; no vLLM.

`kit.generate.vllm_choice` calls this for whole batches inside the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kit.generate.automaton import Automaton

OPTIONS = "kit"
"""Key of `SamplingParams.extra_args` under which a request's options stand."""

BROKEN = -1e30
"""Stands for a log-probability that is no number: no token may be chosen by it."""

AUTOMATA: dict[int, Automaton] = {}
"""By the number that requests name; engine and sampler share a process."""


def choice_settings(
    automaton: Automaton,
    temperature: float = 0.0,
    seed: int = 0,
    prefix: Sequence[int] = (),
    forced: Sequence[int] = (),
) -> dict[str, Any]:
    """Fields of `SamplingParams` that let `ChooseLegal` choose a request's tokens.

    Args:
        prefix: tokens of the answer that stand in the prompt already.
        forced: legal tokens to take whatever the model says, to learn their log-probability.
    """
    AUTOMATA[id(automaton)] = automaton
    options = {
        "automaton": id(automaton),
        "temperature": temperature,
        "seed": seed,
        "prefix": list(prefix),
        "forced": list(forced),
    }
    return {"temperature": 0.0, "logprobs": 0, "extra_args": {OPTIONS: options}}


class ChoiceRow:
    """One request of the batch.

    Args:
        written: the engine's own list of the tokens kept so far.
    """

    def __init__(self, options: dict[str, Any], written: list[int]) -> None:
        self.automaton = AUTOMATA[options["automaton"]]
        self.state = self.automaton.start
        self._temperature: float = options["temperature"]
        self._seed: int = options["seed"]
        self._forced: list[int] = options["forced"]
        self._first = len(options["prefix"])
        self._written = written
        self._read = 0
        for token in options["prefix"]:
            self._step(token)

    def _step(self, token: int) -> None:
        if not self.automaton.is_final(self.state):
            self.state = self.automaton.step(self.state, self.automaton.index(token))

    def catch_up(self) -> None:
        """Read the tokens that were kept since the last look."""
        for token in self._written[self._read :]:
            self._step(token)
            self._read += 1

    def choose(self, legal: np.ndarray, best: int) -> int:
        """The place in the alphabet to take, given (n,) logits and the place of the largest."""
        if self._read < len(self._forced):
            return self.automaton.index(self._forced[self._read])
        if self._temperature == 0:
            return best
        noise = np.random.default_rng((self._seed, self._first + self._read))
        return int((legal / self._temperature + noise.gumbel(size=len(legal))).argmax())


def chosen_logprobs(legal: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(n,) log-probability of each row's choice; BROKEN where the model gave no number."""
    rows = legal.astype(np.float64)
    top = rows.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        total = top[:, 0] + np.log(np.exp(rows - top).sum(axis=1))
        found = rows[np.arange(len(rows)), chosen] - total
    return np.where(np.isfinite(found), found, BROKEN)
