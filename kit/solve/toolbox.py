"""What a worker needs to solve tasks: encoding, trainer and sampler of one base model.

Importing this module is cheap; `open_toolbox` imports the backends that the options name and
loads the model. It is called once per worker process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from kit.augment.settings import AugmentConfig
from kit.encode.encoding import Encoding
from kit.finetune.trainer import FinetuneConfig, Trainer
from kit.generate.decode import GenerateConfig
from kit.generate.sampler import Sampler
from kit.induce.writing.settings import WritingConfig
from kit.solve.engines import are_apart, choose_engines
from kit.solve.wire import from_plain, to_plain
from kit.solve.work import SolverSpec

if TYPE_CHECKING:
    from kit.engine.model import Model

BUNDLED_MODEL = Path(__file__).resolve().parents[1] / "weights"

SOLVER_FACTORY = "kit.solve.solver:open_solver"


@dataclass(frozen=True, slots=True)
class SolveConfig:
    """Which model works on the tasks, and through which backends.

    Attributes:
        legs: "ttt" for test-time training and sampling; "search" for programs; "both" for both.
        model: Hugging Face folder of a causal language model.
        dtype: of its weights in memory; "auto" keeps what suits the machine.
        format: text format of the prompts; "auto" reads it from beside the weights.
        trainer: "torch" is the kit's own loop; "peft" the reference on transformers and peft;
            "unsloth" for GPUs; "auto" as in `kit.solve.engines`.
        sampler: "torch" is the kit's own; "generate" the reference on transformers; "vllm" for
            GPUs; "auto" as in `kit.solve.engines`.
        device: where torch computes; "auto" takes a GPU if there is one.
    """

    legs: Literal["ttt", "search", "both"] = "both"
    model: Path = BUNDLED_MODEL
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    format: Literal["auto", "cells", "numpy", "words", "chat", "architects"] = "auto"
    trainer: Literal["auto", "torch", "peft", "unsloth"] = "auto"
    sampler: Literal["auto", "torch", "generate", "vllm"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"


Role = Literal["all", "train", "serve"]
"""What a worker process does with the model: everything; training; sampling and scoring."""


@dataclass(frozen=True, slots=True)
class ToolboxSettings:
    """The options of every stage that runs inside a worker.

    Attributes:
        role: of the worker; what it leaves to others is not opened.
    """

    solve: SolveConfig = field(default_factory=SolveConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    programs: WritingConfig = field(default_factory=WritingConfig)
    role: Role = "all"


@dataclass(frozen=True, slots=True)
class Toolbox:
    """One open base model with everything around it.

    Attributes:
        scratch: folder for adapters while their task is worked on.
    """

    encoding: Encoding
    trainer: Trainer
    sampler: Sampler
    augment: AugmentConfig
    generate: GenerateConfig
    scratch: Path

    def close(self) -> None:
        """Free the model."""
        self.trainer.close()
        self.sampler.close()


def solver_spec(settings: ToolboxSettings) -> SolverSpec:
    """What `kit.workers.executor.open_executor` needs to open this toolbox in its workers."""
    return SolverSpec(SOLVER_FACTORY, to_plain(settings))


def read_settings(plain: Mapping[str, object]) -> ToolboxSettings:
    """The settings behind `solver_spec`, in the worker."""
    return from_plain(ToolboxSettings, dict(plain))


def open_toolbox(settings: ToolboxSettings, threads: int, scratch: Path) -> Toolbox:
    """Load the model; imports torch.

    The kit's own trainer and sampler share one copy of the weights; each other engine loads its
    own.

    Raises:
        FileNotFoundError, ValueError, RuntimeError: the model folder or an engine cannot be used;
            says why.
    """
    from kit.encode import open_encoding
    from kit.engine.machine import choose_device
    from kit.engine.threads import set_threads

    set_threads(threads)
    device = choose_device(settings.solve.device)
    stages = (settings.solve, settings.finetune, settings.generate)
    may_part = settings.role != "all"
    solve = choose_engines(*stages, device.startswith("cuda"), may_part=may_part)
    if not may_part and are_apart(solve):
        raise ValueError(
            f"solve.trainer={solve.trainer} and solve.sampler={solve.sampler} need processes of "
            "their own (workers.executor=pool)"
        )
    # vLLM takes no position ids, and an adapter must be trained on what is asked of it.
    scheme = "contiguous" if solve.sampler == "vllm" else None
    encoding = open_encoding(solve.model, solve.format, positions=scheme)
    base = _Base(replace(settings, solve=solve), device, encoding)
    # The trainer first: Unsloth must be imported before transformers.
    trainer = Elsewhere() if settings.role == "serve" else base.open_trainer()
    sampler = Elsewhere() if settings.role == "train" else base.open_sampler()
    return Toolbox(
        encoding=base.encoding,
        trainer=trainer,
        sampler=sampler,
        augment=settings.augment,
        generate=settings.generate,
        scratch=scratch,
    )


class Elsewhere:
    """The trainer of a process that only samples, and the sampler of one that only trains."""

    def fit(self, *_: object) -> NoReturn:
        """See `Trainer.fit`; raises RuntimeError."""
        raise RuntimeError("this process does not train; others do")

    def sample(self, *_: object) -> NoReturn:
        """See `Sampler.sample`; raises RuntimeError."""
        raise RuntimeError("this process does not sample; others do")

    def score(self, *_: object) -> NoReturn:
        """See `Sampler.score`; raises RuntimeError."""
        raise RuntimeError("this process does not score; others do")

    def close(self) -> None:
        """Nothing is held."""


class _Base:
    """Opens engines on one base model; the kit's own share one copy of the weights."""

    def __init__(self, settings: ToolboxSettings, device: str, encoding: Encoding) -> None:
        self._solve, self._finetune = settings.solve, settings.finetune
        self._generate = settings.generate
        self._device = device
        self.encoding = encoding
        self._model: Model | None = None

    def _own_model(self) -> Model:
        from kit.engine.model import open_model

        if self._model is None:
            self._model = open_model(self._solve.model, self._solve.dtype, self._device)
        return self._model

    def open_trainer(self) -> Trainer:
        solve = self._solve
        if solve.trainer == "torch":
            from kit.finetune.torch_trainer import TorchTrainer

            return TorchTrainer(self._own_model(), self.encoding, self._finetune)
        options = (solve.model, solve.dtype, self.encoding, self._finetune, self._device)
        if solve.trainer == "unsloth":
            from kit.finetune.unsloth_trainer import UnslothTrainer

            return UnslothTrainer(*options)
        from kit.finetune.peft_trainer import PeftTrainer

        return PeftTrainer(*options)

    def open_sampler(self) -> Sampler:
        solve = self._solve
        if solve.sampler == "torch":
            return self._own_sampler()
        if solve.sampler == "vllm":
            from kit.generate.vllm_sampler import VllmOptions, open_vllm_sampler

            options = VllmOptions(
                self._finetune.rank,
                self.encoding.max_tokens,
                solve.dtype,
                self._generate,
                self._generate.vllm_cache_bytes or None,
            )
            return open_vllm_sampler(solve.model, self.encoding, options, self._own_sampler)
        from kit.generate.generate_sampler import GenerateSampler

        # The reference asks what was trained; other samplers choose what they hold themselves.
        four_bits = self._finetune.quantize == "nf4"
        return GenerateSampler(solve.model, solve.dtype, self.encoding, self._device, four_bits)

    def _own_sampler(self) -> Sampler:
        from kit.generate.torch_sampler import TorchSampler

        return TorchSampler(self._own_model(), self.encoding)
