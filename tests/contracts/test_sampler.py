"""What every sampler promises. To add a backend, add one line to SAMPLERS."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from kit.encode.cells import CellEncoding  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.finetune.adapter_dir import AdapterError  # noqa: E402
from kit.finetune.peft_trainer import PeftTrainer  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402
from kit.generate.generate_sampler import GenerateSampler  # noqa: E402
from kit.generate.sampler import SampleRequest, ScoreRequest  # noqa: E402
from kit.generate.torch_sampler import TorchSampler  # noqa: E402


def _open_generate(path: Path, encoding):
    return GenerateSampler(path, "float32", encoding)


def _open_torch(path: Path, encoding):
    return TorchSampler(open_model(path, "float32"), encoding)


@functools.cache
def _vllm_engine(path: Path):
    """One engine for all tests: it takes half a minute to start, and knows no encoding."""
    pytest.importorskip("vllm")
    from kit.generate.vllm_card import find_card
    from kit.generate.vllm_engine import VllmEngine
    from kit.generate.vllm_plan import plan_engine

    plan = plan_engine(path, find_card(), max_tokens=8192, rank=4, dtype="float32")
    return VllmEngine(plan), plan


def _open_vllm(path: Path, encoding):
    from kit.generate.vllm_sampler import VllmSampler

    engine, plan = _vllm_engine(path)
    sampler = VllmSampler(engine, plan, encoding)
    sampler.close = sampler._shelf.close
    return sampler


SAMPLERS = {"generate": _open_generate, "torch": _open_torch}
"""Name -> open(model folder, encoding), in float32."""

CONTIGUOUS_LORA_ONLY = {"vllm": _open_vllm}
"""The same for backends that serve no position ids and no full fine-tuning."""

MARKED = [pytest.param(name, marks=pytest.mark.vllm) for name in CONTIGUOUS_LORA_ONLY]


@pytest.fixture(params=[*SAMPLERS, *MARKED])
def backend(request):
    """Its name."""
    return request.param


@pytest.fixture
def open_sampler(backend, model_path):
    """`open_sampler(encoding)` for each backend; closed after the test."""
    opened = []

    def make(encoding):
        if backend in CONTIGUOUS_LORA_ONLY and encoding._scheme != "contiguous":
            pytest.skip(f"{backend} counts positions by itself")
        open_backend = (SAMPLERS | CONTIGUOUS_LORA_ONLY)[backend]
        opened.append(open_backend(model_path, encoding))
        return opened[-1]

    yield make
    for sampler in opened:
        sampler.close()


@pytest.fixture
def sampler(open_sampler, encoding):
    """One backend on the small grammar."""
    return open_sampler(encoding)


@pytest.fixture
def fit(model_path, encoding, make_views, never, tmp_path):
    """`fit(seed, method)`: an adapter that changes the model clearly."""

    def make(seed: int, method: str = "lora"):
        lr = 3e-2 if method == "lora" else 1e-2
        config = FinetuneConfig(method=method, rank=4, alpha=8.0, lr=lr, batch_views=2)
        trainer = PeftTrainer(model_path, "float32", encoding, config)
        out = tmp_path / f"{method}{seed}"
        adapter, _ = trainer.fit("t", make_views(seed, 2), 12, seed, out, never)
        trainer.close()
        return adapter

    return make


@pytest.fixture
def full(backend, fit):
    """`full(seed)`: a list of one fully fine-tuned adapter, or none where they are not served."""
    return lambda seed: [] if backend in CONTIGUOUS_LORA_ONLY else [fit(seed, "full")]


@pytest.fixture
def prompts(encoding, make_views):
    """Three prompts of different lengths, with small grids."""
    views = [make_views(seed, 1 + seed, answered=False)[0] for seed in range(3)]
    return [encoding.encode(view) for view in views]


def greedy(prompts, adapter=None):
    return [SampleRequest((i,), prompt, adapter) for i, prompt in enumerate(prompts)]


def sampled(prompts, adapter=None):
    return [
        SampleRequest((i, seed), prompt, adapter, temperature=1.0, seed=seed)
        for i, prompt in enumerate(prompts)
        for seed in range(3)
    ]


def by_key(completions):
    completions = list(completions)
    table = {completion.key: completion for completion in completions}
    assert len(table) == len(completions)
    return table


def rescore(sampler, requests, completions, never):
    """Teacher-forced log-probability of every completion."""
    asked = [
        ScoreRequest(r.key, r.prompt, (completions[r.key].tokens,), r.adapter) for r in requests
    ]
    return {key: scores[0] for key, scores in sampler.score(asked, never)}


def answer_logits(encoding, reference, prompt, answer, adapter=None):
    """(A + 1, V) logits before each token of an answer and behind it."""
    tokens = np.concatenate([prompt.tokens, answer])
    positions = np.concatenate([prompt.positions, encoding.answer_positions(prompt, answer)])
    return reference(tokens, positions, adapter)[len(prompt) - 1 :].astype(np.float64)


def argmax_loop(encoding, reference, prompt, adapter=None, limit=40):
    """Greedy tokens, one whole forward pass per token, and whether a near tie was met."""
    state, answer = encoding.grammar.start, np.zeros(0, dtype=np.int64)
    while not encoding.grammar.is_final(state) and len(answer) < limit:
        legal = encoding.grammar.legal(state)
        row = answer_logits(encoding, reference, prompt, answer, adapter)[-1][legal]
        if len(row) > 1 and np.diff(np.sort(row)[-2:])[0] < 1e-4:
            return answer, True
        token = int(legal[row.argmax()])
        answer = np.append(answer, token)
        state = encoding.grammar.step(state, token)
    return answer, False


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_only_legal_rectangular_grids(sampler, encoding, prompts, never, temperature):
    requests = sampled(prompts) if temperature else greedy(prompts)
    completions = by_key(sampler.sample(requests, never))
    assert completions.keys() == {request.key for request in requests}
    for completion in completions.values():
        state = encoding.grammar.start
        for token in completion.tokens.tolist():
            state = encoding.grammar.step(state, token)
        assert completion.finished
        assert encoding.grammar.is_final(state)
        assert np.array_equal(
            encoding.answer_tokens(encoding.decode(completion.tokens)), completion.tokens
        )
        assert completion.tokens.dtype == np.int64
        assert completion.logprob_nats <= 1e-6


def test_greedy_is_an_argmax_loop(sampler, encoding, prompts, never, reference, fit, full):
    for adapter in (None, fit(1), *full(2)):
        completions = by_key(sampler.sample(greedy(prompts, adapter), never))
        for index, prompt in enumerate(prompts):
            expected, _ = argmax_loop(encoding, reference, prompt, adapter)
            got = completions[index,].tokens[: len(expected)]
            assert got.tolist() == expected.tolist()


def test_logprob_is_the_teacher_forced_score(sampler, prompts, never, fit, full):
    for adapter in (None, fit(1), *full(2)):
        requests = [
            *greedy(prompts, adapter),
            *sampled(prompts, adapter),
        ]
        completions = by_key(sampler.sample(requests, never))
        scores = rescore(sampler, requests, completions, never)
        for key, completion in completions.items():
            assert completion.logprob_nats == pytest.approx(scores[key], abs=1e-4)


def test_score_is_renormalised_over_legal_tokens(
    sampler, encoding, prompts, never, reference, fit, full
):
    answers = tuple(
        encoding.answer_tokens(grid) for grid in (((1,),), ((2, 3, 4), (5, 6, 7)), ((0,), (0,)))
    )
    for adapter in (None, fit(1), *full(2)):
        ((key, scores),) = sampler.score([ScoreRequest((5,), prompts[0], answers, adapter)], never)
        assert key == (5,)
        for answer, score in zip(answers, scores, strict=True):
            logits = answer_logits(encoding, reference, prompts[0], answer, adapter)
            state, expected = encoding.grammar.start, 0.0
            for token, row in zip(answer.tolist(), logits[:-1], strict=True):
                legal = encoding.grammar.legal(state)
                expected += row[token] - np.log(np.exp(row[legal]).sum())
                state = encoding.grammar.step(state, token)
            assert score == pytest.approx(expected, abs=1e-4)


def test_an_illegal_answer_scores_minus_infinity(sampler, encoding, prompts, never):
    ragged = np.concatenate(
        [encoding.answer_tokens(((1, 2),))[:-1], encoding.answer_tokens(((1,),))]
    )
    fine = encoding.answer_tokens(((1, 2), (1, 3)))
    ((_, scores),) = sampler.score([ScoreRequest((0,), prompts[0], (ragged, fine))], never)
    assert scores[0] == -np.inf
    assert np.isfinite(scores[1])


def test_requests_do_not_influence_each_other(sampler, prompts, never, fit, full):
    """Mixed adapters, lengths and temperatures in one call equal calls of their own."""
    adapters = [fit(1), None, fit(2), *full(3)]
    requests = [
        dataclasses.replace(request, key=(index, *request.key))
        for index, adapter in enumerate(adapters)
        for request in [*greedy(prompts, adapter), *sampled(prompts[:1], adapter)]
    ]
    together = by_key(sampler.sample(requests, never))
    distinct = set()
    for request in requests[::-1]:
        (alone,) = sampler.sample([request], never)
        mixed = together[request.key]
        assert alone.tokens.tolist() == mixed.tokens.tolist()
        assert alone.logprob_nats == pytest.approx(mixed.logprob_nats, abs=1e-4)
        if request.key[1:] == (0,):
            distinct.add(alone.tokens.tobytes())
    assert len(distinct) == len(adapters), "the adapters of this test should differ in effect"


def test_the_first_token_reaches_the_last_logits(sampler, encoding, prompts, never):
    """Fails where positions with jumps are read as several packed sequences."""
    prompt = prompts[0]
    changed = prompt.tokens.copy()
    changed[1] = changed[1] + 1 if changed[1] < 19 else changed[1] - 1
    other = dataclasses.replace(prompt, tokens=changed)
    answer = encoding.answer_tokens(((3, 1), (4, 1)))
    asked = [ScoreRequest((0,), prompt, (answer,)), ScoreRequest((1,), other, (answer,))]
    first, second = (scores[0] for _, scores in sampler.score(asked, never))
    assert abs(first - second) > 1e-6
    one, two = sampler.sample(
        [SampleRequest((i,), p, temperature=1.0, seed=5) for i, p in enumerate((prompt, other))],
        never,
    )
    assert one.logprob_nats != two.logprob_nats


def test_answers_of_the_whole_grammar(open_sampler, backend, make_views, never):
    """Up to 30 by 30, which a random model often fills."""
    whole = CellEncoding("contiguous" if backend in CONTIGUOUS_LORA_ONLY else "aligned")
    prompt = whole.encode(make_views(0, 1, answered=False)[0])
    requests = [SampleRequest((seed,), prompt, temperature=1.0, seed=seed) for seed in range(2)]
    for completion in open_sampler(whole).sample(requests, never):
        assert completion.finished
        assert len(whole.answer_tokens(whole.decode(completion.tokens))) == len(completion.tokens)


def test_seeds_decide_draws(sampler, prompts, never):
    def draw(seed):
        request = SampleRequest((0,), prompts[0], temperature=1.0, seed=seed)
        (completion,) = sampler.sample([request], never)
        return completion.tokens.tolist()

    assert draw(1) == draw(1)
    assert len({tuple(draw(seed)) for seed in range(4)}) > 1


def test_an_answer_is_cut_where_it_is_asked_to_be(sampler, prompts, never):
    whole = by_key(sampler.sample(sampled(prompts), never))
    asked = [dataclasses.replace(request, max_tokens=3) for request in sampled(prompts)]
    for key, completion in by_key(sampler.sample(asked, never)).items():
        long = whole[key].tokens
        assert min(3, len(long)) <= len(completion.tokens)
        assert (completion.tokens == long[: len(completion.tokens)]).all()
        assert completion.finished == (len(completion.tokens) == len(long))


def test_samples_of_one_prompt_are_those_that_come_alone(sampler, prompts, never):
    together = by_key(sampler.sample(sampled(prompts), never))
    for request in sampled(prompts):
        (alone,) = sampler.sample([request], never)
        assert alone.tokens.tolist() == together[request.key].tokens.tolist()
        assert alone.logprob_nats == pytest.approx(together[request.key].logprob_nats, abs=1e-4)


def test_draws_follow_the_model(sampler, encoding, prompts, after_looks, reference):
    """First tokens of 400 draws against the model's probabilities, at temperature 0.7."""
    legal = encoding.grammar.legal(encoding.grammar.start)
    row = answer_logits(encoding, reference, prompts[0], np.zeros(0, dtype=np.int64))[-1][legal]
    wanted = np.exp(row / 0.7 - np.logaddexp.reduce(row / 0.7))
    counts = np.zeros(len(legal))
    requests = [SampleRequest((s,), prompts[0], temperature=0.7, seed=s) for s in range(400)]
    for start in range(0, len(requests), 16):
        for completion in sampler.sample(requests[start : start + 16], after_looks(3)):
            counts[np.searchsorted(legal, completion.tokens[0])] += 1
    assert np.abs(counts / counts.sum() - wanted).max() < 0.1


