"""The presets for cards ask for nothing that their card or engine cannot do.

pytest tests/test_presets.py
"""

from __future__ import annotations

import pytest

from kit.arc.task import Pair, Task
from kit.augment.training import training_views
from kit.config import make_config
from kit.engine.cards import MACHINES
from kit.finetune.schedule import steps_to_take
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


def _task(num_pairs: int) -> Task:
    """Pairs of nine colours on distinct, asymmetric grids of a size that may be doubled."""
    grids = [tuple(tuple((p + 2 * y + 3 * x) % 10 for x in range(5)) for y in range(4))
             for p in range(2 * num_pairs)]  # fmt: skip
    pairs = tuple(Pair(a, b) for a, b in zip(grids[::2], grids[1::2], strict=True))
    return Task("t", pairs, (grids[0],))


@pytest.mark.parametrize(("num_pairs", "fewest", "most"), [(2, 90, 96), (3, 250, 250)])
def test_the_papers_two_epochs_are_as_long_as_the_training_set(
    num_pairs: int, fewest: int, most: int
) -> None:
    """2 * 24 views for each of two demonstrations before repeats are left out; 250 with three."""
    config = make_config("paper")
    task = _task(num_pairs)
    views = training_views(task, config.budget.num_train_views, 0, config.augment)
    steps = steps_to_take(config.budget.num_steps, len(views), config.finetune)
    assert fewest <= steps <= most


def test_a_t4_gets_no_bfloat16_which_it_cannot_compute() -> None:
    assert make_config("kaggle-t4x2").solve.dtype == "float16"
