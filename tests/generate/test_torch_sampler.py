"""What is special about the kit's own sampler; the rest is in tests/contracts."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from kit.budget.clock import Deadline  # noqa: E402
from kit.encode.cells import VOCAB, CellEncoding  # noqa: E402
from kit.encode.encoding import Encoded  # noqa: E402
from kit.engine.llama import forward as llama_forward  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.generate import torch_sampler  # noqa: E402
from kit.generate.sampler import SampleRequest, ScoreRequest  # noqa: E402
from kit.generate.torch_sampler import TorchSampler  # noqa: E402
from kit.generate.watched import WATCHED_TOKENS, DeadlinePassed, Watched  # noqa: E402

LAYERS = 12
ENCODING = CellEncoding("contiguous")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    config = transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        max_position_embeddings=4096,
    )
    folder = tmp_path_factory.mktemp("deep_llama")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return open_model(folder, "float32")


class CountingClock:
    """One second later at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def now_s(self) -> float:
        self.looks += 1
        return float(self.looks)


def prompt_of(length: int) -> Encoded:
    tokens = np.random.default_rng(length).integers(10, 20, size=length)
    return Encoded(tokens, np.arange(length), ())


def looks_of(work, at: float = float("inf")) -> tuple[int, list]:
    clock = CountingClock()
    done = list(work(Deadline(at, clock)))
    return clock.looks, done


@pytest.mark.parametrize("copies", [1, 3])
def test_a_deadline_ends_a_long_prompt_between_layers(model, copies):
    """However many views ask it: the pass over the prompt is given up, not waited for."""
    prompt = prompt_of(2 * WATCHED_TOKENS)
    requests = [SampleRequest((i,), prompt, max_tokens=1) for i in range(copies)]
    sampler = TorchSampler(model, ENCODING)
    looks, done = looks_of(lambda deadline: sampler.sample(requests, deadline))
    assert looks > LAYERS
    assert all(len(c.tokens) for c in done)
    sampler.close()
    for at in (3.0, 4.0, LAYERS - 1.0):
        looks, done = looks_of(lambda deadline: sampler.sample(requests, deadline), at)
        assert looks <= at + 2
        assert len(done) == copies
        assert not any(c.finished or len(c.tokens) for c in done)


def test_a_prompt_is_read_once_for_all_its_samples(model, monkeypatch):
    """Also where they do not all fit in one part."""
    prompt = prompt_of(200)
    requests = [
        SampleRequest((i,), prompt, temperature=1.0, seed=i, max_tokens=8) for i in range(4)
    ]
    whole, parted = (TorchSampler(model, ENCODING) for _ in range(2))
    _, wanted = looks_of(lambda deadline: whole.sample(requests, deadline))
    monkeypatch.setattr(torch_sampler, "PART_TOKENS", 1)
    read = []
    monkeypatch.setattr(
        torch_sampler,
        "forward",
        lambda *given: (read.append(len(given[3])), llama_forward(*given))[1],
    )
    _, got = looks_of(lambda deadline: parted.sample(requests, deadline))
    assert sum(count >= len(prompt) - 1 for count in read) == 1
    assert {c.key: c.tokens.tolist() for c in got} == {c.key: c.tokens.tolist() for c in wanted}


def test_what_was_given_up_leaves_no_trace(model):
    prompt = prompt_of(2 * WATCHED_TOKENS)
    requests = [SampleRequest((0,), prompt, max_tokens=5)]
    sampler, fresh = (TorchSampler(model, ENCODING) for _ in range(2))
    looks_of(lambda deadline: sampler.sample(requests, deadline), 5.0)
    _, (after,) = looks_of(lambda deadline: sampler.sample(requests, deadline))
    _, (plain,) = looks_of(lambda deadline: fresh.sample(requests, deadline))
    assert after.tokens.tolist() == plain.tokens.tolist()
    assert after.logprob_nats == plain.logprob_nats


def test_a_deadline_ends_scoring_between_layers(model):
    answers = (ENCODING.answer_tokens(((1, 2), (3, 4))),)
    asked = [ScoreRequest((i,), prompt_of(2 * WATCHED_TOKENS + i), answers) for i in range(3)]
    sampler = TorchSampler(model, ENCODING)
    whole, scores = looks_of(lambda deadline: sampler.score(asked, deadline))
    assert len(scores) == 3
    looks, some = looks_of(lambda deadline: sampler.score(asked, deadline), whole / 2)
    assert looks <= whole / 2 + 1
    assert 0 < len(some) < 3
    assert some == scores[: len(some)]


def test_short_passes_are_not_interrupted(model):
    """Looking costs little, but contracts count looks: decoding looks once per pass."""
    requests = [SampleRequest((0,), prompt_of(WATCHED_TOKENS // 2), max_tokens=1)]
    sampler = TorchSampler(model, ENCODING)
    looks, _ = looks_of(lambda deadline: sampler.sample(requests, deadline))
    assert looks == 1


def test_watched_attention_passes_things_on_until_the_deadline():
    watched = Watched(lambda layer, q, k, v: (layer, q, k, v), Deadline(2.0, CountingClock()))
    assert watched(0, 1, 2, 3) == (0, 1, 2, 3)
    with pytest.raises(DeadlinePassed):
        watched(1, 1, 2, 3)
