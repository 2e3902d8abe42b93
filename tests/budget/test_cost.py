"""Predicted seconds: counted tokens times measured rates."""

from __future__ import annotations

import pytest

from kit.arc.task import Pair, Task
from kit.budget.cost import OVERHEAD_S, Rates, measure_task, plan_units, unmeasured_rates
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


def test_one_slow_task_in_many_moves_p90_little_and_p50_not() -> None:
    rates = Rates(PRIOR)
    for seconds in [1.0] * 30 + [1000.0]:
        rates = rates.observe("train", 1.0, seconds)
    assert rates.p50_s({"train": 1.0}) == pytest.approx(OVERHEAD_S + 1.0)
    assert rates.p90_s({"train": 1.0}) < OVERHEAD_S + 1.1


def test_p90_is_careful_while_little_is_known() -> None:
    rates = Rates(PRIOR)
    careful = [rates.p90_s({"train": 1.0})]
    for _ in range(10):
        rates = rates.observe("train", 1.0, 1.0)
        careful.append(rates.p90_s({"train": 1.0}))
    assert careful[0] == pytest.approx(OVERHEAD_S + 2.0)
    assert careful[1:] == sorted(careful[1:], reverse=True)
    assert careful[-1] == pytest.approx(OVERHEAD_S + 1.1)


def test_old_rates_are_forgotten() -> None:
    rates = Rates(PRIOR)
    for seconds in [9.0] * 100 + [1.0] * 64:
        rates = rates.observe("train", 1.0, seconds)
    assert rates.p90_s({"train": 1.0}) < OVERHEAD_S + 1.1


def test_a_larger_model_is_slower_and_threads_help() -> None:
    small, large = unmeasured_rates(10**7, 1), unmeasured_rates(10**9, 1)
    assert large.prior["train"] == pytest.approx(100 * small.prior["train"])
    assert unmeasured_rates(10**9, 2).prior["train"] == pytest.approx(large.prior["train"] / 2)
    assert unmeasured_rates(0, 1).prior["train"] > 0
