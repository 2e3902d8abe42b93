"""Which engines train and sample on a machine, and whether one process may hold both.

What it does: turns "auto" into names, from what is installed, whether there is a GPU and what the
model's configuration says. Free of torch, so that the process that starts workers can ask. What it
does not: open a model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kit.encode import FormatError, open_encoding
from kit.engine.shape import ModelError, read_shape
from kit.finetune.trainer import FinetuneConfig
from kit.generate.decode import GenerateConfig

if TYPE_CHECKING:
    from kit.solve.toolbox import SolveConfig

LARGE_MODEL_BYTES = 200 * 2**20
"""Smaller models gain nothing from engines that are built for billions of weights, and the kit's
own takes any positions; see `kit.workers.executor.SMALL_MODEL_BYTES`."""


def is_installed(package: str) -> bool:
    """Whether a package can be found; it is not imported."""
    return find_spec(package) is not None


def choose_engines(
    solve: SolveConfig,
    finetune: FinetuneConfig,
    generate: GenerateConfig,
    has_gpu: bool,
    installed: Callable[[str], bool] = is_installed,
    may_part: bool = True,
) -> SolveConfig:
    """`solve` with the names of a trainer and a sampler in place of "auto".

    Unsloth and vLLM are taken on a GPU, for large models, where they are installed and can do what
    is asked; else the kit's own engine, or peft for a base in 4 bits. Models that the own engine
    does not run are left to transformers: peft, and generate().

    Args:
        may_part: whether training and sampling may have processes of their own; if not, "auto"
            never means engines that need them (`are_apart`).
    Raises:
        ValueError: a trainer was named that cannot train what `finetune` asks for, or a sampler
            that cannot sample as `generate` wants.
    """
    large = has_gpu and _weights_bytes(solve.model) >= LARGE_MODEL_BYTES
    chosen = _choose(solve, finetune, generate, large, installed)
    if are_apart(chosen) and not may_part:
        chosen = _choose(solve, finetune, generate, False, installed)
    _check(chosen.trainer, finetune)
    if generate.min_probability and chosen.sampler != "torch":
        raise ValueError(
            f"generate.min_probability={generate.min_probability}: only the kit's own sampler "
            "searches for all answers above a probability; use solve.sampler=torch, not "
            f"{chosen.sampler}"
        )
    return chosen


def _choose(
    solve: SolveConfig,
    finetune: FinetuneConfig,
    generate: GenerateConfig,
    large: bool,
    installed: Callable[[str], bool],
) -> SolveConfig:
    """Names for "auto".

    Args:
        large: a model on a GPU that Unsloth and vLLM are worth their start for.
    """
    trainer, sampler, is_known = solve.trainer, solve.sampler, _is_known(solve.model)
    # Unsloth and vLLM are planned from the shape that the own engine reads.
    large = large and is_known
    if trainer == "auto":
        fast = large and finetune.method == "lora" and installed("unsloth")
        own = "torch" if is_known and finetune.quantize != "nf4" else "peft"
        trainer = "unsloth" if fast else own
    if sampler == "auto":
        wide = generate.min_probability > 0
        fast = large and finetune.method == "lora" and not wide
        fast = fast and installed("vllm") and _is_contiguous(solve)
        # For a search above a probability there is no other; what it cannot open it refuses.
        own = "torch" if is_known or wide else "generate"
        sampler = "vllm" if fast else own
    return replace(solve, trainer=trainer, sampler=sampler)


def are_apart(solve: SolveConfig) -> bool:
    """Whether training and sampling need processes of their own.

    Unsloth patches the libraries that other engines are built on, and vLLM holds a GPU's memory
    until its process ends.
    """
    patched = solve.trainer == "unsloth" and solve.sampler in ("vllm", "generate")
    return patched or (solve.sampler == "vllm" and solve.trainer == "peft")


def _check(trainer: str, finetune: FinetuneConfig) -> None:
    if trainer == "torch" and finetune.quantize == "nf4":
        raise ValueError(
            "finetune.quantize=nf4: the kit's own engine holds no weights in 4 bits; use "
            "solve.trainer=unsloth or solve.trainer=peft"
        )
    if trainer == "unsloth" and finetune.method == "full":
        raise ValueError(
            "finetune.method=full: Unsloth trains LoRA adapters here; use solve.trainer=torch"
        )


def _is_known(model: Path) -> bool:
    """Whether the kit's own engine runs a model; a folder that cannot be read is refused later, by
    whoever opens it."""
    try:
        read_shape(model)
    except ModelError:
        return False
    except OSError:
        return True
    return True


def _weights_bytes(model: Path) -> int:
    return sum(path.stat().st_size for path in model.glob("*.safetensors"))


def _is_contiguous(solve: SolveConfig) -> bool:
    """Whether the model reads prompts with positions 0, 1, 2, ..., all that vLLM has."""
    try:
        open_encoding(solve.model, solve.format, positions="contiguous")
    except (FormatError, OSError, ValueError):
        return False
    return True
