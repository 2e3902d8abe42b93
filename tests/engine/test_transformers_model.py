"""Loading through transformers, and positions that jump."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from safetensors.torch import load_file, save_file  # noqa: E402

from kit.engine.shape import ModelError  # noqa: E402
from kit.engine.transformers_model import logits_at, open_transformers_model  # noqa: E402


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    config = transformers.LlamaConfig(
        vocab_size=32,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32768,
        initializer_range=0.3,
    )
    folder = tmp_path_factory.mktemp("llama")
    with torch.random.fork_rng():
        torch.manual_seed(2)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def inputs(first_token: int):
    """Two rows of cells, 32 positions apart, in one unpadded sequence."""
    tokens = torch.tensor([[first_token, 4, 5, 6, 7, 8]])
    positions = torch.tensor([[0, 1, 2, 32, 33, 64]])
    return {"tokens": tokens, "attention": torch.ones_like(tokens), "positions": positions}


@pytest.mark.parametrize("training", [False, True])
def test_the_first_token_reaches_the_last_logits(model_path, training):
    """transformers reads jumping positions without a mask as several packed sequences, in which
    this difference is exactly zero."""
    model = open_transformers_model(model_path, "float32").train(training)
    last = torch.tensor([5])
    one, two = (logits_at(model, last, **inputs(first)) for first in (3, 9))
    assert (one - two).abs().max() > 1e-4


def test_the_first_token_reaches_the_last_logits_with_a_cache(model_path):
    model = open_transformers_model(model_path, "float32")
    found = []
    for first in (3, 9):
        given = inputs(first)
        full = logits_at(model, torch.tensor([5]), **given)
        cache, attention = None, given["attention"]
        for part in (slice(0, 4), slice(4, 5), slice(5, 6)):
            output = model(
                input_ids=given["tokens"][:, part],
                attention_mask=attention[:, : part.stop],
                position_ids=given["positions"][:, part],
                past_key_values=cache,
                use_cache=True,
            )
            cache = output.past_key_values
        torch.testing.assert_close(output.logits[:, -1:], full, atol=1e-5, rtol=1e-5)
        found.append(full)
    assert (found[0] - found[1]).abs().max() > 1e-4


def test_columns_are_the_same_as_slicing(model_path):
    model = open_transformers_model(model_path, "float32")
    everything = logits_at(model, torch.arange(6), **inputs(3))
    torch.testing.assert_close(
        logits_at(model, torch.tensor([1, 4]), **inputs(3)), everything[:, [1, 4]]
    )


def test_the_model_is_frozen_and_of_the_asked_type(model_path):
    model = open_transformers_model(model_path, "bfloat16")
    assert model.dtype == torch.bfloat16
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert logits_at(model, torch.tensor([0]), **inputs(3)).dtype == torch.float32


def test_folders_that_cannot_be_loaded(model_path, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"gone: a model folder needs config.json, found not"
    ):
        open_transformers_model(tmp_path / "gone")
    (tmp_path / "config.json").write_text((model_path / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(FileNotFoundError, match=r"no \*.safetensors file, found .*never opened"):
        open_transformers_model(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="transformers cannot load it"):
        open_transformers_model(tmp_path)
    with pytest.raises(ValueError, match="dtype must be one of auto, float32"):
        open_transformers_model(model_path, "float31")


def test_missing_tensors_are_refused(model_path, tmp_path):
    """transformers alone would fill them with random numbers and a warning."""
    (tmp_path / "config.json").write_text((model_path / "config.json").read_text())
    tensors = load_file(model_path / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"layers.1.mlp.up_proj.weight is missing"):
        open_transformers_model(tmp_path, "float32")
