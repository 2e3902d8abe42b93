"""Settings of fine-tuning a base: the paper's values, bounds, what a resumed run compares.

pytest tests/pretrain/test_base_settings.py
"""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from kit.finetune.schedule import learning_rate
from kit.pretrain.base_settings import PRESETS, BaseConfig, config_from


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
