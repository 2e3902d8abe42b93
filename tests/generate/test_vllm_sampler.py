"""The vLLM sampler on an engine that behaves like vLLM's where it matters, without vLLM.

What vLLM really does with the same requests is tested in tests/contracts (-m vllm).
"""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

pytest.importorskip("safetensors")
from safetensors.numpy import load_file

from kit.arc.grid import Grid
from kit.budget.clock import Deadline
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoded
from kit.generate.sampler import SampleRequest, ScoreRequest
from kit.generate.stepwise import StepwiseAnswer, answer_logprob
from kit.generate.vllm_plan import Card, EnginePlanError
from kit.generate.vllm_sampler import VllmSampler
from tests.generate.fake_vllm import ENCODING, NEVER, VOCAB, FakeEngine, model_logits, plan


def prompt_of(*tokens: int) -> Encoded:
    ids = np.array(tokens, dtype=np.int64)
    return Encoded(ids, np.arange(len(ids)), ())


PROMPTS = [
    prompt_of(22, 11, 21, 23),
    prompt_of(22, 12, 13, 21, 23),
    prompt_of(22, 15, 21, 16, 21, 23),
]


@pytest.fixture(params=["choose", "reject"])
def legality(request):
    return request.param


@pytest.fixture
def opened(legality):
    """A sampler and its engine."""
    engine = FakeEngine(legality)
    sampler = VllmSampler(engine, plan(legality), ENCODING)
    yield sampler, engine
    sampler.close()


def expected_answer(prompt: Encoded, temperature=0.0, seed=0, name="") -> StepwiseAnswer:
    answer = StepwiseAnswer(ENCODING.grammar, temperature, seed)
    while not answer.finished:
        logits = model_logits(name, [*prompt.tokens.tolist(), *answer.tokens])
        answer.write(logits[ENCODING.grammar.alphabet])
    return answer


def expected_score(prompt: Encoded, answer: np.ndarray, name="") -> float:
    begin = prompt.tokens.tolist()
    rows = [model_logits(name, [*begin, *answer[:i].tolist()]) for i in range(len(answer))]
    return answer_logprob(ENCODING.grammar, answer, np.stack(rows))


def requests_for(prompts, **changes):
    return [SampleRequest((i,), prompt, **changes) for i, prompt in enumerate(prompts)]


def test_greedy_answers_are_those_of_the_plain_loop(opened):
    sampler, engine = opened
    for completion in sampler.sample(requests_for(PROMPTS), NEVER):
        expected = expected_answer(PROMPTS[completion.key[0]])
        assert completion.tokens.tolist() == expected.tokens
        assert completion.logprob_nats == pytest.approx(expected.logprob_nats, abs=1e-4)
        assert completion.finished
    assert not engine.running


def test_draws_are_legal_seeded_and_score_as_written(opened, legality):
    sampler, _ = opened
    drawn = {}
    for seed in range(12):
        (one,) = sampler.sample(requests_for(PROMPTS[:1], temperature=0.7, seed=seed), NEVER)
        (again,) = sampler.sample(requests_for(PROMPTS[:1], temperature=0.7, seed=seed), NEVER)
        assert one.tokens.tolist() == again.tokens.tolist()
        assert one.logprob_nats == pytest.approx(expected_score(PROMPTS[0], one.tokens), abs=1e-4)
        drawn[one.tokens.tobytes()] = seed
        if legality == "choose":
            expected = expected_answer(PROMPTS[0], 0.7, seed)
            assert one.tokens.tolist() == expected.tokens
    assert len(drawn) > 3


def test_illegal_tokens_are_asked_for_again():
    engine = FakeEngine("reject")
    sampler = VllmSampler(engine, plan("reject"), ENCODING)
    list(sampler.sample(requests_for(PROMPTS), NEVER))
    repairs = [ask for ask in engine.asked if ask.max_tokens == 1]
    assert repairs, "a random model writes illegal tokens"
    alphabet = set(ENCODING.grammar.alphabet.tolist())
    assert all(set(ask.settings["allowed_token_ids"]) < alphabet for ask in repairs)


