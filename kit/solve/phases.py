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
from kit.augment.views import View
from kit.budget.clock import Clock, Deadline
from kit.engine.memory import is_out_of_memory
from kit.finetune.trainer import Adapter, FitReport
from kit.solve.asking import stage_deadline
from kit.solve.draft import Draft
from kit.solve.observing import last_loss, observe_held_out
from kit.solve.sampling import sample_candidates
from kit.solve.scoring import score_candidates
from kit.solve.shared import fit_shared
from kit.solve.thrift import cut_views, half_of
from kit.solve.toolbox import Toolbox
from kit.solve.work import Publish, WorkItem, WorkResult, discard

TRAIN_SHARE = 0.65
"""Most of the time left that training may take; the rest is sampling's."""

CHECK_SHARE = 0.1
"""Most of the time then left for asking the adapter about its own demonstrations."""

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
    if item.adapter_out is not None:
        with draft.stage("train"):
            draft.adapter = _train(draft, toolbox, item.adapter_out, stage_deadline(draft))
        return draft.result()
    folder = _new_folder(toolbox.scratch)
    scores_wanted = item.plan.num_score_views > 0
    try:
        adapter = item.adapter
        if adapter is None and item.plan.num_steps > 0:
            with draft.stage("train"):
                deadline = stage_deadline(draft, TRAIN_SHARE)
                adapter = _train(draft, toolbox, folder / "adapter", deadline)
            if adapter is not None and not draft.cut:
                with draft.stage("check", needed=False):
                    deadline = stage_deadline(draft, CHECK_SHARE)
                    observe_held_out(draft, toolbox, adapter, deadline)
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


def _new_folder(scratch: Path) -> Path:
    """A folder for an adapter; elsewhere when the run's disk is full or can only be read."""
    try:
        return Path(tempfile.mkdtemp(prefix="adapter-", dir=scratch))
    except OSError:
        return Path(tempfile.mkdtemp(prefix="arc-ttt-kit-adapter-"))


def _train(draft: Draft, toolbox: Toolbox, out: Path, deadline: Deadline) -> Adapter | None:
    """An adapter for the task in folder `out`, None where the base model has to do."""
    task, plan = draft.item.task, draft.item.plan
    seed = derive_seed(plan.seed, task.task_id, "train")
    views = training_views(task, plan.num_train_views, seed, toolbox.augment)
    if deadline.remaining_s() < MIN_TRAIN_S:
        draft.cut = True
    if draft.cut or not views:
        draft.counts["skipped_training"] = 1
        return None
    views = cut_views(views, plan.max_view_tokens)
    adapter, report = _fit(draft, toolbox, views, seed, out, deadline)
    draft.counts["steps"] = report.steps
    draft.counts["train_tokens"] = report.tokens
    if report.losses:
        draft.observed["loss_nats"] = round(last_loss(report.losses), 5)
    draft.cut = report.stopped == "deadline"
    if report.stopped == "nan":
        draft.note_failure("train", f"the loss was no number after {report.steps} steps")
        return None
    return adapter


def _fit(
    draft: Draft,
    toolbox: Toolbox,
    views: tuple[View, ...],
    seed: int,
    out: Path,
    deadline: Deadline,
) -> tuple[Adapter, FitReport]:
    """A fit of the task's adapter; when memory runs out once more, with shorter views."""
    plan = draft.item.plan
    try:
        return toolbox.trainer.fit(plan.task_id, views, plan.num_steps, seed, out, deadline)
    except Exception as error:
        shorter = cut_views(views, half_of(views))
        if not is_out_of_memory(error) or shorter == views:
            raise
    # Outside of the handler, so that what the failed fit held is free.
    draft.counts["out_of_memory"] = 1
    shutil.rmtree(out, ignore_errors=True)
    return toolbox.trainer.fit(plan.task_id, shorter, plan.num_steps, seed, out, deadline)
