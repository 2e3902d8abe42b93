"""A loaded base model: shape, weights and rotary table on one device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from kit.engine.llama import RotaryTable
from kit.engine.machine import choose_dtype, keep_freed_memory
from kit.engine.shape import ModelShape, read_shape
from kit.engine.weights import Weights, load_weights


@dataclass(frozen=True, slots=True)
class Model:
    """A base model that is never changed; adapters make changed copies of its weights.

    Attributes:
        path: its folder, as given.
    """

    path: Path
    shape: ModelShape
    weights: Weights
    rotary: RotaryTable
    dtype: torch.dtype
    device: str


def open_model(path: Path, dtype: str = "auto", device: str = "cpu") -> Model:
    """The Llama-family model in a Hugging Face folder.

    Args:
        dtype: "auto" (what the hardware multiplies fast), "float32", "bfloat16" or "float16".
    Raises:
        FileNotFoundError: folder, config or weights are missing.
        ModelError: the folder holds something the engine cannot run.
    """
    keep_freed_memory()
    shape = read_shape(path)
    chosen = choose_dtype(dtype, device)
    weights = load_weights(path, shape, chosen).map(lambda t: t.to(device))
    return Model(path, shape, weights, RotaryTable(shape, device), chosen, device)
