"""Options of the budget that cannot be used."""

from __future__ import annotations

import pytest

from kit.budget.policy import Level
from kit.budget.settings import BudgetConfig
from kit.budget.setup import plan_levels


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"time_s": 0.0}, "time_s must be above zero and at most a year .*, got 0"),
        ({"time_s": float("nan")}, "time_s must be above zero"),
        ({"unit": "steps"}, "unit must be time or work, got 'steps'"),
        ({"num_test_views": 0}, "num_test_views must be 1 or more, got 0"),
        ({"num_steps": -1}, "num_steps must be 0 or more, got -1"),
        ({"time_s": 10.0, "reserve_s": 10.0}, "less than the 10 s there are"),
        ({"training_share": -0.5}, "training_share must be 0 to 1, got -0.5"),
        ({"search_floor_s": 0.0}, "search_floor_s must be above zero, got 0"),
        ({"writing_s": -1.0}, "writing_s must be above zero, got -1"),
        ({"search_nodes": 0}, "search_nodes must be 1 or more"),
    ],
)
def test_bad_options_are_refused(options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        BudgetConfig(**options)


def test_levels_go_from_asking_the_base_model_to_the_full_plan() -> None:
    config = BudgetConfig(num_steps=64, min_steps=16, num_test_views=16, num_score_views=8)
    assert plan_levels(config) == (
        Level(0, 4, 0), Level(16, 4, 4), Level(32, 8, 4), Level(64, 16, 8)
    )  # fmt: skip


def test_without_training_only_views_shrink_and_a_single_size_is_enough() -> None:
    config = BudgetConfig(num_steps=0, num_test_views=8, min_test_views=8, num_score_views=0)
    assert plan_levels(config) == (Level(0, 8, 0),)
    levels = plan_levels(BudgetConfig(num_steps=0, num_test_views=16, num_score_views=0))
    assert [level.num_test_views for level in levels] == [4, 8, 16]
