"""Texts of a tiny random model, through both samplers of the kit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from kit.encode.free_text import FreeText  # noqa: E402
from kit.engine.model import open_model  # noqa: E402
from kit.induce.meter import Meter  # noqa: E402
from kit.induce.writing.local import LocalWriter  # noqa: E402
from kit.induce.writing.settings import WritingConfig  # noqa: E402
from kit.induce.writing.writer import (  # noqa: E402
    Ask,
    PromptTooLongError,
    Turn,
    Writer,
    open_writer,
)
from tests.encode.conftest import qwen  # noqa: E402

MakeMeter = Callable[..., Meter]
TURNS = (Turn("system", "Black Red"), Turn("user", "Green Blue\nRed Red"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with a ChatML tokenizer."""
    folder = qwen(tmp_path_factory.mktemp("chat"))
    config = transformers.LlamaConfig(
        vocab_size=640,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.25,
        eos_token_id=None,
        bos_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(params=["torch", "generate"])
def writer(request: pytest.FixtureRequest, folder: Path) -> Iterator[Writer]:
    """A writer on each sampler."""
    config = WritingConfig(
        model=folder,
        sampler=request.param,
        dtype="float32",
        max_tokens=24,
        context_tokens=200,
    )
    opened = open_writer(config, threads=1, device="cpu")
    assert isinstance(opened, LocalWriter)
    yield opened
    opened.close()


def test_every_ask_gets_its_texts(writer: Writer, meter: MakeMeter) -> None:
    asks = [Ask(TURNS, 3, seed=1, opening="```python\n"), Ask(TURNS[1:], 1, seed=2)]
    got = list(writer.write(asks, meter()))
    assert sorted(index for index, _ in got) == [0, 0, 0, 1]
    assert all(text.startswith("```python\n") == (index == 0) for index, text in got)
    assert len({text for _, text in got}) == 4


def test_the_seed_decides_alone(writer: Writer, meter: MakeMeter) -> None:
    def texts(seed: int, count: int) -> list[str]:
        return sorted(text for _, text in writer.write([Ask(TURNS, count, seed)], meter()))

    assert texts(7, 2) == texts(7, 2)
    assert set(texts(7, 1)) <= set(texts(7, 3))
    assert texts(7, 2) != texts(8, 2)


def test_both_samplers_write_the_same(folder: Path, meter: MakeMeter) -> None:
    texts = []
    for sampler in ("torch", "generate"):
        config = WritingConfig(
            model=folder, sampler=sampler, dtype="float32", max_tokens=16, context_tokens=200
        )
        opened = open_writer(config, threads=1, device="cpu")
        texts.append(sorted(text for _, text in opened.write([Ask(TURNS, 3, 4)], meter())))
        opened.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("sampler", ["torch", "generate"])
@pytest.mark.parametrize(
    ("wanted", "has_gpu", "device"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cuda", False, "cpu"), ("cpu", True, "cpu")],
)
def test_the_model_is_run_where_the_worker_computes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, sampler: str, wanted: str, has_gpu: bool,
    device: str,
) -> None:  # fmt: skip
    opened: list[str] = []

    def open_it(path: Path, dtype: str, where: str, *_: bool) -> object:
        opened.append(where)
        return open_model(path, "float32", "cpu")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr("kit.engine.model.open_model", open_it)
    monkeypatch.setattr("kit.generate.generate_sampler.AdaptedModels", open_it)
    open_writer(WritingConfig(model=folder, sampler=sampler), 1, wanted).close()
    assert opened == [device]


def test_a_conversation_is_encoded_once(
    writer: Writer, meter: MakeMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, seen = FreeText.encode_text, []
    monkeypatch.setattr(
        FreeText,
        "encode_text",
        lambda self, text, room: (seen.append(text), encode(self, text, room))[1],
    )
    asks = [Ask(TURNS, 3, seed=1), Ask(TURNS[1:], 2, seed=2)]
    assert len(list(writer.write(asks, meter()))) == 5
    assert len(seen) == len(asks)


def test_answers_end_at_the_limit(writer: Writer, meter: MakeMeter) -> None:
    (text,) = (text for _, text in writer.write([Ask(TURNS, 1, 3)], meter()))
    assert isinstance(writer, LocalWriter)
    held = writer._texts
    assert isinstance(held, FreeText)
    assert len(text) <= 24 * max(map(len, held._tokenizer.texts.values()))


def test_the_deadline_holds(writer: Writer, meter: MakeMeter) -> None:
    began_s = time.monotonic()
    list(writer.write([Ask(TURNS, 400, 1)], meter(0.3)))
    assert time.monotonic() - began_s < 5


def test_fits_counts_tokens(writer: Writer, meter: MakeMeter) -> None:
    long = (Turn("user", "Red Blue\n" * 100),)
    assert writer.fits(TURNS)
    assert not writer.fits(long)
    with pytest.raises(PromptTooLongError, match="do not fit 200"):
        list(writer.write([Ask(long, 1, 1)], meter()))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        open_writer(WritingConfig(model=tmp_path), 1, "cpu")
