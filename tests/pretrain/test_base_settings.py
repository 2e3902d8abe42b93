"""Settings of fine-tuning a base: the paper's values, bounds, what a resumed run compares.

pytest tests/pretrain/test_base_settings.py
"""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from kit.finetune.schedule import learning_rate
from kit.pretrain.base_settings import PRESETS, BaseConfig, config_from, with_steps


def test_the_preset_paper_has_the_papers_values() -> None:
    paper = PRESETS["paper"]
    assert (paper.method, paper.lr, paper.epochs, paper.batch_tasks) == ("full", 2.5e-5, 2, 32)
    assert (paper.num_tasks, paper.warmup_steps, paper.max_pairs) == (600_000, 2000, 7)
    assert paper.num_steps() == 16_000 < paper.num_tasks * paper.epochs / paper.batch_tasks
    assert paper.wrap_share == 0.3
    rates = [learning_rate(s, paper.num_steps(), paper.finetune()) for s in (0, 1999, 2000, 15_999)]
    assert rates[0] < rates[1] < rates[2] == 2.5e-5
    assert rates[3] < 1e-3 * rates[2]


def test_steps_are_what_tasks_epochs_and_batch_make_of_them() -> None:
    config = BaseConfig(num_tasks=100, epochs=2, batch_tasks=8, max_steps=1000)
    assert config.num_steps() == 25
    assert replace(config, num_tasks=101).num_steps() == 26
    assert replace(config, max_steps=3).num_steps() == 3


@pytest.mark.parametrize(("steps", "batch"), [(5000, 8), (1000, 32), (4, 2), (0, 8)])
@pytest.mark.parametrize("preset", PRESETS)
def test_steps_that_were_asked_for_are_all_done(preset, steps, batch) -> None:
    asked = replace(PRESETS[preset], max_steps=steps, batch_tasks=batch)
    config = with_steps(asked, ["max_steps", "batch_tasks"])
    assert (config.num_steps(), config.num_tasks) == (steps, max(1, steps * batch))


def test_steps_and_tasks_that_were_both_asked_for_must_agree() -> None:
    config = BaseConfig(max_steps=5000, num_tasks=8000, epochs=2)
    said = r"--steps 5000 cannot be met: --tasks 8000, --epochs 2 and --batch 8 make 2000 steps"
    for field in ("num_tasks", "epochs"):
        with pytest.raises(ValueError, match=said):
            with_steps(config, ["max_steps", field])
    assert with_steps(config, ["num_tasks", "epochs"]) == config
    fits = replace(config, max_steps=2000)
    assert with_steps(fits, ["max_steps", "num_tasks"]) == fits


def test_steps_that_take_too_many_different_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"take 16000000 different tasks, more than 10000000"):
        with_steps(BaseConfig(max_steps=2_000_000), ["max_steps"])


def test_a_short_run_spends_half_of_it_warming_up_at_most() -> None:
    config = BaseConfig(max_steps=10, warmup_steps=50)
    assert config.finetune().warmup_fraction == 0.5


def test_the_usual_rate_depends_on_the_method() -> None:
    assert BaseConfig(method="full").finetune().lr < BaseConfig(method="lora").finetune().lr
    assert BaseConfig(method="4bit").finetune().method == "lora"
    assert BaseConfig(lr=0.25).finetune().lr == 0.25


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("method", "qlora", "method must be one of full, lora, 4bit, got 'qlora'"),
        ("rank", 0, "rank must be 1 to 4096, got 0"),
        ("lr", -1.0, "lr must be 0 to less than 1, got -1.0"),
        ("lr", float("nan"), "lr must be"),
        ("batch_tasks", 0, "batch_tasks must be 1 to 65536, got 0"),
        ("max_tokens", 16, "max_tokens must be 128 to 1000000, got 16"),
        ("wrap_share", 1.5, "wrap_share must be 0 to 1, got 1.5"),
        ("num_tasks", 10**12, "num_tasks must be"),
    ],
)
def test_values_out_of_bounds_are_refused(field, value, said) -> None:
    with pytest.raises(ValueError, match=said):
        BaseConfig(**{field: value})


def test_a_config_survives_its_plain_form() -> None:
    config = BaseConfig(method="full", lr=1e-4, seed=5)
    assert config_from(asdict(config)) == config
    plain = asdict(config)
    del plain["rank"]
    with pytest.raises(ValueError, match="settings of another version: rank"):
        config_from(plain)


def test_differences_name_both_sides() -> None:
    assert BaseConfig().differences(BaseConfig()) == []
    assert BaseConfig(rank=8).differences(BaseConfig(seed=3)) == ["rank: 8, 32", "seed: 0, 3"]
