"""Small tokenizers, trained here, that behave like those of the models the formats are for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.arc.seeds import python_rng
from kit.encode.formats import WORDS

# The regular expressions by which Llama-3 (up to 3 digits) and Qwen-2 (single digits) cut text.
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

LLAMA3_SPECIALS = (
    "<|begin_of_text|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|reserved_special_token_0|>",
)


def corpus() -> list[str]:
    """Words, digits and brackets, so that merges over all of them are learned."""
    rng = python_rng(0, "corpus")
    words = [*WORDS, "user", "assistant", "system"]
    lines = [" ".join(rng.choices(words, k=8)) + "\n" for _ in range(200)]
    lines += ["".join(rng.choices("0123456789", k=3)) for _ in range(4000)]
    for _ in range(200):
        row = " ".join(rng.choices("0123456789", k=6))
        lines.append(f"[[{row}]\n [{row}]] -> [[{row}]\n [{row}]]#\nInput:\nOutput:\n```\n\n")
    return lines


def write_folder(folder: Path, tokenizer, eos: str, vocab_size: int = 0, **settings) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": eos, **settings}))
    size = vocab_size or tokenizer.get_vocab_size()
    (folder / "config.json").write_text(json.dumps({"vocab_size": size}))
    return folder


def byte_level(regex: str | None, specials, vocab_size: int, add_prefix_space: bool = False):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    by_bytes = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, use_regex=regex is None)
    if regex is None:
        tokenizer.pre_tokenizer = by_bytes
    else:
        split = pre_tokenizers.Split(Regex(regex), behavior="isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, by_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(specials),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def llama3(folder: Path) -> Path:
    """Digits in groups of up to 3; begin-of-text and offset trimming by the post-processor."""
    from tokenizers import processors

    tokenizer = byte_level(LLAMA3, LLAMA3_SPECIALS, 1600)
    bos = ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(single=f"{bos[0]} $A", special_tokens=[bos]),
        ]
    )
    return write_folder(folder, tokenizer, "<|eot_id|>")


def qwen(folder: Path) -> Path:
    """Single digits, ChatML."""
    tokenizer = byte_level(QWEN, ("<|endoftext|>", "<|im_start|>", "<|im_end|>"), 600)
    return write_folder(folder, tokenizer, "<|im_end|>", pad_token="<|endoftext|>")


def gpt2(folder: Path) -> Path:
    """Digits merged at will, a space put in front of every text; no chat."""
    tokenizer = byte_level(None, ("<|endoftext|>",), 900, add_prefix_space=True)
    return write_folder(folder, tokenizer, "<|endoftext|>")


def sentencepiece(folder: Path) -> Path:
    """Mistral's and Llama-2's kind: a prefix space, bytes for what is unknown, begin of text."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=specials, show_progress=False)
    words = (piece for line in corpus() for piece in line.replace("\n", " ").split(" "))
    tokenizer.train_from_iterator((w for w in words if not w.isdigit() or len(w) == 1), trainer)
    spec = json.loads(tokenizer.to_str())
    # Byte tokens are ordinary ones, as in the real files.
    spec["added_tokens"] = [t for t in spec["added_tokens"] if not t["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    return write_folder(folder, tokenizer, "</s>", bos_token="<s>", add_bos_token=True)


def characters(folder: Path) -> Path:
    """The ARChitects' kind: one token per character, no merges."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?.:,;*+/-="
    vocab = {c: i for i, c in enumerate([*letters, "\u010a"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return write_folder(folder, tokenizer, "</s>", bos_token="<s>", add_bos_token=True)


def nvarc(folder: Path) -> Path:
    """NVARC's kind: 16 tokens, a turn's opening being one of them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocab = {c: i for i, c in enumerate([*"0123456789", "\u010a"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    turns = ["<|im_start|>user\n", "<|im_start|>assistant\n"]
    tokenizer.add_special_tokens([*turns, "<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return write_folder(folder, tokenizer, "<|im_end|>", pad_token="<|endoftext|>")


KINDS = {
    "llama3": llama3,
    "qwen": qwen,
    "gpt2": gpt2,
    "sentencepiece": sentencepiece,
    "characters": characters,
    "nvarc": nvarc,
}

SPELLABLE = [
    *(
        (kind, form)
        for kind in ("llama3", "qwen", "gpt2", "sentencepiece")
        for form in ("numpy", "words", "chat", "architects")
    ),
    ("characters", "architects"),
    ("nvarc", "chat"),
]
"""(tokenizer, format) pairs that must work."""


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Tokenizer folders by kind."""
    pytest.importorskip("tokenizers")
    root = tmp_path_factory.mktemp("tokenizers")
    return {kind: make(root / kind) for kind, make in KINDS.items()}


def pytest_generate_tests(metafunc) -> None:
    """Runs tests that ask for `kind` and `form` on every pair that must work."""
    if {"kind", "form"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("kind", "form"), SPELLABLE)