def test_a_past_deadline_gives_unfinished_answers(sampler, prompts, past):
    completions = by_key(sampler.sample(greedy(prompts), past))
    assert len(completions) == len(prompts)
    assert not any(completion.finished for completion in completions.values())
    assert list(sampler.score([ScoreRequest((0,), prompts[0], (np.array([1]),))], past)) == []


def test_a_deadline_in_the_middle_keeps_what_was_written(sampler, encoding, prompts, after_looks):
    for completion in sampler.sample(sampled(prompts), after_looks(4)):
        state = encoding.grammar.start
        for token in completion.tokens.tolist():
            state = encoding.grammar.step(state, token)
        assert completion.finished == encoding.grammar.is_final(state)


def test_a_damaged_adapter_is_refused(sampler, prompts, never, fit):
    adapter = fit(1)
    path = adapter.path / "adapter_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(AdapterError, match="checksum"):
        list(sampler.sample(greedy(prompts[:1], adapter), never))


def test_the_base_model_is_back_after_an_adapter(sampler, backend, prompts, never, fit, full):
    before = by_key(sampler.sample(greedy(prompts), never))
    for adapter in (fit(1), *full(2)):
        list(sampler.sample(greedy(prompts, adapter), never))
    after = by_key(sampler.sample(greedy(prompts), never))
    for key, completion in before.items():
        assert completion.tokens.tolist() == after[key].tokens.tolist()
        # vLLM rounds differently when it reads the prompt from its cache.
        apart = 1e-4 if backend in CONTIGUOUS_LORA_ONLY else 0.0
        assert abs(completion.logprob_nats - after[key].logprob_nats) <= apart


