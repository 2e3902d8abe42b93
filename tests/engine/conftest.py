"""Tiny random models of each family, saved as Hugging Face folders."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}

FAMILIES = {
    "llama": ("LlamaConfig", {"tie_word_embeddings": True}),
    "llama3": ("LlamaConfig", {"rope_parameters": LLAMA3_ROPE, "num_key_value_heads": 2}),
    "mistral": ("MistralConfig", {"sliding_window": None, "num_key_value_heads": 2}),
    "qwen2": ("Qwen2Config", {"num_key_value_heads": 2}),
    "qwen3": ("Qwen3Config", {"head_dim": 16, "num_key_value_heads": 1}),
}


def save_model(name: str, folder: Path) -> Path:
    """A random model of a family in `folder`."""
    config_class, extra = FAMILIES[name]
    sizes = {
        "vocab_size": 32,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 32768,
        "initializer_range": 0.25,
    }
    config = getattr(transformers, config_class)(**{**sizes, **extra})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(config)
        for name_, parameter in model.named_parameters():
            if name_.endswith("bias"):
                torch.nn.init.normal_(parameter)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", params=FAMILIES)
def family_folder(request, tmp_path_factory) -> Path:
    """A saved random model of each family."""
    return save_model(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory) -> Path:
    """A saved random Llama."""
    return save_model("llama", tmp_path_factory.mktemp("llama"))
