"""Completions to candidates: mapped back under every view, refused with a counted reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kit.arc.grid import Grid
from kit.augment.transform import DIHEDRAL_NAMES, IDENTITY, Transform
from kit.augment.views import View
from kit.encode.cells import END, ROW_OUT, CellEncoding
from kit.generate.decode import (
    GenerateConfig,
    RejectCounts,
    Rejected,
    decode_completions,
    to_candidate,
)
from kit.generate.sampler import Completion

ENCODING = CellEncoding()
ANSWER: Grid = ((1, 2, 3), (4, 5, 0))
COLOURS = (3, 0, 1, 2, 5, 4, 9, 8, 7, 6)
QUERY: Grid = ((1,),)


def view_of(transform=IDENTITY, test_index=1):
    return View("t", test_index, (), transform.apply(QUERY), None, transform)


def completion_of(tokens, key=(0,), nats=-1.5, finished=True):
    return Completion(key, np.asarray(tokens, dtype=np.int64), nats, finished)


@pytest.mark.parametrize("dihedral", range(8))
def test_an_answer_comes_back_to_the_original_frame_under_every_view(dihedral):
    transform = Transform(dihedral, COLOURS)
    tokens = ENCODING.answer_tokens(transform.apply(ANSWER))
    candidate = to_candidate(completion_of(tokens), ENCODING, view_of(transform), round=3)
    assert candidate.grid == ANSWER
    assert (candidate.task_id, candidate.test_index, candidate.round) == ("t", 1, 3)
    assert (candidate.source, candidate.group) == ("sample", DIHEDRAL_NAMES[dihedral])
    assert (candidate.logprob_nats, candidate.num_tokens) == (-1.5, len(tokens))
    assert (candidate.view, candidate.colours) == (0, COLOURS)
    assert all(type(cell) is int for row in candidate.grid for cell in row)


@pytest.mark.parametrize(
    ("tokens", "reason"),
    [
        ([], "truncated"),
        ([1, 2], "truncated"),
        ([END], "garbage"),
        ([1, 2, ROW_OUT, 3, ROW_OUT, END], "ragged"),
        ([*([1] * 31), ROW_OUT, END], "too_long"),
        ([*([1, ROW_OUT] * 31), END], "too_long"),
        ([11, ROW_OUT, END], "out_of_range"),
        ([-1, ROW_OUT, END], "out_of_range"),
    ],
)
def test_what_is_no_grid_is_refused_with_a_reason(tokens, reason):
    result = to_candidate(completion_of(tokens), ENCODING, view_of(), round=0)
    assert isinstance(result, Rejected)
    assert result.reason == reason
    assert result.detail


def test_a_cut_completion_is_refused_even_if_it_reads_as_a_grid():
    whole = completion_of(ENCODING.answer_tokens(ANSWER), finished=False)
    assert to_candidate(whole, ENCODING, view_of(), 0) == Rejected(
        "truncated", f"cut after {len(whole.tokens)} tokens"
    )


@pytest.mark.parametrize("nats", [math.nan, -math.inf, math.inf])
def test_a_broken_probability_is_refused(nats):
    broken = completion_of(ENCODING.answer_tokens(ANSWER), nats=nats)
    assert to_candidate(broken, ENCODING, view_of(), 0).reason == "not_finite"


def test_a_log_probability_just_above_zero_is_zero():
    sure = completion_of(ENCODING.answer_tokens(ANSWER), nats=1e-7)
    assert to_candidate(sure, ENCODING, view_of(), 0).logprob_nats == 0.0


def test_a_training_view_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="task t: a training view has no test input"):
        to_candidate(completion_of([END]), ENCODING, view_of(test_index=None), 0)


def test_candidates_keep_their_order_and_refusals_are_counted():
    turn = Transform(1)
    views = {(0,): view_of(), (1, 0): view_of(turn)}
    stream = iter(
        [
            completion_of(ENCODING.answer_tokens(turn.apply(ANSWER)), (1, 0)),
            completion_of([1], (0,)),
            completion_of([END], (0,)),
            completion_of(ENCODING.answer_tokens(ANSWER), (0,)),
            completion_of([1, ROW_OUT], (1, 0), finished=False),
        ]
    )
    candidates, rejects = decode_completions(stream, views, ENCODING, round=0)
    assert [c.group for c in candidates] == ["rotate90", "identity"]
    assert {c.grid for c in candidates} == {ANSWER}
    assert rejects == RejectCounts((("garbage", 1), ("truncated", 2)))
    assert (rejects.total, rejects["truncated"], rejects["ragged"]) == (3, 2, 0)
    assert rejects.as_dict("rejected_") == {"rejected_garbage": 1, "rejected_truncated": 2}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": -0.1}, "generate.temperature must be 0"),
        ({"temperature": math.nan}, "generate.temperature must be 0"),
        ({"temperature": math.inf}, "generate.temperature must be 0"),
        ({"samples_per_view": 0}, "generate.samples_per_view must be 1 or more, got 0"),
        ({"vllm_adapters": 0}, "generate.vllm_adapters must be 1 or more"),
        ({"vllm_guessed_tokens": -1}, "vllm_guessed_tokens 0 or more, got 8 and -1"),
        ({"vllm_guessed_tokens": 2}, "needs temperature 0 and vllm_legality=reject, got 0.0 and"),
        (
            {"vllm_guessed_tokens": 2, "vllm_legality": "reject", "temperature": 0.5},
            "needs temperature 0 .* got 0.5 and reject",
        ),
        ({"vllm_cache_bytes": -1}, "generate.vllm_cache_bytes must be 0 .* or more, got -1"),
        ({"vllm_memory": 0.0}, "generate.vllm_memory is a share of the GPU above 0"),
        ({"vllm_memory": 1.5}, "at most 1, got 1.5"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GenerateConfig(**settings)
