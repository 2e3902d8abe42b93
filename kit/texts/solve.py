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
from kit.texts.encoding import ANSWER_ROOM, TextPairEncoding
from kit.texts.task import TextTask, TextView
from kit.texts.views import test_views, training_views

Mode = Literal["zero-shot", "in-context", "chain-of-thought", "ttt"]
MODES: tuple[Mode, ...] = get_args(Mode)

THINK = "Think step by step, then give the output behind 'Output:'."
THOUGHT_TOKENS = 200
ASK_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class TextTools:
    """An open model with its options.

    Attributes:
        num_steps, batch_views: of training on one task.
        scratch: folder for adapters.
    """

    encoding: TextPairEncoding
    trainer: Trainer
    sampler: Sampler
    num_steps: int
    batch_views: int
    scratch: Path


def answer_task(
    task: TextTask, mode: Mode, tools: TextTools, seed: int, deadline: Deadline
) -> list[str]:
    """One answer per test input, "" for one that the deadline left open."""
    adapter = _train(task, tools, seed, deadline) if mode == "ttt" else None
    views = test_views(task, with_examples=mode != "zero-shot")
    if mode == "chain-of-thought":
        views = tuple(replace(v, instruction=f"{v.instruction}\n{THINK}".strip()) for v in views)
    most = THOUGHT_TOKENS if mode == "chain-of-thought" else ANSWER_ROOM
    texts = _ask(views, adapter, most, tools, deadline)
    return [last_output(text) for text in texts]


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
    tools: TextTools,
    deadline: Deadline,
) -> list[str]:
    answers = [""] * len(views)
    for begin in range(0, len(views), ASK_AT_ONCE):
        part = range(begin, min(begin + ASK_AT_ONCE, len(views)))
        requests = [
            SampleRequest((i,), tools.encoding.encode(views[i]), adapter, max_tokens=most)
            for i in part
        ]
        for completion in tools.sampler.sample(requests, deadline):
            answers[completion.key[0]] = tools.encoding.text(completion.tokens)
    return answers


def last_output(text: str) -> str:
    """What stands behind the last "Output:" of a text, or the whole text; first line only."""
    said = text.rsplit("Output:", 1)[-1].strip()
    return said.splitlines()[0].strip() if said else ""
