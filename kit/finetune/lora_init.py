"""The start of a LoRA adapter, drawn without torch, so that every trainer starts from one point.

Only A is drawn. B starts at zero, so that a fresh adapter changes nothing.
"""

from __future__ import annotations

import math

import numpy as np

from kit.arc.seeds import numpy_rng


def initial_lora_a(seed: int, module: str, rank: int, num_inputs: int) -> np.ndarray:
    """(rank, num_inputs) float32 start of A for one linear layer.

    Uniform in +-1/sqrt(num_inputs): Kaiming's bound with slope sqrt(5), as peft draws it.

    Args:
        module: path of the layer in the model, e.g. "model.layers.0.self_attn.q_proj".
    Source: Hu et al. 2021, arXiv 2106.09685, section 4.1; peft's LoRA default for A.
    """
    bound = 1.0 / math.sqrt(num_inputs)
    draw = numpy_rng(seed, "lora_a", module).random((rank, num_inputs), dtype=np.float32)
    return (2.0 * draw - 1.0) * np.float32(bound)
