"""The one place that talks to vLLM: token ids in, token ids and numbers out, one step at a time.

What it does: starts an engine in this process, hands requests to it, and turns what it returns
into plain lists. What it does not: know grammars, answers or deadlines. Every name of vLLM that is
used here is in the table of signatures of the versions for GPUs (tests/generate/vllm_signatures).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from kit.generate.vllm_adapters import ServedAdapter
from kit.generate.vllm_arguments import engine_arguments, engine_environment
from kit.generate.vllm_plan import EnginePlan, EnginePlanError

CHOICE_PROCESSOR = "kit.generate.vllm_choice:ChooseLegal"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to an engine.

    Attributes:
        tokens: of the prompt.
        max_tokens: to be written at most.
        settings: further fields of vLLM's `SamplingParams`.
    """

    tokens: Sequence[int]
    max_tokens: int
    adapter: ServedAdapter | None = None
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Numbers of several tokens, each with its alternatives.

    Attributes:
        tokens, values: of row i the entries `starts[i]` to `ends[i]`; the first is that of the
            token which is there, the others are the largest.
    """

    tokens: Sequence[int]
    values: Sequence[float]
    starts: Sequence[int]
    ends: Sequence[int]

    def __len__(self) -> int:
        return len(self.starts)

    def row(self, index: int) -> tuple[Sequence[int], Sequence[float]]:
        """(tokens, values) of one row."""
        part = slice(self.starts[index], self.ends[index])
        return self.tokens[part], self.values[part]


NO_ROWS = Rows((), (), (), ())


@dataclass(frozen=True, slots=True)
class Piece:
    """What one step added to one request.

    Attributes:
        tokens: written in this step.
        rows: one row for each of them, if they were asked for.
        prompt_rows: one row for each token of the prompt, once, if they were asked for; that of
            the first is empty.
        num_cached: tokens of the prompt that were read from the cache; of these, and of the one
            behind, `prompt_rows` says nothing.
        ended: the engine will add nothing more.
    """

    name: str
    tokens: Sequence[int]
    rows: Rows = NO_ROWS
    prompt_rows: Rows = NO_ROWS
    num_cached: int = 0
    ended: bool = False


class Engine(Protocol):
    """What the sampler needs of an engine."""

    def submit(self, name: str, ask: Ask) -> None:
        """Queue a request under a name that is not in use."""
        ...

    def step(self) -> list[Piece]:
        """One pass of the model over whatever is queued."""
        ...

    def abort(self, names: Sequence[str]) -> None:
        """Forget requests."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class VllmEngine:
    """vLLM's engine in this process; implements `Engine`.

    Raises:
        EnginePlanError: vLLM is not installed or does not start as planned.
    """

    def __init__(self, plan: EnginePlan) -> None:
        os.environ.update(engine_environment(plan.card))
        try:
            from vllm import EngineArgs, __version__
            from vllm.v1.engine.llm_engine import LLMEngine
        except ImportError as error:
            raise EnginePlanError(
                f"solve.sampler=vllm needs the package vllm, which cannot be imported ({error}); "
                "offline_wheels/README.md says how to install it"
            ) from error
        arguments = engine_arguments(plan)
        if plan.legality == "choose":
            arguments["logits_processors"] = [CHOICE_PROCESSOR]
        if unknown := set(arguments) - {field.name for field in fields(EngineArgs)}:
            raise EnginePlanError(
                f"vLLM {__version__} knows no {', '.join(sorted(unknown))} of an engine; "
                "offline_wheels/README.md names versions that do"
            )
        try:
            self._engine = LLMEngine.from_engine_args(EngineArgs(**arguments))
        except (ValueError, RuntimeError) as error:
            raise EnginePlanError(f"vLLM does not start for {plan.model}: {error}") from error

    def submit(self, name: str, ask: Ask) -> None:
        """See `Engine.submit`."""
        from vllm import SamplingParams
        from vllm.lora.request import LoRARequest
        from vllm.sampling_params import RequestOutputKind

        parameters = SamplingParams(
            max_tokens=ask.max_tokens,
            detokenize=False,
            ignore_eos=True,
            flat_logprobs=True,
            output_kind=RequestOutputKind.DELTA,
            **(ask.settings or {}),
        )
        adapter = ask.adapter
        lora = adapter and LoRARequest(
            lora_name=adapter.name, lora_int_id=adapter.number, lora_path=str(adapter.path)
        )
        prompt = {"prompt_token_ids": list(ask.tokens)}
        self._engine.add_request(name, prompt, parameters, lora_request=lora)

    def step(self) -> list[Piece]:
        """See `Engine.step`."""
        return [_piece(output) for output in self._engine.step()]

    def abort(self, names: Sequence[str]) -> None:
        """See `Engine.abort`."""
        self._engine.abort_request(list(names))

    def close(self) -> None:
        """Stop the engine; a GPU's memory is wholly free only when the process ends."""
        self._engine.engine_core.shutdown()
        del self._engine
        gc.collect()


def _piece(output: Any) -> Piece:
    (answer,) = output.outputs
    return Piece(
        name=output.request_id,
        tokens=answer.token_ids,
        rows=_rows(answer.logprobs),
        prompt_rows=_rows(output.prompt_logprobs),
        num_cached=output.num_cached_tokens or 0,
        ended=output.finished,
    )


def _rows(flat: Any) -> Rows:
    """vLLM's flat lists as they are: no object per token is made."""
    if not flat:
        return NO_ROWS
    return Rows(flat.token_ids, flat.logprobs, flat.start_indices, flat.end_indices)
