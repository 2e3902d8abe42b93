"""What sampling and scoring share: prompts of all test inputs, and calls that survive want of
memory."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import TypeVar

from kit.arc.seeds import derive_seed
from kit.augment.views import View, test_views
from kit.budget.clock import Deadline
from kit.encode.encoding import ContextError, Encoded
from kit.engine.memory import is_out_of_memory
from kit.generate.sampler import SampleRequest, ScoreRequest
from kit.solve.draft import Draft
from kit.solve.thrift import cut_view
from kit.solve.toolbox import Toolbox

Key = tuple[int, ...]
"""(view, test input) of a prompt; (view, test input, sample) of a completion."""

Request = TypeVar("Request", SampleRequest, ScoreRequest)
Answer = TypeVar("Answer")


def stage_deadline(draft: Draft, share: float = 1.0) -> Deadline:
    """The instant at which `share` of the item's time that is left now has gone by."""
    now_s = draft.clock.now_s()
    left_s = max(0.0, draft.item.deadline_s - now_s)
    return Deadline(now_s + share * left_s, draft.clock)


def make_prompts(draft: Draft, toolbox: Toolbox, num_views: int) -> list[tuple[Key, View, Encoded]]:
    """(key, view, prompt) of all test inputs; views that do not fit the context are counted.

    Sampling and scoring get the same first views, so that a sampler need not read a prompt twice.
    The first view of every test input comes before the second of any, so that a sampler that
    works in this order has something for each of them when the time runs out.
    """
    task, plan = draft.item.task, draft.item.plan
    seed = derive_seed(plan.seed, task.task_id, "test")
    draft.counts["context"] = 0
    prompts: list[tuple[Key, View, Encoded]] = []
    for test_index in range(len(task.test)):
        views = test_views(task, test_index, num_views, seed, toolbox.augment)
        for view_index, view in enumerate(views):
            try:
                prompt = toolbox.encoding.encode(cut_view(view, plan.max_view_tokens))
            except ContextError:
                draft.counts["context"] += 1
                continue
            prompts.append(((view_index, test_index), view, prompt))
    return sorted(prompts, key=lambda entry: entry[0])


def gather(
    requests: Sequence[Request],
    ask: Callable[[Sequence[Request]], Iterable[tuple[Key, Answer]]],
    answers: dict[Key, Answer],
) -> None:
    """Fill `answers`; when memory runs out, ask for what is missing in ever smaller parts.

    Answers that came before an exception stay. Returns early when `ask` stops early.

    Raises:
        Exception: what `ask` raised; for want of memory only with a single request.
    """
    part = len(requests)
    while waiting := [request for request in requests if request.key not in answers]:
        try:
            for key, answer in ask(waiting[:part]):
                answers[key] = answer
        except Exception as error:
            if part == 1 or not is_out_of_memory(error):
                raise
            part = (min(part, len(waiting)) + 1) // 2
            continue
        if any(request.key not in answers for request in waiting[:part]):
            return


def scored_tokens(requests: Sequence[ScoreRequest], answered: Container[Key]) -> int:
    """Tokens that the model read for the requests that were answered: prompts and answers."""
    return sum(
        len(request.prompt) + sum(map(len, request.answers))
        for request in requests
        if request.key in answered
    )
