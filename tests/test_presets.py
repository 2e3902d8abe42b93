"""The presets for cards ask for nothing that their card or engine cannot do.

pytest tests/test_presets.py
"""

from __future__ import annotations

import pytest

from kit.config import make_config
from kit.engine.cards import MACHINES
from kit.job import KAGGLE_BUDGET_S
from kit.presets import PRESETS

VLLM_RANKS = (8, 16, 32, 64, 128, 256)
"""Ranks that vLLM has room for; others are refused."""


def test_the_presets_that_are_promised_exist() -> None:
    assert {"cpu", "kaggle-t4x2", "kaggle-l4x4", "h200", "paper"} <= set(PRESETS)


@pytest.mark.parametrize("name", sorted({machine.preset for machine in MACHINES.values()}))
def test_a_cards_adapters_can_be_served(name: str) -> None:
    config = make_config(name)
    assert config.finetune.rank in VLLM_RANKS
    assert config.budget.time_s <= KAGGLE_BUDGET_S
    # A step for every view at least once.
    assert config.budget.num_steps * config.finetune.batch_views >= config.budget.num_train_views


def test_a_t4_gets_no_bfloat16_which_it_cannot_compute() -> None:
    assert make_config("kaggle-t4x2").solve.dtype == "float16"
