"""One task from plan to candidates by the model: train, sample, score. Values in, values out.

What it does: shares the time until the deadline out between the stages, and keeps what a stage
has found when the next one fails. Everything drawn comes from `plan.seed`, so that neither the
process nor the order of tasks matters. What it does not: choose answers (`kit.rank`), or know
solutions.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from kit.arc.seeds import derive_seed
from kit.augment.training import training_views
from kit.budget.clock import Clock
from kit.finetune.trainer import Adapter
from kit.solve.asking import stage_deadline
from kit.solve.draft import Draft
from kit.solve.sampling import sample_candidates
from kit.solve.scoring import score_candidates
from kit.solve.shared import fit_shared
from kit.solve.toolbox import Toolbox
from kit.solve.work import Publish, WorkItem, WorkResult, discard

TRAIN_SHARE = 0.65
"""Most of the time left that training may take; the rest is sampling's."""

SAMPLE_SHARE = 0.8
"""Most of the time then left that sampling may take when scoring is planned."""

MIN_TRAIN_S = 1.0
"""With less time than this for training it is skipped: a few steps help less than more views."""


def solve_item(
    item: WorkItem, toolbox: Toolbox, clock: Clock, publish: Publish = discard
) -> WorkResult:
    """Work on one item until its plan is done or its deadline has passed.

    A failing stage is noted in the result, and the next one goes on with what there is: without
    an adapter the base model answers, without scores the votes stay.

    Args:
        publish: given what is known after sampling, in case this process does not survive scoring.
    """
    if item.union:
        return fit_shared(item, toolbox, clock)
    draft = Draft(item, clock)
    folder = Path(tempfile.mkdtemp(prefix="adapter-", dir=toolbox.scratch))
    scores_wanted = item.plan.num_score_views > 0
    try:
        adapter = item.adapter
        if adapter is None and item.plan.num_steps > 0:
            with draft.stage("train"):
                adapter = _train(draft, toolbox, folder)
        with draft.stage("sample"):
            deadline = stage_deadline(draft, SAMPLE_SHARE if scores_wanted else 1.0)
            sample_candidates(draft, toolbox, adapter, deadline)
        if scores_wanted and draft.candidates:
            publish(draft.result())
            with draft.stage("score"):
                score_candidates(draft, toolbox, adapter, stage_deadline(draft))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return draft.result()


def _train(draft: Draft, toolbox: Toolbox, folder: Path) -> Adapter | None:
    """An adapter for the task, None where the base model has to do."""
    task, plan = draft.item.task, draft.item.plan
    deadline = stage_deadline(draft, TRAIN_SHARE)
    seed = derive_seed(plan.seed, task.task_id, "train")
    views = training_views(task, plan.num_train_views, seed, toolbox.augment)
    if deadline.remaining_s() < MIN_TRAIN_S:
        draft.cut = True
    if draft.cut or not views:
        draft.counts["skipped_training"] = 1
        return None
    adapter, report = toolbox.trainer.fit(
        task.task_id, views, plan.num_steps, seed, folder / "adapter", deadline
    )
    draft.counts["steps"] = report.steps
    draft.counts["train_tokens"] = report.tokens
    draft.cut = report.stopped == "deadline"
    if report.stopped == "nan":
        draft.note_failure("train", f"the loss was no number after {report.steps} steps")
        return None
    return adapter
