"""What is special about the reference sampler; the rest is in tests/contracts."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from kit.arc.task import Pair  # noqa: E402
from kit.augment.views import View  # noqa: E402
from kit.budget.clock import Deadline, SystemClock  # noqa: E402
from kit.encode.cells import VOCAB, CellEncoding  # noqa: E402
from kit.finetune.peft_trainer import PeftTrainer  # noqa: E402
from kit.finetune.trainer import FinetuneConfig  # noqa: E402
from kit.generate.generate_sampler import GenerateSampler  # noqa: E402
from kit.generate.sampler import SampleRequest, ScoreRequest  # noqa: E402

NEVER = Deadline(math.inf, SystemClock())
QUESTION = View("t", 0, (), ((1, 2),), None)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
    )
    folder = tmp_path_factory.mktemp("llama")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    # Settings of the folder that would bend `generate()` if they were obeyed.
    transformers.GenerationConfig(
        eos_token_id=list(range(10)), repetition_penalty=1.8, do_sample=True, temperature=0.3
    ).save_pretrained(folder)
    return folder


def limited(positions: str, answer_tokens: int):
    """An encoding with room for so many answer tokens, and the question in it."""
    encoding = CellEncoding(positions)
    prompt = encoding.encode(QUESTION)
    encoding.max_tokens = len(prompt) + answer_tokens
    return encoding, prompt


@pytest.mark.parametrize(("positions", "expected"), [("contiguous", True), ("aligned", False)])
def test_generate_is_used_where_positions_are_contiguous(
    model_path, monkeypatch, positions, expected
):
    calls = []
    generate = transformers.GenerationMixin.generate

    def counted(self, *args, **kwargs):
        calls.append(1)
        return generate(self, *args, **kwargs)

    monkeypatch.setattr(transformers.GenerationMixin, "generate", counted)
    encoding, prompt = limited(positions, 5)
    sampler = GenerateSampler(model_path, "float32", encoding)
    list(sampler.sample([SampleRequest((0,), prompt)], NEVER))
    assert bool(calls) is expected


def test_generation_settings_of_the_folder_are_dropped(model_path):
    """Both ways through the model must agree: only `generate()` could obey those settings."""
    answers = []
    for force_loop in (False, True):
        encoding, prompt = limited("contiguous", 60)
        sampler = GenerateSampler(model_path, "float32", encoding)
        if force_loop:
            sampler._contiguous = lambda prompt: False
        (answer,) = sampler.sample([SampleRequest((0,), prompt)], NEVER)
        answers.append(answer)
    assert answers[0].tokens.tolist() == answers[1].tokens.tolist()
    assert answers[0].logprob_nats == pytest.approx(answers[1].logprob_nats, abs=1e-4)


@pytest.mark.parametrize("positions", ["contiguous", "aligned"])
def test_the_token_limit_cuts(model_path, positions):
    encoding, prompt = limited(positions, 2)
    sampler = GenerateSampler(model_path, "float32", encoding)
    (answer,) = sampler.sample([SampleRequest((0,), prompt)], NEVER)
    assert len(answer.tokens) == 2
    assert not answer.finished
    encoding.max_tokens = len(prompt)
    (nothing,) = sampler.sample([SampleRequest((0,), prompt)], NEVER)
    assert len(nothing.tokens) == 0
    assert not nothing.finished


def test_a_base_in_4_bits_answers_as_its_rounded_weights_do(model_path, tmp_path):
    """With and without an adapter that was trained on it."""
    bitsandbytes = pytest.importorskip("bitsandbytes")
    encoding = CellEncoding("aligned")
    config = FinetuneConfig(rank=4, alpha=8.0, lr=1e-2, quantize="nf4")
    pair = Pair(((1, 2),), ((2, 1),))
    trainer = PeftTrainer(model_path, "float32", encoding, config)
    view = View("t", None, (pair, pair), ((3, 4),), ((4, 3),))
    adapter, _ = trainer.fit("t", [view], 4, 0, tmp_path / "a", NEVER)
    four = GenerateSampler(model_path, "float32", encoding, quantize=True)
    plain, rounded = (GenerateSampler(model_path, "float32", encoding) for _ in range(2))
    layers = dict(rounded._models._model.named_modules())
    for name, held in four._models._model.named_modules():
        if type(held).__name__ == "Linear4bit":
            weight = bitsandbytes.functional.dequantize_4bit(held.weight, held.weight.quant_state)
            layers[name].weight.data.copy_(weight)
    answers = (encoding.answer_tokens(((1, 2),)), encoding.answer_tokens(((5,),)))
    prompt = encoding.encode(QUESTION)
    for used in (None, adapter):
        request = ScoreRequest((0,), prompt, answers, used)
        scores = [dict(sampler.score([request], NEVER))[0,] for sampler in (four, rounded, plain)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-3)
        assert scores[0] != pytest.approx(scores[2], abs=1e-3)
        (answer,) = four.sample([SampleRequest((0,), prompt, used, max_tokens=9)], NEVER)
        assert len(answer.tokens) > 0


def test_no_requests(model_path):
    sampler = GenerateSampler(model_path, "float32", CellEncoding("aligned"))
    assert list(sampler.sample([], NEVER)) == []
    assert list(sampler.score([], NEVER)) == []
