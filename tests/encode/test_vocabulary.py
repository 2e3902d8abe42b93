"""Cutting a vocabulary: same tokens on the format's text, same logits, complete folders."""

from __future__ import annotations

import argparse
import json
import string
from pathlib import Path

import numpy as np
import pytest

from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode import open_encoding, vocabulary
from kit.encode.formats import chat_slots, text_format
from kit.encode.needed_tokens import GridPieces
from kit.encode.text import TextEncoding
from kit.encode.tokenizer import FolderTokenizer
from kit.encode.vocabulary import cut_vocabulary

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny models only lose time to more threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_model(tokenizer_dir: Path, folder: Path, tied: bool, spare_rows: int = 8) -> Path:
    """A tiny Llama with random weights around a tokenizer; more rows than tokens, as is usual."""
    folder.mkdir(parents=True)
    tokenizer = FolderTokenizer(tokenizer_dir)
    # The tokenizer's config.json is replaced by the model's.
    for path in tokenizer_dir.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    eos = tokenizer.added[tokenizer.eos]
    config = transformers.LlamaConfig(
        vocab_size=tokenizer.vocab_size + spare_rows,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=tied,
        bos_token_id=tokenizer.bos[0] if tokenizer.bos else None,
        eos_token_id=[eos, min(tokenizer.added.values())],
    )
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def views(count: int):
    rng = python_rng(9, "views")

    def grid():
        height, width = rng.randint(1, 7), rng.randint(1, 7)
        return tuple(tuple(rng.randrange(10) for _ in range(width)) for _ in range(height))

    for _ in range(count):
        pairs = tuple(Pair(grid(), grid()) for _ in range(rng.randint(0, 5)))
        yield View("t", None, pairs, grid(), grid())


def kept_ids(before: FolderTokenizer, after: FolderTokenizer) -> list[int]:
    old = {**before.vocab, **before.added}
    new = {**after.vocab, **after.added}
    return [old[name] for name, _ in sorted(new.items(), key=lambda item: item[1])]


def test_same_tokens_and_logits(folders, kind, form, tmp_path):
    model = make_model(folders[kind], tmp_path / "model", tied=kind in ("qwen", "nvarc"))
    out = tmp_path / "cut"
    report = cut_vocabulary(model, out, form)
    before, after = FolderTokenizer(model), FolderTokenizer(out)
    kept = kept_ids(before, after)
    assert len(kept) == report.kept == after.vocab_size
    assert kept == sorted(kept)
    old, new = TextEncoding(model, form), open_encoding(out)
    full = transformers.AutoModelForCausalLM.from_pretrained(model)
    small = transformers.AutoModelForCausalLM.from_pretrained(out)
    assert small.get_input_embeddings().weight.shape[0] == report.kept
    for view in views(3):
        a, b = old.encode(view), new.encode(view)
        assert np.array_equal(np.array(kept)[b.tokens], a.tokens)
        assert a.output_spans == b.output_spans
        with torch.no_grad():
            wanted = full(torch.tensor(a.tokens[None])).logits[..., kept]
            got = small(torch.tensor(b.tokens[None])).logits
        assert torch.equal(got, wanted)
        assert new.decode(new.answer_tokens(view.answer)) == view.answer


def test_a_large_grid_of_each_row_length_keeps_its_tokens(folders, tmp_path):
    """Digits that are joined by threes: all triples stay, at any place in a row."""
    model = make_model(folders["llama3"], tmp_path / "model", tied=True)
    cut_vocabulary(model, tmp_path / "cut", "chat")
    old, new = FolderTokenizer(model), FolderTokenizer(tmp_path / "cut")
    kept = kept_ids(old, new)
    rng = python_rng(1, "triples")
    for width in range(1, 31):
        text = "\n".join("".join(rng.choices("0123456789", k=width)) for _ in range(30))
        assert [kept[i] for i in new.encode(text)[0]] == old.encode(text)[0]


def test_a_chat_vocabulary_of_single_digits_has_16_tokens(folders, tmp_path):
    model = make_model(folders["qwen"], tmp_path / "model", tied=True)
    report = cut_vocabulary(model, tmp_path / "cut", "chat")
    after = FolderTokenizer(tmp_path / "cut")
    assert sorted(after.added) == ["<|endoftext|>", "<|im_end|>", "<|im_start|>"]
    rest = {text for text in after.texts.values()}
    assert rest == {*"0123456789", "\n", "user", "assistant"}
    assert report.kept == 16
    assert report.before > 300
    assert report.removed_bytes == (report.before - 16) * 16 * 4


def test_configs_name_the_same_tokens_and_stock_tokenizers_agree(folders, tmp_path):
    model = make_model(folders["llama3"], tmp_path / "model", tied=False)
    (model / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [2, 1], "temperature": 0.6, "suppress_tokens": [5]})
    )
    out = tmp_path / "cut"
    cut_vocabulary(model, out, "words")
    after = FolderTokenizer(out)
    config = json.loads((out / "config.json").read_text())
    assert config["vocab_size"] == after.vocab_size
    assert config["eos_token_id"][0] == after.added["<|eot_id|>"]
    assert config["bos_token_id"] == after.added["<|begin_of_text|>"] == after.bos[0]
    generation = json.loads((out / "generation_config.json").read_text())
    wanted = [after.added["<|eot_id|>"], after.added["<|eom_id|>"]]
    assert generation == {"eos_token_id": wanted, "temperature": 0.6}
    settings = json.loads((out / "arc_format.json").read_text())
    assert settings == {"format": "words", "chat": "llama3.1"}
    assert "<|reserved_special_token_0|>" not in after.added
    stock = transformers.AutoTokenizer.from_pretrained(out)
    assert len(stock) == after.vocab_size
    view = next(views(1))
    encoding = TextEncoding(out, "words", settings=settings)
    tokens = encoding.encode(view).tokens
    text = encoding._tokenizer.spell(tokens[1:].tolist())
    assert stock(text)["input_ids"] == tokens.tolist()


