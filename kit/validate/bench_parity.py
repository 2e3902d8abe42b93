"""Whether two samplers wrote the same greedy tokens, and how close the call was where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from kit.encode.encoding import Grammar
from kit.engine.transformers_model import logits_at, open_transformers_model
from kit.generate.sampler import Completion, SampleRequest


@dataclass(frozen=True, slots=True)
class Parity:
    """What a comparison found.

    Attributes:
        equal: views with equal tokens.
        gaps: for each other view the gap between the two largest legal logits, by transformers,
            where the answers part.
    """

    equal: int
    gaps: tuple[float, ...]


def compare(
    path: Path,
    dtype: str,
    grammar: Grammar,
    requests: Sequence[SampleRequest],
    ours: Sequence[Completion],
    theirs: Sequence[Completion],
) -> Parity:
    """Compare answers view by view; where one was cut, as far as it goes.

    Args:
        path, dtype: the model, loaded again only where answers differ.
        requests, ours, theirs: in the same order; base model, contiguous positions.
    """
    model: PreTrainedModel | None = None
    gaps = []
    for request, a, b in zip(requests, ours, theirs, strict=True):
        place = parting(a, b)
        if place is None:
            continue
        model = model or open_transformers_model(path, dtype)
        gaps.append(_gap(model, grammar, request, a.tokens[:place]))
    return Parity(len(requests) - len(gaps), tuple(gaps))


def parting(ours: Completion, theirs: Completion) -> int | None:
    """The first place at which two answers differ; None where they do not."""
    length = min(len(ours.tokens), len(theirs.tokens))
    differ = np.flatnonzero(ours.tokens[:length] != theirs.tokens[:length])
    if len(differ):
        return int(differ[0])
    shorter = ours if len(ours.tokens) == length else theirs
    same = len(ours.tokens) == len(theirs.tokens) or not shorter.finished
    return None if same else length


@torch.inference_mode()
def _gap(
    model: PreTrainedModel, grammar: Grammar, request: SampleRequest, before: np.ndarray
) -> float:
    """The gap between the two largest legal logits behind `before`."""
    tokens = torch.from_numpy(np.concatenate([request.prompt.tokens, before]))[None]
    logits = logits_at(
        model,
        torch.tensor([tokens.shape[1] - 1]),
        tokens=tokens,
        attention=torch.ones_like(tokens),
        positions=torch.arange(tokens.shape[1])[None],
    )[0, 0].numpy()
    state = grammar.start
    for token in before.tolist():
        state = grammar.step(state, token)
    largest = np.sort(logits[grammar.legal(state)])[::-1]
    return float(largest[0] - largest[1]) if len(largest) > 1 else 0.0
