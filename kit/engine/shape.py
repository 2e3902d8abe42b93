"""What a Hugging Face `config.json` says about a model, as far as the engine needs it.

Covers decoder-only models of the Llama family: Llama, Mistral (without a sliding window), Qwen2
(bias on q, k, v) and Qwen3 (norm on q and k). Anything else, other biases included, is refused with
its name, so that the caller can fall back to the reference backend.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

SUPPORTED = ("llama", "mistral", "qwen2", "qwen3")


class ModelError(ValueError):
    """A model folder that cannot be used; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class Llama3Rope:
    """Frequency scaling of Llama 3.1 and later (config key rope_type "llama3")."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context: int


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes and switches of a Llama-family model.

    Attributes:
        hidden D, num_layers, num_heads, num_kv_heads, head_dim, ffn: as in config.json.
        qkv_bias: Qwen2's bias on the q, k and v projections.
        qk_norm: Qwen3's RMS norm of each head's q and k.
        tied: the output head is the embedding.
        max_positions: context length in tokens (position ids below it).
    """

    family: str
    vocab: int
    hidden: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    ffn: int
    norm_eps: float
    rope_theta: float
    rope_scaling: Llama3Rope | None
    qkv_bias: bool
    qk_norm: bool
    tied: bool
    max_positions: int

    def num_parameters(self) -> int:
        """Weights in all, the tied head counted once."""
        attention = self.hidden * self.head_dim * 2 * (self.num_heads + self.num_kv_heads)
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        return embeddings + self.num_layers * (attention + 3 * self.hidden * self.ffn)

    def flops_per_token(self, context: int) -> float:
        """Forward floating-point operations for one token that sees `context` others.

        Source: 2 per weight and multiply-add, plus 4 * heads * head_dim per attended token
        (Kaplan et al. 2020, table 1).
        """
        return 2.0 * self.num_parameters() + (
            4.0 * self.num_layers * self.num_heads * self.head_dim * context
        )


def read_shape(folder: Path) -> ModelShape:
    """The shape written in `folder/config.json`.

    Raises:
        FileNotFoundError: no such folder or no config.json in it.
        ModelError: the file is broken or names a model the engine does not run.
    """
    path = folder / "config.json"
    if not path.is_file():
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        found = ", ".join(names[:8]) or "nothing"
        raise FileNotFoundError(f"{folder}: a model folder needs config.json, found {found}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path}: not valid JSON ({error})") from error
    try:
        return _shape_from(config)
    except KeyError as error:
        raise ModelError(f"{path}: key {error} is missing") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (TypeError, AttributeError) as error:
        raise ModelError(f"{path}: a value of another kind than a model has ({error})") from error


def _shape_from(config: dict) -> ModelShape:
    family = config.get("model_type")
    if family not in SUPPORTED:
        raise ModelError(f"model_type {family!r} is not one of {', '.join(SUPPORTED)}")
    if config.get("use_sliding_window") or (family == "mistral" and config.get("sliding_window")):
        raise ModelError("sliding-window attention is not supported")
    if config.get("hidden_act", "silu") != "silu":
        raise ModelError(f"hidden_act must be silu, got {config['hidden_act']!r}")
    _refuse_biases(config, family)
    heads = config["num_attention_heads"]
    theta, scaling = _rope(config)
    return ModelShape(
        family=family,
        vocab=config["vocab_size"],
        hidden=config["hidden_size"],
        num_layers=config["num_hidden_layers"],
        num_heads=heads,
        num_kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        ffn=config["intermediate_size"],
        norm_eps=config.get("rms_norm_eps", 1e-6),
        rope_theta=theta,
        rope_scaling=scaling,
        qkv_bias=family == "qwen2",
        qk_norm=family == "qwen3",
        tied=config.get("tie_word_embeddings", False),
        max_positions=config.get("max_position_embeddings", 2048),
    )


def _refuse_biases(config: dict, family: str) -> None:
    """Refuse biases that the engine would leave out: those of o_proj and of the feed-forward part.

    Qwen2 has one on q, k and v alone, whatever `attention_bias` says.
    """
    if config.get("mlp_bias"):
        raise ModelError("mlp_bias (on gate, up and down) is not supported")
    if config.get("attention_bias") and family != "qwen2":
        raise ModelError("attention_bias (on o_proj as well as q, k and v) is not supported")


def _rope(config: dict) -> tuple[float, Llama3Rope | None]:
    """(theta, scaling); transformers 5 writes `rope_parameters`, older ones two keys."""
    parameters = config.get("rope_parameters") or config.get("rope_scaling") or {}
    theta = parameters.get("rope_theta") or config.get("rope_theta", 10000.0)
    kind = parameters.get("rope_type") or parameters.get("type") or "default"
    if kind == "default":
        return theta, None
    if kind != "llama3":
        raise ModelError(f"rope_type must be default or llama3, got {kind!r}")
    return theta, Llama3Rope(
        factor=parameters["factor"],
        low_freq_factor=parameters["low_freq_factor"],
        high_freq_factor=parameters["high_freq_factor"],
        original_context=parameters["original_max_position_embeddings"],
    )
