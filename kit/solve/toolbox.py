"""What a worker needs to solve tasks: encoding, trainer and sampler of one base model.

Importing this module is cheap; `open_toolbox` imports the backends that the options name and
loads the model. It is called once per worker process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kit.augment.settings import AugmentConfig
from kit.encode.encoding import Encoding
from kit.finetune.trainer import FinetuneConfig, Trainer
from kit.generate.decode import GenerateConfig
from kit.generate.sampler import Sampler
from kit.induce.writing.settings import WritingConfig
from kit.solve.wire import from_plain, to_plain
from kit.solve.work import SolverSpec

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
        trainer: "torch" is the kit's own loop; "peft" the reference on transformers and peft.
        sampler: "torch" is the kit's own; "generate" the reference on transformers.
    """

    legs: Literal["ttt", "search", "both"] = "both"
    model: Path = BUNDLED_MODEL
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    format: Literal["auto", "cells", "numpy", "words", "chat", "architects"] = "auto"
    trainer: Literal["torch", "peft"] = "torch"
    sampler: Literal["torch", "generate"] = "torch"


@dataclass(frozen=True, slots=True)
class ToolboxSettings:
    """The options of every stage that runs inside a worker."""

    solve: SolveConfig = field(default_factory=SolveConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    finetune: FinetuneConfig = field(default_factory=FinetuneConfig)
    generate: GenerateConfig = field(default_factory=GenerateConfig)
    programs: WritingConfig = field(default_factory=WritingConfig)


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

    The kit's own trainer and sampler share one copy of the weights; each reference backend loads
    its own.

    Raises:
        FileNotFoundError, ValueError: the model folder cannot be used; says why.
    """
    from kit.encode import open_encoding
    from kit.engine.threads import set_threads

    set_threads(threads)
    solve = settings.solve
    encoding = open_encoding(solve.model, solve.format)
    model = None
    if "torch" in (solve.trainer, solve.sampler):
        from kit.engine.model import open_model

        model = open_model(solve.model, solve.dtype)
    return Toolbox(
        encoding=encoding,
        trainer=_open_trainer(settings, model, encoding),
        sampler=_open_sampler(solve, model, encoding),
        augment=settings.augment,
        generate=settings.generate,
        scratch=scratch,
    )


def _open_trainer(settings: ToolboxSettings, model: object, encoding: Encoding) -> Trainer:
    solve = settings.solve
    if solve.trainer == "torch":
        from kit.finetune.torch_trainer import TorchTrainer

        return TorchTrainer(model, encoding, settings.finetune)
    from kit.finetune.peft_trainer import PeftTrainer

    return PeftTrainer(solve.model, solve.dtype, encoding, settings.finetune)


def _open_sampler(solve: SolveConfig, model: object, encoding: Encoding) -> Sampler:
    if solve.sampler == "torch":
        from kit.generate.torch_sampler import TorchSampler

        return TorchSampler(model, encoding)
    from kit.generate.generate_sampler import GenerateSampler

    return GenerateSampler(solve.model, solve.dtype, encoding)
