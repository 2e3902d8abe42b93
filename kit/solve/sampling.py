"""The sampling stage: views of every test input to candidates in the original frame.

The first view of each test input is answered first. Its answer, mapped into the other views, is
the guess that the sampler verifies there, so that views that agree cost little more than reading
their prompts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kit.arc.grid import Grid
from kit.arc.seeds import derive_seed
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.finetune.trainer import Adapter
from kit.generate.decode import Rejected, decode_completions, to_candidate
from kit.generate.sampler import Completion, SampleRequest
from kit.rank.guess import guess_outputs
from kit.solve.asking import Key, gather, make_prompts
from kit.solve.draft import Draft
from kit.solve.toolbox import Toolbox


def sample_candidates(
    draft: Draft, toolbox: Toolbox, adapter: Adapter | None, deadline: Deadline
) -> None:
    """Add the candidates of all test inputs to the draft.

    Raises:
        Exception: what the sampler raised; what it had answered before is in the draft.
    """
    views, requests = _make_requests(draft, toolbox, adapter)
    draft.counts["prompts"] = len(requests)
    done: dict[Key, Completion] = {}
    try:
        _answer_in_turn(draft, toolbox, views, requests, done, deadline)
    finally:
        _keep(draft, toolbox, views, done)
        # A prompt is read once, however many answers it gets.
        prompts = {request.key[:2]: len(request.prompt) for request in requests}
        read = {key[:2] for key in done}
        draft.counts["read_prompts"] = len(read)
        draft.counts["prompt_tokens"] = sum(prompts[place] for place in read)
    draft.cut |= draft.counts["completions"] < len(requests) and deadline.passed()


def _make_requests(
    draft: Draft, toolbox: Toolbox, adapter: Adapter | None
) -> tuple[dict[Key, View], list[SampleRequest]]:
    """The view behind every key, and the requests in the order in which they are wanted."""
    plan, temperature = draft.item.plan, toolbox.generate.temperature
    samples = plan.samples_per_view if temperature > 0 else 1
    share = toolbox.generate.min_probability
    bound = math.log(share) if share > 0 else None
    seed = derive_seed(plan.seed, plan.task_id, "sample")
    views: dict[Key, View] = {}
    requests: list[SampleRequest] = []
    for place, view, prompt in make_prompts(draft, toolbox, plan.num_test_views):
        for sample in range(samples):
            key = (*place, sample)
            views[key] = view
            own_seed = derive_seed(seed, *key)
            requests.append(
                SampleRequest(key, prompt, adapter, temperature, own_seed, min_logprob_nats=bound)
            )
    return views, requests


def _answer_in_turn(
    draft: Draft,
    toolbox: Toolbox,
    views: Mapping[Key, View],
    requests: Sequence[SampleRequest],
    done: dict[Key, Completion],
    deadline: Deadline,
) -> None:
    """Fill `done`: one view per test input with a cheap guess, then the others with its answer."""
    task = draft.item.task
    first: dict[int, Key] = {}
    for request in requests:
        first.setdefault(request.key[1], request.key)
    guesses = {index: guess_outputs(task, index)[0] for index in first}
    for is_first in (True, False):
        wave = [
            replace(request, draft=_seen(guesses[request.key[1]], views[request.key]))
            for request in requests
            if (request.key in first.values()) == is_first
        ]
        gather(wave, lambda part: _keyed(toolbox.sampler.sample(part, deadline)), done)
        if deadline.passed():
            return
        guesses |= _answers(first, views, done, toolbox)


def _keyed(completions: Iterable[Completion]) -> Iterator[tuple[Key, Completion]]:
    """Completions under keys of their own: further ones of a request count its last number up."""
    times: Counter[Key] = Counter()
    for completion in completions:
        *place, sample = completion.key
        yield (*place, sample + times[completion.key]), completion
        times[completion.key] += 1


def _seen(grid: Grid, view: View) -> Grid:
    return view.transform.apply(grid)


def _answers(
    first: Mapping[int, Key],
    views: Mapping[Key, View],
    done: Mapping[Key, Completion],
    toolbox: Toolbox,
) -> dict[int, Grid]:
    """The first answer to each test input in its original frame, where there is a valid one."""
    answers: dict[int, Grid] = {}
    for test_index, key in first.items():
        if key in done:
            candidate = to_candidate(done[key], toolbox.encoding, views[key], 0)
            if not isinstance(candidate, Rejected):
                answers[test_index] = candidate.grid
    return answers


def _keep(
    draft: Draft, toolbox: Toolbox, views: Mapping[Key, View], done: Mapping[Key, Completion]
) -> None:
    """Decode completions in a fixed order, whatever the order in which they came."""
    in_order = [done[key] for key in sorted(done)]
    round_ = draft.item.plan.round
    candidates, rejects = decode_completions(in_order, views, toolbox.encoding, round_)
    draft.candidates.extend(candidates)
    draft.counts["candidates"] = len(candidates)
    draft.counts["completions"] = sum(c.finished for c in in_order)
    draft.counts["answer_tokens"] = sum(len(c.tokens) for c in in_order)
    draft.counts.update(rejects.as_dict("reject_"))