def test_sharded_half_precision_weights(folders, tmp_path):
    model = make_model(folders["qwen"], tmp_path / "model", tied=False)
    full = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16)
    (model / "model.safetensors").unlink()
    full.save_pretrained(model, max_shard_size="12KB")
    assert len(list(model.glob("*.safetensors"))) > 1
    cut_vocabulary(model, tmp_path / "cut", "chat")
    small = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "cut", dtype="auto")
    kept = kept_ids(FolderTokenizer(model), FolderTokenizer(tmp_path / "cut"))
    assert small.dtype == torch.bfloat16
    assert torch.equal(small.lm_head.weight, full.lm_head.weight[kept])
    index = json.loads((tmp_path / "cut" / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(
        p.numel() * 2 for p in small.state_dict().values()
    )


def test_a_unigram_tokenizer(tmp_path):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pieces = [*"0123456789IO+/-=", *string.ascii_letters, "\n", "12", "345", "123", "ab", "hello"]
    scores = [(piece, -float(i + 1) / len(piece)) for i, piece in enumerate(dict.fromkeys(pieces))]
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), *scores], 0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="never")
    tokenizer.add_special_tokens(["</s>"])
    source = tmp_path / "tokenizer"
    source.mkdir()
    tokenizer.save(str(source / "tokenizer.json"))
    (source / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>"}))
    model = make_model(source, tmp_path / "model", tied=True)
    cut_vocabulary(model, tmp_path / "cut", "architects")
    old, new = open_encoding(model, "architects"), open_encoding(tmp_path / "cut")
    kept = kept_ids(FolderTokenizer(model), FolderTokenizer(tmp_path / "cut"))
    for view in views(10):
        tokens = new.encode(view).tokens
        assert np.array_equal(np.array(kept)[tokens], old.encode(view).tokens)
    assert "hello" not in FolderTokenizer(tmp_path / "cut").vocab


def pieces(name: str) -> GridPieces:
    slots = chat_slots("chatml", "</s>")
    return GridPieces(text_format(name).filled(slots), ["<|im_start|>", "<|im_end|>", "</s>"])


def test_what_can_be_part_of_a_grid_and_its_surroundings():
    numpy = pieces("numpy")
    inside = ["0", " 0", "0 1 2", "]\n [", "\n", "5]\n [5", " "]
    assert all(numpy.holds(t) for t in [*inside, " [[0", "[[1 2", "3]]#", " 6]]#\n[[", "9]] ->"])
    assert not any(numpy.holds(t) for t in ["00", "  ", "[[", "0]\n[", "a", "# [[", "0]]##"])
    words = pieces("words")
    assert all(words.holds(t) for t in ["Bl", "lack", " Blue", "n\nBro", "d Red", "w", "\nRe"])
    assert not any(words.holds(t) for t in ["Blu Red", "black", "lane", "Redd", "Input", "Red\nI"])
    chat = pieces("chat")
    assert all(chat.holds(t) for t in ["0123456789" * 9, "1\n2\n3", "\n", "user\n0", "\n12"])
    assert not any(chat.holds(t) for t in ["\n\n", "1 ", "1a", "1<|im_end|>", "user", "r\n"])
    architects = pieces("architects")
    assert all(architects.holds(t) for t in ["yzI0", "I12\n", "12\n+/", "=O3", "\n", "1\n2"])
    assert not any(architects.holds(t) for t in ["yzI", "1+", "=O\n"])


def test_what_cannot_be_cut_is_refused_and_leaves_nothing(folders, tmp_path):
    model = make_model(folders["qwen"], tmp_path / "model", tied=True)
    out = tmp_path / "cut"
    with pytest.raises(ValueError, match="unknown text format 'chatt'"):
        cut_vocabulary(model, out, "chatt")
    with pytest.raises(FileExistsError, match="exists"):
        cut_vocabulary(model, model, "chat")
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        cut_vocabulary(tmp_path / "nowhere", out, "chat")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "quantization_config": {}}))
    with pytest.raises(ValueError, match="quantised"):
        cut_vocabulary(model, out, "chat")
    (model / "config.json").write_text(json.dumps(config))
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="only safetensors"):
        cut_vocabulary(model, out, "chat")
    assert not out.exists()


def test_the_command(folders, tmp_path, capsys):
    model = make_model(folders["nvarc"], tmp_path / "model", tied=True)
    parser = argparse.ArgumentParser()
    vocabulary.add_arguments(parser)
    out = tmp_path / "cut"
    args = parser.parse_args([str(model), str(out), "--format", "chat"])
    assert vocabulary.run(args) == 0
    assert "15 of 24 tokens kept for format chat" in capsys.readouterr().out
    assert (out / "model.safetensors").is_file()
