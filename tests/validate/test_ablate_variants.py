"""Variants of an ablation and their plans: one change at a time, the same views and seeds.

pytest tests/validate/test_ablate_variants.py
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from kit.augment.training import training_views
from kit.budget.settings import BudgetConfig
from kit.config import apply_overrides, make_config
from kit.finetune.trainer import FinetuneConfig
from kit.validate.ablate_run import Job, full_plan, job_plan
from kit.validate.ablate_variants import BASE, TTT, all_variants, chosen_variants
from kit.validate.bench_tasks import development_tasks
from tests.validate.ablating import KNOWN, TASKS, method


def test_every_override_is_an_option_and_every_partner_exists() -> None:
    names = [variant.name for variant in KNOWN]
    assert len(set(names)) == len(names)
    for variant in KNOWN:
        assert variant.against in names and variant.says
        apply_overrides(make_config("cpu"), variant.overrides)


def test_the_papers_figures_stand_beside_their_variants() -> None:
    found = {variant.name: variant.paper for variant in KNOWN if variant.paper is not None}
    assert found == {
        "ttt": 29, "no-ttt": 5, "no-transforms": 13, "end-to-end": 18, "shared": 22,
        "no-demo-loss": 26, "4-bit": 26,
    }  # fmt: skip


def test_words_choose_variants_by_name_or_group_and_partners_come_along() -> None:
    assert [v.name for v in chosen_variants(KNOWN, ["self-consistency"])] == [
        TTT, "self-consistency",
    ]  # fmt: skip
    assert {v.name for v in chosen_variants(KNOWN, ["base", BASE])} == {
        BASE, "base-small", "base-small-no-ttt",
    }  # fmt: skip
    assert [v.name for v in chosen_variants(KNOWN, ["4-bit"])] == ["peft", "4-bit"]
    assert chosen_variants(KNOWN, ["all"]) == KNOWN
    with pytest.raises(ValueError, match=r"no variant 'shard' \(did you mean 'shared'\?\)"):
        chosen_variants(KNOWN, ["shard"])


def test_four_bits_differ_from_their_partner_in_the_bits_alone() -> None:
    found = {v.name: v for v in KNOWN}
    four, partner = found["4-bit"], found[found["4-bit"].against]
    assert partner.name == "peft"
    differ = set(four.overrides) ^ set(partner.overrides)
    assert differ == {"finetune.quantize=nf4", "finetune.quantize=none"}


def test_ranks_keep_alpha_over_rank_and_skip_the_options_own() -> None:
    found = {
        v.name: v.overrides for v in all_variants(FinetuneConfig(rank=8, alpha=4), 64, 256, {})
    }
    assert "rank-8" not in found
    assert found["rank-32"] == ("finetune.rank=32", "finetune.alpha=16")


# --- plans ------------------------------------------------------------------------------------


def test_all_variants_of_a_task_share_seed_and_test_views() -> None:
    plans = [
        job_plan(Job(method(v.name), 3, TASKS[0], Path()))
        for v in KNOWN
        if v.work in ("ttt", "shared") and not v.matched
    ]
    assert len({plan.seed for plan in plans}) == 1
    assert len({plan.num_test_views for plan in plans}) == 1
    assert job_plan(Job(method(TTT), 4, TASKS[0], Path())).seed != plans[0].seed


def test_no_steps_means_no_training_views() -> None:
    plan = full_plan(TASKS[0], BudgetConfig(num_steps=0), 1, 0)
    assert (plan.num_steps, plan.num_train_views) == (0, 0)


def test_the_shared_adapter_gets_as_many_steps_as_all_tasks_together() -> None:
    shared = method("shared")
    union = job_plan(Job(shared, 0, TASKS[0], Path(), union=TASKS))
    alone = job_plan(Job(shared, 0, TASKS[0], Path()))
    assert union.num_steps == 2 * BudgetConfig().num_steps and alone.num_steps == 0


def test_matched_programs_get_the_seconds_of_their_partner() -> None:
    plan = job_plan(Job(method("search"), 0, TASKS[0], Path(), limit_s=7.5))
    assert (plan.leg, plan.search_s, plan.num_steps) == ("search", 7.5, 0)
    assert job_plan(Job(method("search"), 0, TASKS[0], Path(), math.inf)).search_s == 0.0


def test_untransformed_views_keep_test_views_as_they_are() -> None:
    base = make_config("full").augment
    plain = replace(base, untransformed=True)
    task = development_tasks()[3]
    assert all(v.transform.name == "identity" for v in training_views(task, 30, 0, plain))
    assert len({v.transform.name for v in training_views(task, 30, 0, base)}) == 8
