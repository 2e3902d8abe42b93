"""Shapes of models that contest kits are built on, for plans made without their files.

The vocabulary of each is cut to what grids need, as those kits do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from kit.engine.shape import ModelError, ModelShape, read_shape

_QWEN3_4B = ModelShape(
    family="qwen3",
    vocab=16,
    hidden=2560,
    num_layers=36,
    num_heads=32,
    num_kv_heads=8,
    head_dim=128,
    ffn=9728,
    norm_eps=1e-6,
    rope_theta=5e6,
    rope_scaling=None,
    qkv_bias=False,
    qk_norm=True,
    tied=True,
    max_positions=40960,
)

SHAPES: Mapping[str, ModelShape] = {
    "qwen3-0.6b": replace(_QWEN3_4B, hidden=1024, num_layers=28, num_heads=16, ffn=3072),
    "qwen3-4b": _QWEN3_4B,
    "minitron-8b": replace(
        _QWEN3_4B, family="mistral", vocab=77, hidden=4096, num_layers=40, ffn=11520,
        qk_norm=False, tied=False, max_positions=8192,
    ),
}  # fmt: skip
"""Source: the config.json files of Qwen3-0.6B, Qwen3-4B and Mistral-NeMo-Minitron-8B-Base."""


def find_shape(name: str) -> ModelShape:
    """The shape of a known model, or the one written in a model folder.

    Raises:
        ModelError, FileNotFoundError: neither.
    """
    if name in SHAPES:
        return SHAPES[name]
    if not Path(name).is_dir():
        raise ModelError(
            f"--model {name}: no such folder, and no known shape; there are {', '.join(SHAPES)}"
        )
    return read_shape(Path(name))
