"""Small random models for trainers."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.encode.cells import END, PAD, TOKEN_NAMES, VOCAB


def _config(transformers):
    return transformers.LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
        initializer_range=0.25,
    )


@pytest.fixture
def tiny_llama():
    """`tiny_llama()`: a random Llama under stock peft, with LoRA of rank 4 on all projections."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    peft = pytest.importorskip("peft")

    def make():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = transformers.LlamaForCausalLM(_config(transformers))
            lora = peft.LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear")
            return peft.get_peft_model(model, lora).train()

    return make


@pytest.fixture(scope="session")
def model_path(tmp_path_factory) -> Path:
    """The folder of a random Llama wide enough for 4-bit layers, with a tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.LlamaForCausalLM(_config(transformers))
    folder = tmp_path_factory.mktemp("small_llama")
    model.save_pretrained(folder)
    words = {name: index for index, name in enumerate(TOKEN_NAMES)}
    pad, end = TOKEN_NAMES[PAD], TOKEN_NAMES[END]
    table = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token=pad))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=table, pad_token=pad, eos_token=end, unk_token=pad
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def views():
    """Two training views of a small task."""
    from kit.arc.task import Pair
    from kit.augment.views import View

    pairs = [Pair(((1, 2),), ((2, 1),)), Pair(((3, 4),), ((4, 3),)), Pair(((5, 0),), ((0, 5),))]
    return [
        View("t", None, (pairs[0], pairs[1]), pairs[2].input, pairs[2].output),
        View("t", None, (pairs[2], pairs[1]), pairs[0].input, pairs[0].output),
    ]
