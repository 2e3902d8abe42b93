"""The scoring stage: how likely each distinct candidate is under views that all of them share.

The product of experts itself is `kit.rank.experts`; this only asks the model.
Source: Franzen et al. 2025, "Product of Experts with LLMs", candidate rescoring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kit.arc.candidate import ViewScore
from kit.arc.grid import Grid
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.finetune.trainer import Adapter
from kit.generate.sampler import ScoreRequest
from kit.solve.asking import Key, gather, make_prompts, scored_tokens
from kit.solve.draft import Draft
from kit.solve.toolbox import Toolbox


def score_candidates(
    draft: Draft, toolbox: Toolbox, adapter: Adapter | None, deadline: Deadline
) -> None:
    """Add the log-probabilities of the distinct candidates under shared views to the draft.

    A test input with a single distinct candidate has nothing to compare and is left out. A view
    counts for all candidates of a test input or for none, so that sums compare like with like.

    Raises:
        Exception: what the sampler raised; what it had scored before is in the draft.
    """
    plan, grids = draft.item.plan, _contested(draft)
    prompts = make_prompts(draft, toolbox, plan.num_score_views) if grids else []
    requests = [
        ScoreRequest(key, prompt, _answers(view, grids[key[1]], toolbox), adapter)
        for key, view, prompt in prompts
        if key[1] in grids
    ]
    scored: dict[Key, tuple[float, ...]] = {}
    try:
        gather(requests, lambda part: toolbox.sampler.score(part, deadline), scored)
    finally:
        draft.scores.extend(_view_scores(draft, grids, scored))
        draft.counts["scored"] = sum(map(len, scored.values()))
        draft.counts["scored_tokens"] = scored_tokens(requests, scored)
    draft.cut |= len(scored) < len(requests) and deadline.passed()


def _contested(draft: Draft) -> dict[int, tuple[Grid, ...]]:
    """Distinct candidates of every test input that has more than one."""
    grids: dict[int, dict[Grid, None]] = {}
    for candidate in draft.candidates:
        grids.setdefault(candidate.test_index, {})[candidate.grid] = None
    return {index: tuple(held) for index, held in sorted(grids.items()) if len(held) > 1}


def _answers(view: View, grids: Sequence[Grid], toolbox: Toolbox) -> tuple[np.ndarray, ...]:
    """The tokens of each grid as seen by the view."""
    return tuple(toolbox.encoding.answer_tokens(view.transform.apply(grid)) for grid in grids)


def _view_scores(
    draft: Draft, grids: Mapping[int, Sequence[Grid]], scored: Mapping[Key, tuple[float, ...]]
) -> list[ViewScore]:
    """One score per test input and grid, its views in order."""
    plan = draft.item.plan
    scores: list[ViewScore] = []
    for test_index, held in grids.items():
        by_view = [scored[key] for key in sorted(scored) if key[1] == test_index]
        if by_view:
            scores += [
                ViewScore(plan.task_id, test_index, grid, nats, plan.round)
                for grid, nats in zip(held, zip(*by_view, strict=True), strict=True)
            ]
    return scores
