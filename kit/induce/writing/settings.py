"""Options of programs that a language model writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class WritingConfig:
    """Who writes programs, how many, and how they are asked for.

    Nothing is written unless `server` or `model` names somebody; not both.

    Attributes:
        server: URL of a server that speaks OpenAI's protocol, e.g. "http://localhost:8000".
        served_model: which of its models; "" for the first that it lists.
        endpoint: of the server: "chat" for chat models, "completions" for plain ones.
        model: Hugging Face folder of a causal language model that is run here, on the worker's GPU
            if it has one; beside engines that need processes of their own, on the processor.
        sampler: what runs it: "torch" is the kit's own (Llama family); "generate" the reference on
            transformers (any causal model).
        dtype: of its weights in memory; "auto" keeps what suits the machine.
        format: how grids are written in the prompt: "words" by colour names, "digits" by numbers.
        texts: JSON file with strings that replace those of the format; see
            `kit.induce.writing.prompt.ProgramFormat`.
        num_programs: samples per task in the first round.
        temperature: of sampling, above 0. Source of 0.8 and 1536: Li et al. 2024 (BARC).
        max_tokens: longest answer.
        context_tokens: longest prompt and answer together.
        repair: show failing programs what went wrong, once, and sample again.
        allow_weak_sandbox: run them where no strong sandbox works; not for code of unknown origin.
    """

    server: str = ""
    served_model: str = ""
    endpoint: Literal["chat", "completions"] = "chat"
    model: Path | None = None
    sampler: Literal["torch", "generate"] = "torch"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    format: Literal["words", "digits"] = "words"
    texts: Path | None = None
    num_programs: int = 32
    temperature: float = 0.8
    max_tokens: int = 1536
    context_tokens: int = 8192
    repair: bool = True
    allow_weak_sandbox: bool = False

    def __post_init__(self) -> None:
        if self.server and self.model is not None:
            raise ValueError("programs.server and programs.model exclude each other: name one")
        if self.server and not self.server.startswith(("http://", "https://")):
            raise ValueError(
                f"programs.server must be a URL like http://localhost:8000, got {self.server!r}"
            )
        if self.num_programs < 1:
            raise ValueError(f"programs.num_programs must be at least 1, got {self.num_programs}")
        if not 0 < self.temperature <= 2:
            raise ValueError(f"programs.temperature must be in (0, 2], got {self.temperature}")
        if not 1 <= self.max_tokens < self.context_tokens:
            raise ValueError(
                f"programs.max_tokens must be at least 1 and below programs.context_tokens "
                f"({self.context_tokens}), got {self.max_tokens}"
            )

    @property
    def is_on(self) -> bool:
        """Whether anybody is named to write programs."""
        return bool(self.server) or self.model is not None
