"""Answers to text tasks: zero-shot, from demonstrations in context, or after training on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from kit.arc.seeds import derive_seed
from kit.budget.clock import Deadline
from kit.encode.encoding import ContextError, Encoded
from kit.finetune.trainer import Adapter, Trainer
from kit.generate.sampler import Sampler, SampleRequest
from kit.texts.encoding import TextPairEncoding, room_behind
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
        plain, gapped, reasoning: for answers at once, for such with empty lines in them, and for
            those that end where reasoning does.
        num_steps, batch_views: of training on one task.
        scratch: folder for adapters.
    """

    trainer: Trainer
    plain: Asking
    gapped: Asking
    reasoning: Asking
    num_steps: int
    batch_views: int
    scratch: Path

    def asking(self, task: TextTask, mode: Mode) -> Asking:
        """What reads the answers to a task in a mode."""
        if mode == "chain-of-thought":
            return self.reasoning
        return self.gapped if task.gapped else self.plain


@dataclass(frozen=True, slots=True)
class TaskAnswers:
    """What a model made of the test inputs of one task.

    Attributes:
        texts: one per test input, "" for one that did not fit the context, that the deadline left
            open, or that reasoning never came to.
        unfit: why not, for each of those that did not fit.
    """

    texts: list[str]
    unfit: tuple[str, ...]


def answer_task(
    task: TextTask, mode: Mode, tools: TextTools, seed: int, deadline: Deadline
) -> TaskAnswers:
    """Answers to all test inputs; one that does not fit costs its own answer and no other."""
    views = test_views(task, with_examples=mode != "zero-shot")
    reasons = mode == "chain-of-thought"
    asking = tools.asking(task, mode)
    asked = [_reasoning(view) for view in views] if reasons else views
    room = _answer_room(task, asking)
    prompts, unfit = _encode(asked, asking.encoding, room)
    # Training views hold the demonstrations of a prompt without its query: where a prompt fits,
    # none of them is refused, and where none fits, there is nothing to train for.
    adapter = _train(task, tools, seed, deadline) if mode == "ttt" and prompts else None
    said = _ask(prompts, adapter, room_behind(room, reasons), asking, deadline)
    texts = [said.get(number, "") for number in range(len(views))]
    return TaskAnswers([concluded_output(t) for t in texts] if reasons else texts, unfit)


def can_match(output: str, task: TextTask, mode: Mode, tools: TextTools) -> bool:
    """Whether any answer to a task can read as this output, white space around it aside."""
    reasons, asking = mode == "chain-of-thought", tools.asking(task, mode)
    room = room_behind(_answer_room(task, asking), reasons)
    said = asking.encoding.echo(f" {ANSWER_CUE} {output}" if reasons else f" {output}", room)
    return (concluded_output(said) if reasons else said) == output.strip()


def _answer_room(task: TextTask, asking: Asking) -> int:
    return asking.encoding.answer_room(pair.output for pair in task.train)


def _reasoning(view: TextView) -> TextView:
    """A view that asks for reasoning first."""
    return replace(view, instruction=f"{view.instruction}\n{THINK}".strip(), reasons=True)


def _train(task: TextTask, tools: TextTools, seed: int, deadline: Deadline) -> Adapter:
    own = derive_seed(seed, task.task_id, "text ttt")
    views = training_views(task, tools.num_steps * tools.batch_views, own)
    # Not the task's id, which may hold anything.
    out = tools.scratch / f"{own:x}"
    # Trainers hand views to their encoding and look at nothing else in them.
    adapter, _ = tools.trainer.fit(task.task_id, views, tools.num_steps, own, out, deadline)  # type: ignore[arg-type]
    return adapter


def _encode(
    views: Sequence[TextView], encoding: TextPairEncoding, answer_room: int
) -> tuple[dict[int, Encoded], tuple[str, ...]]:
    """Prompts of the views that fit by their number, and why the others do not."""
    prompts: dict[int, Encoded] = {}
    unfit: list[str] = []
    for number, view in enumerate(views):
        try:
            prompts[number] = encoding.encode(view, answer_room)
        except ContextError as error:
            unfit.append(str(error))
    return prompts, tuple(unfit)


def _ask(
    prompts: Mapping[int, Encoded],
    adapter: Adapter | None,
    most: int,
    asking: Asking,
    deadline: Deadline,
) -> dict[int, str]:
    """What was written behind the prompts, by their numbers."""
    said: dict[int, str] = {}
    numbers = list(prompts)
    for begin in range(0, len(numbers), ASK_AT_ONCE):
        requests = [
            SampleRequest((number,), prompts[number], adapter, max_tokens=most)
            for number in numbers[begin : begin + ASK_AT_ONCE]
        ]
        for completion in asking.sampler.sample(requests, deadline):
            said[completion.key[0]] = asking.encoding.text(completion.tokens)
    return said


def concluded_output(text: str) -> str:
    """What stands behind the last "Output:" of reasoning, first line only, as remarks often follow;
    "" where there is none, as a thought is no answer."""
    _, cue, said = text.rpartition(ANSWER_CUE)
    return said.strip().split("\n")[0].strip() if cue else ""
