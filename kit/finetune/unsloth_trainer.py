"""Training with Unsloth: its 4-bit or 16-bit base model and LoRA kernels under the kit's own loop.

What it does: opens one model per process, adds one adapter that is reset in place for every task,
and trains it with the kit's batches, loss mask, schedule and guarded steps. The loss is computed
from hidden states at the targets alone, a few at a time. What it does not: touch trl, train
embeddings or output heads (Unsloth makes full copies of them, which vLLM does not load), or train
all weights.

Unsloth patches transformers, peft and trl and must be imported before them: in a worker process
the trainer is opened first, and where it is too late that is said. On a machine without a GPU,
Unsloth 2026.10.9 runs on stock transformers and peft: that proves this file's contract, and
nothing about Unsloth's kernels.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import Encoding
from kit.engine.machine import choose_dtype, free_device_bytes
from kit.engine.shape import ModelError, read_shape
from kit.finetune.adapter_dir import LoraSettings
from kit.finetune.batches import IGNORE, Batch
from kit.finetune.lora_modules import LoraModules, activation_sizes, check_targets, use_nf4
from kit.finetune.padded_loop import PaddedLoop
from kit.finetune.trainer import Adapter, FinetuneConfig, FitReport

PATCHED = ("transformers", "peft", "trl")
"""What Unsloth patches when it is imported."""

LEAST_CAPABILITY = (7, 0)
"""Older GPUs (P100: 6.0) have no code in the builds of torch that Unsloth and vLLM come with."""

HEAD_BYTES = 256 * 2**20
"""Logits that exist at once; more targets are worked through in parts."""


class EngineError(RuntimeError):
    """Unsloth cannot be used in this process or on this machine; the message says why."""


class UnslothTrainer:
    """Implements `Trainer`; see the module docstring.

    Args:
        model_path: a Hugging Face folder of the Llama family, with a tokenizer.
        dtype: of the base model's arithmetic; LoRA weights are float32 in any case.
        device: "cpu" or "cuda".
    Raises:
        EngineError: Unsloth is missing, comes too late, or this GPU is too old.
        FileNotFoundError, ModelError: the folder cannot be loaded.
        ValueError: options that Unsloth has nothing for.
    """

    def __init__(
        self,
        model_path: Path,
        dtype: str,
        encoding: Encoding,
        config: FinetuneConfig,
        device: str = "cpu",
    ) -> None:
        if config.method == "full":
            raise ValueError("solve.trainer=unsloth trains LoRA adapters, got finetune.method=full")
        _check_folder(model_path)
        _check_device(device)
        unsloth = import_unsloth()
        fast = unsloth.FastLanguageModel
        base = _open_base(fast, model_path, choose_dtype(dtype, device), config, device)
        check_targets(base, config.targets)
        # Unsloth seeds the global generator for a start of its own, which every fit replaces.
        with torch.random.fork_rng():
            self.model: nn.Module = fast.get_peft_model(
                base,
                r=config.rank,
                lora_alpha=config.alpha,
                lora_dropout=config.dropout,
                target_modules=list(config.targets),
                bias="none",
                use_gradient_checkpointing=False,
            )
        settings = LoraSettings(config.rank, config.alpha, config.targets, str(model_path))
        trained = LoraModules(self.model, settings)
        compute = _UnslothCompute(unsloth, self.model, choose_dtype(dtype, device), device)
        self._loop = PaddedLoop(trained, compute, encoding, config)

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        """See `Trainer.fit`."""
        return self._loop.fit(task_id, views, num_steps, seed, out, deadline)

    def close(self) -> None:
        """Free the model; the patched libraries stay in the process."""
        del self._loop, self.model


def import_unsloth() -> ModuleType:
    """The package, told to keep off the network and out of the current folder.

    Raises:
        EngineError: it is not installed, finds no device, or is not the first to be imported.
    """
    if "unsloth" not in sys.modules:
        early = [name for name in PATCHED if name in sys.modules]
        if early:
            raise EngineError(
                f"unsloth patches {', '.join(early)} and must be imported first, but this process "
                "has imported them already: train in worker processes (workers.executor=pool), or "
                "with solve.trainer=peft"
            )
        _hide_vllm()
        cache = Path(tempfile.gettempdir()) / "unsloth_compiled_cache"
        settings = {
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "UNSLOTH_DISABLE_STATISTICS": "1",
            "UNSLOTH_COMPILE_LOCATION": str(cache),
        }
        for name, value in settings.items():
            os.environ.setdefault(name, value)
    try:
        return importlib.import_module("unsloth")
    except ModuleNotFoundError as error:
        raise EngineError(
            f"solve.trainer=unsloth needs the package {error.name}, which is not installed; "
            "offline_wheels/ has it for GPU machines"
        ) from error
    except (ImportError, NotImplementedError, RuntimeError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise EngineError(f"unsloth does not work on this machine: {first_line}") from error


def _hide_vllm() -> None:
    """Let Unsloth find no vLLM in this process: it would load its libraries and patch it, which
    takes memory from a trainer, and ends the process where they are built for another CPU."""
    if sys.modules.get("vllm") is not None:
        raise EngineError("vllm is in use in this process, and unsloth would patch it")
    sys.modules["vllm"] = None  # type: ignore[assignment]


def _check_folder(path: Path) -> None:
    """Refuse folders before anything is imported for them."""
    read_shape(path)
    if not any(path.glob("*.safetensors")):
        raise FileNotFoundError(f"{path}: no *.safetensors file; pickle files are never opened")
    if not (path / "tokenizer_config.json").is_file():
        raise ModelError(f"{path}: no tokenizer_config.json; Unsloth opens no model without one")


def _check_device(device: str) -> None:
    if torch.device(device).type != "cuda":
        return
    found = torch.cuda.get_device_capability(device)
    if found < LEAST_CAPABILITY:
        name = torch.cuda.get_device_name(device)
        raise EngineError(
            f"{name} has compute capability {found[0]}.{found[1]}; Unsloth needs "
            f"{LEAST_CAPABILITY[0]}.{LEAST_CAPABILITY[1]} (T4 or newer)"
        )


def _open_base(
    fast: type, path: Path, dtype: torch.dtype, config: FinetuneConfig, device: str
) -> nn.Module:
    """The frozen base model, in 4 bits where that is asked for or needed."""
    four_bits = use_nf4(config, path, device)
    try:
        model, _ = fast.from_pretrained(
            str(path),
            # Positions of the bundled format jump, so that the context is what the model allows.
            max_seq_length=read_shape(path).max_positions,
            dtype=dtype,
            load_in_4bit=four_bits,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first_line = str(error).strip().partition("\n")[0]
        raise ModelError(f"{path}: Unsloth cannot load it ({first_line})") from error
    held = any(type(module).__name__ == "Linear4bit" for module in model.modules())
    if four_bits and not held:
        # Unsloth goes on in 16 bits where bitsandbytes cannot pack a layer.
        raise ModelError(f"{path}: bitsandbytes cannot hold this model in 4 bits")
    return model.requires_grad_(False)


class _UnslothCompute:
    """Unsloth's model; implements `kit.finetune.padded_loop.Compute`."""

    def __init__(
        self, unsloth: ModuleType, model: nn.Module, dtype: torch.dtype, device: str
    ) -> None:
        self._fast = unsloth.FastLanguageModel
        self._model = model
        self._base = model.get_base_model()
        self._head: nn.Module = self._base.get_output_embeddings()
        self._sizes = activation_sizes(self._base.config)
        self._on_gpu = torch.device(device).type == "cuda"
        self._dtype = dtype
        self.device = device
        self.scaled = self._on_gpu and dtype == torch.float16

    def loss_sum(self, batch: Batch) -> Tensor:
        targets = batch.labels != IGNORE
        with self._autocast():
            hidden = self._hidden(batch)[targets]
        return head_loss_sum(self._head, hidden, batch.labels[targets])

    def _autocast(self) -> AbstractContextManager[object]:
        """Mixed precision as Unsloth's own training runs in; none on a CPU."""
        if not self._on_gpu or self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast("cuda", dtype=self._dtype)

    def _hidden(self, batch: Batch) -> Tensor:
        """(B, T, D) output of the last layer.

        The mask must be there although causal attention hides what lies behind a view: without
        one, Unsloth takes positions that jump back for the starts of packed sequences.
        """
        inputs = {
            "input_ids": batch.tokens,
            "attention_mask": batch.attention,
            "position_ids": batch.positions,
            "use_cache": False,
        }
        if not self._on_gpu:
            return self._base.base_model(**inputs).last_hidden_state
        # The whole forward, because it makes the causal mask for the attention that is installed.
        before = os.environ.get(_HIDDEN_STATES)
        os.environ[_HIDDEN_STATES] = "1"
        try:
            hidden = self._model(**inputs).logits
        finally:
            if before is None:
                del os.environ[_HIDDEN_STATES]
            else:
                os.environ[_HIDDEN_STATES] = before
        if hidden.shape[-1] != self._base.config.hidden_size:
            raise EngineError(f"this Unsloth ignores {_HIDDEN_STATES}; train with peft")
        return hidden

    def kept_bytes(self, num_tokens: int) -> int:
        return self._sizes.kept_bytes(num_tokens)

    def free_bytes(self) -> int:
        return free_device_bytes(self.device)

    def set_checkpointing(self, on: bool) -> None:
        self._fast.for_training(self._model, use_gradient_checkpointing=on)


_HIDDEN_STATES = "UNSLOTH_RETURN_HIDDEN_STATES"
"""Makes Unsloth's models hand out hidden states in place of logits."""


def head_loss_sum(head: nn.Module, hidden: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy in nats summed over (N, D) hidden states and their (N,) labels.

    Logits of a large vocabulary are the largest tensor of a pass: where they would take more than
    HEAD_BYTES, they are made in parts, and again in the backward pass.
    """

    def part_loss(states: Tensor, targets: Tensor) -> Tensor:
        logits = head(states.to(head.weight.dtype)).float()
        return F.cross_entropy(logits, targets, reduction="sum")

    rows = max(1, HEAD_BYTES // (4 * head.weight.shape[0]))
    if len(labels) <= rows:
        return part_loss(hidden, labels)
    parts = zip(hidden.split(rows), labels.split(rows), strict=True)
    losses = [checkpoint(part_loss, *part, use_reentrant=False) for part in parts]
    return torch.stack(losses).sum()
