"""Predicted seconds: counted tokens times measured rates."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.arc.task import Pair, Task
from kit.budget.cost import (
    KEPT,
    OVERHEAD_S,
    Rates,
    measure_task,
    plan_units,
    unmeasured_rates,
)
from kit.budget.plan import Plan
from kit.encode.cells import CellEncoding, pair_len

SMALL = ((1, 2), (3, 4), (5, 6))
WIDE = ((0,) * 5,) * 2
TASK = Task("t", (Pair(SMALL, WIDE), Pair(WIDE, SMALL)), (SMALL, WIDE))
PLAN = Plan("t", num_steps=10, num_test_views=3, num_score_views=2)
PRIOR = {"train": 1.0, "sample": 1.0, "score": 1.0}


def test_tokens_are_those_of_the_cell_encoding() -> None:
    size = measure_task(TASK)
    assert size.train_view_tokens == sum(map(pair_len, TASK.train))
    assert size.prompt_tokens[0] == size.train_view_tokens + 3 * 3 + 2
    assert size.answer_tokens[0] == len(CellEncoding().answer_tokens(WIDE))


def test_no_more_tokens_than_fit_the_context() -> None:
    size = measure_task(TASK, max_tokens=20)
    assert (size.train_view_tokens, size.prompt_tokens) == (20, (20, 20))


def test_work_grows_with_the_plan_and_stages_without_work_are_left_out() -> None:
    size = measure_task(TASK)
    units = plan_units(size, PLAN, batch_views=4)
    assert units["train"] == 10 * 4 * size.train_view_tokens
    assert plan_units(size, Plan("t", num_test_views=6), 4) == {"sample": 2 * units["sample"]}


def test_measured_rates_replace_the_prior() -> None:
    rates = Rates(PRIOR)
    assert rates.p50_s({"train": 10.0}) == pytest.approx(OVERHEAD_S + 10)
    for _ in range(3):
        rates = rates.observe("train", units=100.0, seconds=1.0)
    assert rates.p50_s({"train": 10.0}) == pytest.approx(OVERHEAD_S + 0.1)
    assert rates.p50_s({"train": 10.0, "score": 1.0}) == pytest.approx(OVERHEAD_S + 1.1)


def observed(*pairs: tuple[float, float], stage: str = "train") -> Rates:
    rates = Rates(PRIOR)
    for units, seconds in pairs:
        rates = rates.observe(stage, units, seconds)
    return rates


def test_one_slow_task_in_many_moves_p90_little_and_p50_not() -> None:
    rates = observed(*[(1.0, 1.0)] * 30, (1.0, 1000.0))
    assert rates.p50_s({"train": 1.0}) == pytest.approx(OVERHEAD_S + 1.0)
    assert rates.p90_s({"train": 1.0}) < OVERHEAD_S + 1.1


def test_p90_is_careful_while_little_is_known() -> None:
    careful = [observed(*[(1.0, 1.0)] * n).p90_s({"train": 1.0}) for n in range(11)]
    assert careful[0] == pytest.approx(OVERHEAD_S + 2.0)
    assert careful[1:] == sorted(careful[1:], reverse=True)
    assert careful[-1] == pytest.approx(OVERHEAD_S + 1.1)


def test_old_measurements_are_forgotten() -> None:
    rates = observed(*[(1.0, 9.0)] * 100, *[(1.0, 1.0)] * KEPT)
    assert rates.p90_s({"train": 1.0}) < OVERHEAD_S + 1.1


def test_dearer_than_in_proportion_is_learned_and_small_work_not_underrated() -> None:
    """Long views cost more per token."""
    rates = observed(*((u, 0.01 * u**1.3) for u in (10.0, 30.0, 100.0, 300.0) for _ in range(8)))
    for units in (10.0, 100.0, 300.0, 600.0):
        assert rates.p50_s({"train": units}) - OVERHEAD_S == pytest.approx(
            0.01 * units**1.3, rel=0.1
        )


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(1e-3, 1e4)), min_size=1, max_size=12),
    st.floats(1, 1e6),
    st.floats(1, 10),
)
@settings(max_examples=60)
def test_costs_rise_with_work_and_p90_is_above_p50(
    measured: list[tuple[float, float]], units: float, more: float
) -> None:
    rates = observed(*measured)
    assert 0 < rates.p50_s({"train": units}) < rates.p90_s({"train": units})
    assert rates.p50_s({"train": units}) <= rates.p50_s({"train": units * more}) * (1 + 1e-9)


def test_nine_of_ten_stay_below_p90() -> None:
    rng = random.Random(0)
    draw = lambda: (u := rng.uniform(10, 1000), 0.01 * u * rng.lognormvariate(0, 0.3))  # noqa: E731
    rates = observed(*(draw() for _ in range(KEPT)))
    below = [s + OVERHEAD_S <= rates.p90_s({"train": u}) for u, s in (draw() for _ in range(1000))]
    assert 0.8 < sum(below) / 1000 < 0.97


@pytest.mark.parametrize("pair", [(0.0, 1.0), (1.0, 0.0), (1.0, float("inf")), (-1.0, 1.0)])
def test_what_cannot_be_a_measurement_changes_nothing(pair: tuple[float, float]) -> None:
    assert observed(pair) == Rates(PRIOR)


def test_cut_views_cost_less() -> None:
    size = measure_task(TASK)
    whole, cut = (plan_units(size, replace(PLAN, max_view_tokens=n), 4) for n in (0, 10))
    assert cut["train"] == 10 * 4 * 10 < whole["train"]
    assert cut["sample"] < whole["sample"]


def test_a_larger_model_is_slower_and_threads_help() -> None:
    small, large = unmeasured_rates(10**7, 1), unmeasured_rates(10**9, 1)
    assert large.prior["train"] == pytest.approx(100 * small.prior["train"])
    assert unmeasured_rates(10**9, 2).prior["train"] == pytest.approx(large.prior["train"] / 2)
    assert unmeasured_rates(0, 1).prior["train"] > 0
