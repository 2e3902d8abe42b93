"""Threshold search in the kit's own sampler against a plain recursion without any cache.

pytest tests/contracts/test_threshold_sampling.py
"""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kit.engine.llama import PackedCausal, forward  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.generate.sampler import SampleRequest  # noqa: E402
from kit.generate.torch_sampler import TorchSampler  # noqa: E402

BOUND = math.log(0.01)


@pytest.fixture
def model(model_path):
    """The tiny model in the engine."""
    return open_model(model_path, "float32")


@pytest.fixture
def prompts(encoding, make_views):
    """Three prompts of different tasks."""
    return [encoding.encode(make_views(seed, 1, answered=False)[0]) for seed in range(3)]


@torch.inference_mode()
def by_recursion(model, encoding, prompt) -> dict[tuple[int, ...], float]:
    """Every answer above the bound with its log-probability, one forward pass per path."""
    found: dict[tuple[int, ...], float] = {}

    def go(path: tuple[int, ...], state: int, nats: float) -> None:
        if encoding.grammar.is_final(state):
            found[path] = nats
            return
        answer = np.array(path, dtype=np.int64)
        tokens = torch.from_numpy(np.concatenate([prompt.tokens, answer]))
        places = np.concatenate([prompt.positions, encoding.answer_positions(prompt, answer)])
        hidden = forward(
            model.shape, model.weights, model.rotary, tokens, torch.from_numpy(places),
            PackedCausal([len(tokens)]),
        )  # fmt: skip
        legal = encoding.grammar.legal(state)
        row = (hidden[-1] @ model.weights.head.T)[torch.from_numpy(legal)]
        for token, own in zip(legal.tolist(), row.log_softmax(-1).tolist(), strict=True):
            if nats + own >= BOUND:
                go((*path, token), encoding.grammar.step(state, token), nats + own)

    go((), encoding.grammar.start, 0.0)
    return found


def ask(sampler, prompts, never, **options) -> dict[tuple[int, ...], list]:
    """Completions by key."""
    requests = [SampleRequest((i,), p, **options) for i, p in enumerate(prompts)]
    found: dict[tuple[int, ...], list] = {(i,): [] for i in range(len(prompts))}
    for completion in sampler.sample(requests, never):
        found[completion.key].append(completion)
    return found


def test_all_views_at_once_equal_a_recursion_each(model, encoding, prompts, never) -> None:
    found = ask(
        TorchSampler(model, encoding), prompts, never, min_logprob_nats=BOUND, max_answers=9999
    )
    assert any(found.values()), "the bound is too high to test anything"
    for i, prompt in enumerate(prompts):
        theirs = by_recursion(model, encoding, prompt)
        ours = {tuple(c.tokens.tolist()): c.logprob_nats for c in found[(i,)]}
        assert len(ours) == len(found[(i,)])
        # The greedy answer comes whether it is above the bound or not.
        del ours[tuple(found[(i,)][0].tokens.tolist())]
        theirs.pop(tuple(found[(i,)][0].tokens.tolist()), None)
        clear = {path for path, nats in theirs.items() if abs(nats - BOUND) > 1e-3}
        assert clear <= ours.keys() <= theirs.keys() | {p for p in ours if ours[p] - BOUND < 1e-3}
        assert all(math.isclose(ours[p], theirs[p], abs_tol=1e-3) for p in clear)


def test_the_first_answer_is_the_greedy_one_and_drafts_change_nothing(
    model, encoding, prompts, never
) -> None:
    options = {"min_logprob_nats": math.log(1e-4), "max_answers": 3}
    greedy = ask(TorchSampler(model, encoding), prompts, never)
    plain = ask(TorchSampler(model, encoding), prompts, never, **options)
    drafted = ask(TorchSampler(model, encoding), prompts, never, draft=((1, 2), (3, 4)), **options)
    for key, completions in plain.items():
        assert completions[0].tokens.tolist() == greedy[key][0].tokens.tolist()
        same = zip(completions, drafted[key], strict=True)
        assert all(a.tokens.tolist() == b.tokens.tolist() for a, b in same)


def test_a_deadline_keeps_what_was_found(model, encoding, prompts, after_looks) -> None:
    sampler = TorchSampler(model, encoding)
    requests = [
        SampleRequest((i,), p, min_logprob_nats=math.log(1e-4), max_answers=10_000)
        for i, p in enumerate(prompts)
    ]
    few = list(sampler.sample(requests, after_looks(40)))
    more = list(sampler.sample(requests, after_looks(300)))
    assert len(few) < len(more)
    assert all(c.finished for c in more)
