"""The vLLM sampler on an engine that behaves like vLLM's where it matters, without vLLM.

What vLLM really does with the same requests is tested in tests/contracts (-m vllm).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")
from safetensors.numpy import load_file

from kit.arc.grid import Grid
from kit.budget.clock import Deadline, SystemClock
from kit.encode.cells import CellEncoding
from kit.encode.encoding import Encoded
from kit.finetune.adapter_dir import AdapterError, LoraSettings, write_lora_adapter
from kit.finetune.trainer import Adapter
from kit.generate.sampler import SampleRequest, ScoreRequest
from kit.generate.stepwise import StepwiseAnswer, answer_logprob
from kit.generate.vllm_adapters import AdapterShelf
from kit.generate.vllm_engine import NO_ROWS, Ask, Piece, Rows
from kit.generate.vllm_plan import Card, EnginePlan, EnginePlanError
from kit.generate.vllm_rows import OPTIONS, ChoiceRow, chosen_logprobs
from kit.generate.vllm_sampler import VllmSampler

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


def adapter_at(path: Path, value: float, rank: int = 4, **config) -> Adapter:
    pytest.importorskip("safetensors")
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    weights = {
        f"{name}.lora_A.weight": np.full((rank, 8), value, np.float32),
        f"{name}.lora_B.weight": np.full((8, rank), value, np.float32),
    }
    settings = LoraSettings(rank, 8.0, ("q_proj",), "base")
    adapter = write_lora_adapter(path, "task", weights, settings)
    if config:
        file = path / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return adapter


def test_every_version_of_an_adapter_has_its_own_name_number_and_path(tmp_path):
    shelf = AdapterShelf(8, shared=tmp_path)
    versions = [shelf.serve(adapter_at(tmp_path / "a", value)) for value in (1.0, 2.0, 1.0)]
    assert versions[0] == versions[2]
    assert 1 <= versions[0].number < versions[1].number
    # Another sampler on the same engine must not meet a number again.
    other = AdapterShelf(8, shared=tmp_path)
    assert other.serve(adapter_at(tmp_path / "a", 3.0)).number > versions[1].number
    other.close()
    assert len({v.name for v in versions}) == len({v.path for v in versions}) == 2
    assert all((v.path / "adapter_model.safetensors").is_file() for v in versions)
    assert versions[0].path.parent.parent == tmp_path
    shelf.close()
    assert not versions[0].path.exists()


def test_copies_go_to_disk_where_shared_memory_is_missing(tmp_path):
    shelf = AdapterShelf(8, shared=tmp_path / "nothing here")
    served = shelf.serve(adapter_at(tmp_path / "a", 1.0))
    assert served.path.is_dir()
    shelf.close()


def test_copies_of_killed_processes_are_removed(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, alive = (tmp_path / f"kit-adapters-{pid}-x" for pid in (gone.pid, os.getpid()))
    for folder in (dead, alive, tmp_path / "kit-adapters-other-x"):
        folder.mkdir()
    shelf = AdapterShelf(8, shared=tmp_path)
    shelf.serve(adapter_at(tmp_path / "a", 1.0))
    shelf.close()
    names = {folder.name for folder in tmp_path.glob("kit-adapters-*")}
    assert names == {alive.name, "kit-adapters-other-x"}


def test_old_copies_are_deleted_but_not_those_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr("kit.generate.vllm_adapters.KEPT_VERSIONS", 2)
    shelf = AdapterShelf(8, shared=tmp_path)
    adapters = [adapter_at(tmp_path / str(i), float(i + 1)) for i in range(4)]
    served = [shelf.serve(adapter) for adapter in adapters]
    shelf.forget_others({adapters[0].sha256})
    assert [s.path.exists() for s in served] == [True, False, False, True]
    assert shelf.serve(adapters[1]).number > served[3].number
    shelf.close()


@pytest.mark.parametrize(
    ("config", "rank", "message"),
    [
        ({"modules_to_save": ["embed_tokens"]}, 4, r"modules_to_save is \['embed_tokens'\]"),
        ({"use_dora": True}, 4, "use_dora is True"),
        ({"bias": "all"}, 4, "bias is 'all'"),
        ({"target_modules": ["q_proj", "lm_head"]}, 4, "adapts lm_head"),
        ({}, 16, "rank 16 is above 8"),
    ],
)
def test_what_vllm_cannot_serve_is_refused_with_the_reason(tmp_path, config, rank, message):
    shelf = AdapterShelf(8, shared=tmp_path)
    with pytest.raises(AdapterError, match=message):
        shelf.serve(adapter_at(tmp_path / "a", 1.0, rank, **config))
    full = dataclasses.replace(adapter_at(tmp_path / "b", 1.0), method="full")
    with pytest.raises(AdapterError, match=r"finetune\.method=full"):
        shelf.serve(full)
    shelf.close()


def test_a_damaged_adapter_leaves_no_copy(tmp_path):
    adapter = adapter_at(tmp_path / "a", 1.0)
    path = adapter.path / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    shelf = AdapterShelf(8, shared=tmp_path)
    with pytest.raises(AdapterError, match="checksum"):
        shelf.serve(adapter)
    (folder,) = tmp_path.glob("kit-adapters-*")
    assert list(folder.iterdir()) == []
    shelf.close()