GRIDS: tuple[Grid, ...] = (((1, 2, 3), (4, 5, 6)), ((1, 2, 3), (4, 5, 7)), ((1, 2, 3),), ((9,),))


def test_scores_are_right_whatever_lies_in_the_cache(opened):
    """Answers with common beginnings, twice, the second time all of it cached."""
    sampler, engine = opened
    answers = tuple(ENCODING.answer_tokens(grid) for grid in GRIDS)
    asked = [ScoreRequest((i,), prompt, answers) for i, prompt in enumerate(PROMPTS)]
    for _ in range(2):
        scores = dict(sampler.score(asked, NEVER))
        assert scores.keys() == {(0,), (1,), (2,)}
        for (index,), values in scores.items():
            wanted = [expected_score(PROMPTS[index], answer) for answer in answers]
            assert values == pytest.approx(wanted, abs=1e-4)
    whole = [ask for ask in engine.asked if ask.settings.get("skip_reading_prefix_cache")]
    assert 0 < len(whole) < len(engine.asked) / 2


def test_an_illegal_answer_costs_nothing(opened):
    sampler, engine = opened
    ragged = np.array([1, 20, 1, 1, 20, 24])
    ((_, scores),) = sampler.score([ScoreRequest((0,), PROMPTS[0], (ragged,))], NEVER)
    assert scores == (-math.inf,)
    assert engine.asked == []


