"""Any causal language model through transformers: the reference beside the kit's own engine.

Reads local safetensors folders only: no download, no pickle, no code from the folder.
"""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    GenerationConfig,
    PreTrainedModel,
)
from transformers.utils.logging import disable_progress_bar

from kit.engine.machine import choose_dtype
from kit.engine.shape import ModelError


def open_transformers_model(
    path: Path, dtype: str = "auto", device: str = "cpu", quantize: bool = False
) -> PreTrainedModel:
    """The model in a Hugging Face folder, frozen and in evaluation mode.

    Its own generation settings (sampling, end tokens, penalties) are dropped: the kit states its
    own.

    Args:
        dtype: "auto" (what the hardware multiplies fast), "float32", "bfloat16" or "float16".
        quantize: hold the linear layers, but not the output head, in 4 bits (NF4), which needs
            bitsandbytes; `dtype` is what they are multiplied in.
    Raises:
        FileNotFoundError: no such folder, or config or weights are missing.
        ModelError: transformers cannot read the folder, or not in 4 bits.
    """
    _check_folder(path)
    disable_progress_bar()  # the kit shows bars of its own
    chosen = choose_dtype(dtype, device)
    four_bits = {"quantization_config": _nf4(chosen), "device_map": device} if quantize else {}
    try:
        model, loaded = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=chosen,
            **four_bits,
            attn_implementation="sdpa",
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise ModelError(f"{path}: transformers cannot load it ({first_line})") from error
    # transformers would go on with random numbers in their place.
    missing = sorted(loaded["missing_keys"]) + sorted(map(str, loaded["mismatched_keys"]))
    if missing:
        raise ModelError(f"{path}: tensor {missing[0]} is missing or has the wrong shape")
    model.generation_config = GenerationConfig()
    if quantize:
        keep_nf4_trainable(model)
        return model.eval().requires_grad_(False)
    return model.to(device).eval().requires_grad_(False)


def _nf4(compute: torch.dtype) -> BitsAndBytesConfig:
    """The 4-bit format of Dettmers et al. 2023, "QLoRA" (arXiv 2305.14314), double quantisation
    included."""
    if find_spec("bitsandbytes") is None:
        raise ModelError(
            "a base model in 4 bits (finetune.quantize=nf4) needs the package bitsandbytes"
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


def keep_nf4_trainable(model: torch.nn.Module) -> int:
    """Keep 4-bit layers in the layout that can be trained through; how many there are.

    On CPUs with AVX512-BF16, bitsandbytes 0.50 repacks a layer's weights at the first pass without
    gradients, and the backward pass through repacked weights is wrong.
    """
    layers = [m for m in model.modules() if hasattr(m, "support_avx512bf16_for_cpu")]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return len(layers)


def _check_folder(path: Path) -> None:
    found = sorted(file.name for file in path.iterdir()) if path.is_dir() else []
    listed = ", ".join(found) or "nothing"
    if "config.json" not in found:
        raise FileNotFoundError(f"{path}: a model folder needs config.json, found {listed}")
    if not any(name.endswith(".safetensors") for name in found):
        raise FileNotFoundError(
            f"{path}: no *.safetensors file, found {listed}; pickle files are never opened"
        )


def logits_at(
    model: torch.nn.Module,
    columns: Tensor,
    *,
    tokens: Tensor,
    attention: Tensor,
    positions: Tensor,
) -> Tensor:
    """(B, n, V) float32 logits at the given columns of a whole padded batch, without a cache.

    Args:
        columns: (n,) int64; the output head runs on these alone, which is most of the memory
            where the vocabulary is large.
        tokens, attention, positions: (B, T) int64. `attention` must be given: positions with
            jumps and no mask would be read as several packed sequences.
    """
    inputs = {"input_ids": tokens, "attention_mask": attention, "position_ids": positions}
    if "logits_to_keep" in inspect.signature(_innermost(model).forward).parameters:
        return model(**inputs, logits_to_keep=columns, use_cache=False).logits.float()
    return model(**inputs, use_cache=False).logits[:, columns].float()


def _innermost(model: torch.nn.Module) -> torch.nn.Module:
    """The transformers model inside peft's wrappers."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
