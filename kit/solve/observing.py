"""How well an adapter knows its own task: its demonstrations, each held out and asked for.

A few percent of what its training cost, and the best early sign of whether more work on the task
would help. What it does not: decide anything from it (`kit.budget.value`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.encode.encoding import ContextError
from kit.finetune.trainer import Adapter
from kit.generate.sampler import ScoreRequest
from kit.solve.asking import Key, gather, scored_tokens
from kit.solve.draft import Draft
from kit.solve.thrift import cut_view
from kit.solve.toolbox import Toolbox

MOST_HELD = 3
"""Demonstrations that are asked for; more cost time and say little more."""

_LAST_SHARE = 0.1
"""Share of the training steps whose loss counts as the last one's."""


def last_loss(losses: Sequence[float]) -> float:
    """Mean loss of the last tenth of the steps, of at least one; nats per token."""
    last = losses[-max(1, math.ceil(_LAST_SHARE * len(losses))) :]
    return math.fsum(last) / len(last)


def observe_held_out(draft: Draft, toolbox: Toolbox, adapter: Adapter, deadline: Deadline) -> None:
    """Note the mean probability of the right output of demonstrations that are held out in turn.

    The adapter was trained on them, so that this says whether the rule was learned at all rather
    than whether it was understood; nothing is noted where time or context do not suffice.
    """
    requests = _requests(draft, toolbox, adapter)
    answers: dict[Key, tuple[float, ...]] = {}
    try:
        gather(requests, lambda part: toolbox.sampler.score(part, deadline), answers)
    finally:
        draft.counts["check_tokens"] = scored_tokens(requests, answers)
    if answers and len(answers) == len(requests):
        chances = [math.exp(min(0.0, nats)) for key in sorted(answers) for nats in answers[key]]
        draft.observed["held_chance"] = round(math.fsum(chances) / len(chances), 4)


def _requests(draft: Draft, toolbox: Toolbox, adapter: Adapter) -> list[ScoreRequest]:
    """The first demonstrations behind the others; none for a task of one."""
    task = draft.item.task
    requests = []
    for index, pair in enumerate(task.train[:MOST_HELD] if len(task.train) > 1 else ()):
        others = (*task.train[:index], *task.train[index + 1 :])
        view = View(task.task_id, None, others, pair.input, None)
        try:
            prompt = toolbox.encoding.encode(cut_view(view, draft.item.plan.max_view_tokens))
        except ContextError:
            continue
        answer = toolbox.encoding.answer_tokens(pair.output)
        requests.append(ScoreRequest((index,), prompt, (answer,), adapter))
    return requests
