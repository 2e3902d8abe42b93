"""The choice among legal tokens inside vLLM's engine: a logits processor for whole batches.

For every row it takes the best legal token, or a draw whose noise depends on the seed and the place
in the answer alone (as in `kit.generate.stepwise`, so that all samplers draw the same answer), and
leaves that token as the only one, its log-probability over legal tokens in place of its logit.
Asked for processed logits, vLLM then returns both. Which answer a row belongs to is read off the
tokens that were kept for it, because vLLM may compute a row and throw its token away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from vllm.v1.sample.logits_processor import (
    BatchUpdate,
    LogitsProcessor,
    process_dict_updates,
)

from kit.generate.automaton import Automaton
from kit.generate.vllm_rows import OPTIONS, ChoiceRow, chosen_logprobs


class ChooseLegal(LogitsProcessor):
    """See the module docstring; made by vLLM."""

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        self._rows: dict[int, ChoiceRow] = {}
        self._alphabets: dict[int, Tensor] = {}

    def is_argmax_invariant(self) -> bool:
        """No: it decides what is chosen."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow requests that come, go and change places."""
        process_dict_updates(self._rows, batch_update, _new_row)

    def apply(self, logits: Tensor) -> Tensor:
        """(requests, V) logits, of which one finite value per row is left."""
        groups: dict[int, list[int]] = {}
        for place in sorted(self._rows):
            groups.setdefault(id(self._rows[place].automaton), []).append(place)
        for places in groups.values():
            self._choose(logits, places)
        return logits

    def _choose(self, logits: Tensor, places: list[int]) -> None:
        """Choose for rows that share a grammar."""
        rows = [self._rows[place] for place in places]
        for row in rows:
            row.catch_up()
        alphabet = self._alphabet(rows[0].automaton, logits.device)
        where = torch.tensor(places, device=logits.device)
        values = logits[where[:, None], alphabet].float().cpu().numpy()
        mask = np.stack([row.automaton.mask(row.state) for row in rows])
        legal = np.where(mask, values, -np.inf)
        best = legal.argmax(axis=1)
        chosen = np.array(
            [
                row.choose(*pair)
                for row, pair in zip(rows, zip(legal, best, strict=True), strict=True)
            ]
        )
        logprobs = torch.from_numpy(chosen_logprobs(legal, chosen)).to(logits)
        logits[where] = -torch.inf
        logits[where, alphabet[torch.from_numpy(chosen).to(logits.device)]] = logprobs

    def _alphabet(self, automaton: Automaton, device: torch.device) -> Tensor:
        key = id(automaton)
        if key not in self._alphabets:
            self._alphabets[key] = torch.from_numpy(automaton.alphabet).to(device)
        return self._alphabets[key]


def _new_row(params: Any, prompt: list[int] | None, written: list[int]) -> ChoiceRow | None:
    options = (params.extra_args or {}).get(OPTIONS)
    return None if options is None else ChoiceRow(options, written)
