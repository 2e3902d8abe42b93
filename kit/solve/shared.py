"""One adapter for all tasks: test-time training on the union of their views.

The paper's ablation "shared adapter", and MindsAI's way. What it does: one fit. What it does not:
sample; the tasks' own items do that with the adapter.
Source: Akyurek et al. 2024, section 3.3.
"""

from __future__ import annotations

from kit.arc.seeds import derive_seed
from kit.augment.training import training_views
from kit.budget.clock import Clock
from kit.solve.asking import stage_deadline
from kit.solve.draft import Draft
from kit.solve.toolbox import Toolbox
from kit.solve.work import WorkItem, WorkResult


def fit_shared(item: WorkItem, toolbox: Toolbox, clock: Clock) -> WorkResult:
    """Train on the views of all `item.union` tasks; the result names the adapter."""
    assert item.adapter_out is not None
    draft, plan = Draft(item, clock), item.plan
    with draft.stage("train"):
        seed = derive_seed(plan.seed, "shared", "train")
        views = [
            view
            for task in item.union
            for view in training_views(task, plan.num_train_views, seed, toolbox.augment)
        ]
        draft.adapter, report = toolbox.trainer.fit(
            plan.task_id, views, plan.num_steps, seed, item.adapter_out, stage_deadline(draft)
        )
        draft.counts["steps"] = report.steps
        draft.counts["train_tokens"] = report.tokens
        draft.cut = report.stopped == "deadline"
        if report.stopped == "nan":
            draft.note_failure("train", f"the loss was no number after {report.steps} steps")
    return draft.result()
