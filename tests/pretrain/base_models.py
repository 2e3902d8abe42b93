"""Tiny random models to fine-tune, and tasks of a few cells."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import torch
import transformers

from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode.cells import VOCAB, CellEncoding
from kit.encode.encoding import Encoded

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 32768,
    "initializer_range": 0.2,
}


def save_model(folder: Path, vocab_size: int = VOCAB, family: str = "Llama", **extra) -> Path:
    """A random model in float32 that reads cells."""
    extra = {"num_key_value_heads": 2, "tie_word_embeddings": True, **extra}
    if family != "Llama":
        extra = {"is_decoder": True}
    config = getattr(transformers, f"{family}Config")(
        **{"vocab_size": vocab_size, **SIZES, **extra}
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    settings = {"format": "cells", "positions": "aligned"}
    (folder / "arc_format.json").write_text(json.dumps(settings))
    return folder


def save_text_model(folder: Path) -> Path:
    """A random model with a tokenizer of single bytes and the markers of a chat."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    save_model(folder, tokenizer.get_vocab_size())
    (folder / "arc_format.json").unlink()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    return folder


def tiny_views(number: int) -> list[View]:
    """Tasks of two or three pairs of small grids, whose output is the input upside down."""
    rng = random.Random(7)
    views = []
    for _ in range(number):
        pairs = []
        for _ in range(rng.choice((2, 3))):
            grid = tuple(
                tuple(rng.randrange(4) for _ in range(3)) for _ in range(rng.choice((2, 3)))
            )
            pairs.append(Pair(grid, grid[::-1]))
        *examples, last = pairs
        views.append(View("flip", None, tuple(examples), last.input, last.output))
    return views


def tiny_batch(number: int) -> list[Encoded]:
    """`tiny_views` in cells."""
    return [CellEncoding().encode(view) for view in tiny_views(number)]


def tensors_of(folder: Path) -> dict[str, np.ndarray]:
    """All tensors in a folder's safetensors files."""
    from safetensors.torch import load_file

    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        found |= {name: t.float().numpy() for name, t in load_file(path).items()}
    return found