class CountingClock:
    """One second later at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def now_s(self) -> float:
        self.looks += 1
        return float(self.looks)


def test_the_deadline_aborts_and_keeps_what_was_written(opened):
    sampler, engine = opened
    completions = list(sampler.sample(requests_for(PROMPTS), Deadline(4.0, CountingClock())))
    assert len(completions) == len(PROMPTS)
    assert engine.steps == 2
    assert not engine.running
    for completion in completions:
        expected = expected_answer(PROMPTS[completion.key[0]]).tokens
        assert completion.tokens.tolist() == expected[: len(completion.tokens)]
        assert completion.finished == (len(completion.tokens) == len(expected))
    assert any(not c.finished and len(c.tokens) for c in completions)


def test_a_past_deadline_asks_nothing(opened):
    sampler, engine = opened
    past = Deadline(0.0, CountingClock())
    assert [c.finished for c in sampler.sample(requests_for(PROMPTS), past)] == [False] * 3
    assert list(sampler.score([ScoreRequest((0,), PROMPTS[0], (np.array([1]),))], past)) == []
    assert engine.asked == []


def test_leaving_an_iterator_aborts_its_requests(opened):
    sampler, engine = opened
    stream = sampler.sample(requests_for(PROMPTS * 3), NEVER)
    next(stream)
    stream.close()
    assert not engine.running


def test_two_calls_may_be_read_in_turn(opened):
    sampler, _ = opened
    one, two = (sampler.sample(requests_for(PROMPTS), NEVER) for _ in range(2))
    first = {next(one).key, next(two).key}
    keys = [c.key for c in one] + [c.key for c in two]
    assert len(keys) + 2 == 2 * len(PROMPTS)
    assert first <= {(0,), (1,), (2,)}


def test_answers_end_where_they_are_cut_or_the_context_ends(legality):
    sampler = VllmSampler(FakeEngine(legality), plan(legality, max_tokens=8), ENCODING)
    requests = [SampleRequest((0,), PROMPTS[0]), SampleRequest((1,), PROMPTS[0], max_tokens=2)]
    requests.append(SampleRequest((2,), prompt_of(*range(10, 18))))
    lengths = {c.key: (len(c.tokens), c.finished) for c in sampler.sample(requests, NEVER)}
    whole = len(expected_answer(PROMPTS[0]).tokens)
    assert lengths == {(0,): (min(4, whole), whole <= 4), (1,): (2, False), (2,): (0, False)}
    with pytest.raises(ValueError, match="scoring needs 11 tokens of context, the engine has 8"):
        list(sampler.score([ScoreRequest((0,), PROMPTS[0], (np.arange(6),))], NEVER))


def test_positions_that_jump_are_refused():
    with pytest.raises(EnginePlanError, match="vLLM counts 0, 1, 2"):
        VllmSampler(FakeEngine(), plan(), CellEncoding("aligned"))
    sampler = VllmSampler(FakeEngine(), plan(), ENCODING)
    jumping = dataclasses.replace(PROMPTS[0], positions=np.array([0, 1, 2, 33]))
    with pytest.raises(ValueError, match="encoded with others"):
        list(sampler.sample([SampleRequest((0,), jumping)], NEVER))


def test_on_a_cpu_nothing_goes_without_an_adapter(tmp_path):
    """vLLM's LoRA for CPUs answers requests without one under whatever fills its last slot."""
    config = {
        "model_type": "llama", "vocab_size": VOCAB, "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 8,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    cpu = dataclasses.replace(plan(), card=Card("a CPU", 0, 1 << 30), model=tmp_path)
    engine = FakeEngine()
    sampler = VllmSampler(engine, cpu, ENCODING)
    list(sampler.sample(requests_for(PROMPTS), NEVER))
    list(sampler.score([ScoreRequest((0,), PROMPTS[0], (np.array([1]),))], NEVER))
    assert {ask.adapter for ask in engine.asked} == {engine.asked[0].adapter} != {None}
    weights = engine.asked[0].adapter.path / "adapter_model.safetensors"
    assert not any(load_file(weights)[name].any() for name in load_file(weights))
    sampler.close()


def test_a_search_for_several_answers_is_refused(opened):
    sampler, _ = opened
    with pytest.raises(ValueError, match=r"generate\.min_probability needs solve\.sampler=torch"):
        list(sampler.sample([SampleRequest((0,), PROMPTS[0], min_logprob_nats=-3.0)], NEVER))


def test_speculation_serves_greedy_requests_only():
    guessing = dataclasses.replace(plan("reject"), guessed_tokens=2)
    sampler = VllmSampler(FakeEngine("reject"), guessing, ENCODING)
    with pytest.raises(ValueError, match=r"greedy requests only, got temperature 0\.5"):
        list(sampler.sample(requests_for(PROMPTS, temperature=0.5), NEVER))


class SlowScorer:
    """Scores -1 for every answer, after a look at the clock."""

    def __init__(self) -> None:
        self.calls = 0

    def score(self, requests, deadline):
        for request in requests:
            self.calls += 1
            yield request.key, (-1.0,) * len(request.answers)

    def close(self) -> None:
        self.calls = -1


def test_the_faster_scorer_goes_on(monkeypatch):
    answers = (ENCODING.answer_tokens(((1,),)),)
    asked = [ScoreRequest((i,), prompt, answers) for i, prompt in enumerate(PROMPTS)]
    # Seconds at which each of the four looks at the clock finds it: begin and end of each way.
    for seconds, faster in (((0, 1, 1, 9), "engine"), ((0, 9, 9, 10), "torch")):
        looks = iter(seconds)
        monkeypatch.setattr(
            "kit.generate.vllm_sampler.time.perf_counter", lambda it=looks: next(it)
        )
        scorer, engine = SlowScorer(), FakeEngine()
        sampler = VllmSampler(engine, plan(), ENCODING, "measured", lambda it=scorer: it)
        scores = dict(sampler.score(asked, NEVER))
        assert len(scores) == 3
        assert scorer.calls == (1 if faster == "engine" else 3)
        assert scores[0,] == pytest.approx((expected_score(PROMPTS[0], answers[0]),), abs=1e-4)
        sampler.close()
        assert scorer.calls == -1
    with pytest.raises(EnginePlanError, match="needs the kit's torch sampler"):
        list(VllmSampler(FakeEngine(), plan(), ENCODING, "torch").score(asked, NEVER))