def test_backends_answer_alike(model_path, encoding, prompts, never, fit):
    """Same tokens, greedy and drawn, and the same log-probabilities, in float32."""
    requests = [
        dataclasses.replace(request, key=(index, *request.key))
        for index, adapter in enumerate((None, fit(1), fit(2, "full")))
        for request in [*greedy(prompts, adapter), *sampled(prompts, adapter)]
    ]
    tables = []
    for open_backend in SAMPLERS.values():
        backend = open_backend(model_path, encoding)
        tables.append(by_key(backend.sample(requests, never)))
        backend.close()
    for other in tables[1:]:
        for key, completion in tables[0].items():
            assert other[key].tokens.tolist() == completion.tokens.tolist(), key
            assert other[key].logprob_nats == pytest.approx(completion.logprob_nats, abs=1e-4)


@pytest.mark.vllm
def test_vllm_serves_many_adapters_in_one_batch(model_path, encoding, prompts, never, fit):
    """Three adapters and the base model side by side: the tokens that transformers and peft write
    under one at a time, their log-probabilities, and scores of answers that share beginnings."""
    if encoding._scheme != "contiguous":
        pytest.skip("vLLM counts positions by itself")
    requests = [
        dataclasses.replace(request, key=(index, *request.key))
        for index, adapter in enumerate((fit(1), fit(2), None, fit(3)))
        for request in [*greedy(prompts, adapter), *sampled(prompts, adapter)]
    ]
    vllm, plain = _open_vllm(model_path, encoding), _open_generate(model_path, encoding)
    ours, theirs = (by_key(s.sample(requests, never)) for s in (vllm, plain))
    assert {key: c.tokens.tolist() for key, c in ours.items()} == {
        key: c.tokens.tolist() for key, c in theirs.items()
    }
    for key, completion in ours.items():
        assert completion.logprob_nats == pytest.approx(theirs[key].logprob_nats, abs=1e-4)
    answers = tuple({c.tokens.tobytes(): c.tokens for c in ours.values()}.values())
    asked = [
        ScoreRequest(r.key, r.prompt, answers, r.adapter) for r in requests if r.temperature == 0
    ]
    scores, expected = (dict(s.score(asked, never)) for s in (vllm, plain))
    assert scores.keys() == expected.keys()
    for key, values in scores.items():
        assert values == pytest.approx(expected[key], abs=2e-4)
    vllm.close()
    plain.close()
