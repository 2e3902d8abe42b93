"""Answers to text tasks: zero-shot, from demonstrations in context, or after training on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from kit.arc.seeds import derive_seed
from kit.budget.clock import Deadline
from kit.finetune.trainer import Adapter, Trainer
from kit.generate.sampler import Sampler, SampleRequest
from kit.texts.encoding import ANSWER_ROOM, REASONING_ROOM, TextPairEncoding
from kit.texts.task import TextTask, TextView
from kit.texts.views import test_views, training_views

Mode = Literal["zero-shot", "in-context", "chain-of-thought", "ttt"]
MODES: tuple[Mode, ...] = get_args(Mode)

ANSWER_CUE = "Output:"
THINK = f"Think step by step behind 'Reasoning:', then give the output behind '{ANSWER_CUE}'."
ASK_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Asking:
    """A sampler, and the encoding that its prompts and answers have."""

    encoding: TextPairEncoding
    sampler: Sampler


@dataclass(frozen=True, slots=True)
class TextTools:
    """An open model with its options.

    Attributes:
        plain, reasoning: for answers at once, and for those that end where reasoning does.
        num_steps, batch_views: of training on one task.
        scratch: folder for adapters.
    """

    trainer: Trainer
    plain: Asking
    reasoning: Asking
    num_steps: int
    batch_views: int
    scratch: Path


def answer_task(
    task: TextTask, mode: Mode, tools: TextTools, seed: int, deadline: Deadline
) -> list[str]:
    """One answer per test input, "" for one that the deadline left open or that reasoning never
    came to."""
    views = test_views(task, with_examples=mode != "zero-shot")
    if mode == "chain-of-thought":
        asked = [_reasoning(view) for view in views]
        texts = _ask(asked, None, REASONING_ROOM, tools.reasoning, deadline)
        return [concluded_output(text) for text in texts]
    adapter = _train(task, tools, seed, deadline) if mode == "ttt" else None
    texts = _ask(views, adapter, ANSWER_ROOM, tools.plain, deadline)
    return [last_output(text) for text in texts]


def _reasoning(view: TextView) -> TextView:
    """A view that asks for reasoning first."""
    return replace(view, instruction=f"{view.instruction}\n{THINK}".strip(), reasons=True)


def _train(task: TextTask, tools: TextTools, seed: int, deadline: Deadline) -> Adapter:
    own = derive_seed(seed, task.task_id, "text ttt")
    views = training_views(task, tools.num_steps * tools.batch_views, own)
    out = tools.scratch / f"{task.task_id}-{seed}"
    # Trainers hand views to their encoding and look at nothing else in them.
    adapter, _ = tools.trainer.fit(task.task_id, views, tools.num_steps, own, out, deadline)  # type: ignore[arg-type]
    return adapter


def _ask(
    views: Sequence[TextView],
    adapter: Adapter | None,
    most: int,
    asking: Asking,
    deadline: Deadline,
) -> list[str]:
    answers = [""] * len(views)
    for begin in range(0, len(views), ASK_AT_ONCE):
        part = range(begin, min(begin + ASK_AT_ONCE, len(views)))
        requests = [
            SampleRequest((i,), asking.encoding.encode(views[i]), adapter, max_tokens=most)
            for i in part
        ]
        for completion in asking.sampler.sample(requests, deadline):
            answers[completion.key[0]] = asking.encoding.text(completion.tokens)
    return answers


def last_output(text: str) -> str:
    """What stands behind the last "Output:" of a text, or the whole text; first line only."""
    said = text.rsplit(ANSWER_CUE, 1)[-1].strip()
    return said.splitlines()[0].strip() if said else ""


def concluded_output(text: str) -> str:
    """What stands behind the last "Output:" of reasoning, first line only; "" where there is none,
    as a thought is no answer."""
    return last_output(text) if ANSWER_CUE in text else ""
