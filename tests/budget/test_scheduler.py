"""Decisions of the scheduler, checked on simulated runs with a fake clock."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from kit.arc.task import Pair, Task
from kit.budget.cost import measure_task, plan_units
from kit.budget.plan import Plan
from kit.budget.scheduler import SETTLED_MARGIN, Scheduler, next_plans, open_scheduler
from kit.budget.settings import BudgetConfig
from kit.budget.state import HAND_IN_S

CONFIG = BudgetConfig(num_steps=32, min_steps=8, num_test_views=8, num_score_views=4)
MODEL_BYTES = 10_000_000


def make_task(task_id: str, side: int) -> Task:
    grid = ((1,) * side,) * side
    return Task(task_id, (Pair(grid, grid),) * 3, (grid,))


def make_tasks(count: int, seed: int = 0) -> list[Task]:
    rng = random.Random(seed)
    return [make_task(f"t{i:03}", rng.randint(2, 30)) for i in range(count)]


@dataclass
class Log:
    """What a simulated run did."""

    plans: list[Plan] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)
    cut: list[Plan] = field(default_factory=list)

    def of_round(self, round_: int) -> list[Plan]:
        return [plan for plan in self.plans if plan.round == round_]


def simulate(
    tasks: list[Task],
    config: BudgetConfig,
    speed: float = 1.0,
    workers: int = 2,
    margin: Callable[[Plan], float] = lambda plan: 0.5,
    noise: float = 0.2,
) -> Log:
    """Run a whole budget on a machine `speed` times as fast as the scheduler first believes."""
    sizes = {task.task_id: measure_task(task) for task in tasks}
    stop_s = config.stop_after_s()
    scheduler = open_scheduler(config, tasks, 7, stop_s, workers, model_bytes=MODEL_BYTES)
    prior = scheduler.state.rates.prior
    rng = random.Random(1)
    log, now_s, running = Log(), 0.0, []
    while True:
        for plan in scheduler.next_plans(now_s, workers - len(running)):
            units = plan_units(sizes[plan.task_id], plan, 4)
            stage_s = {
                stage: amount * prior[stage] / speed * rng.uniform(1 - noise, 1 + noise)
                for stage, amount in units.items()
            }
            deadline_s = scheduler.deadline_s(plan, now_s)
            end_s = min(deadline_s, now_s + sum(stage_s.values()))
            heapq.heappush(running, (end_s, len(log.plans), plan, stage_s))
            log.plans.append(plan)
            if end_s == deadline_s:
                log.cut.append(plan)
        if not running:
            return log
        now_s, _, plan, stage_s = heapq.heappop(running)
        log.ends_s.append(now_s)
        counts = {"steps": plan.num_steps, "completions": plan.num_test_views}
        scheduler.finish(plan, stage_s, counts, cut=plan in log.cut)
        scheduler.set_margin(plan.task_id, margin(plan))


def test_with_plenty_every_task_gets_the_full_plan_cheapest_first() -> None:
    tasks = make_tasks(30)
    log = simulate(tasks, replace(CONFIG, time_s=1e5, rounds=1))
    assert sorted(plan.task_id for plan in log.plans) == [task.task_id for task in tasks]
    assert {(p.num_steps, p.num_test_views, p.num_score_views) for p in log.plans} == {(32, 8, 4)}
    sides = {task.task_id: len(task.test[0]) for task in tasks}
    assert [sides[p.task_id] for p in log.plans] == sorted(sides.values())


@pytest.mark.parametrize("time_s", [30.0, 120.0, 600.0, 3600.0])
@pytest.mark.parametrize("speed", [0.1, 1.0, 10.0])
def test_the_run_ends_in_time_on_fast_and_slow_machines(time_s: float, speed: float) -> None:
    log = simulate(make_tasks(100), replace(CONFIG, time_s=time_s), speed)
    assert max(log.ends_s, default=0.0) <= time_s - HAND_IN_S


@pytest.mark.parametrize("time_s", [120.0, 600.0, 3600.0])
def test_the_time_is_used(time_s: float) -> None:
    log = simulate(make_tasks(100), replace(CONFIG, time_s=time_s))
    assert max(log.ends_s) > 0.8 * time_s


def test_a_small_budget_trains_some_tasks_rather_than_touching_all() -> None:
    tasks = make_tasks(200)
    log = simulate(tasks, replace(CONFIG, time_s=120.0))
    trained = [plan for plan in log.plans if plan.num_steps]
    assert 10 <= len(trained) < len(tasks)
    assert all(plan.num_steps >= CONFIG.min_steps for plan in trained)
    assert all(plan.num_test_views >= CONFIG.min_test_views for plan in log.plans)
    names = {plan.task_id for plan in trained}
    assert max(len(task.test[0]) for task in tasks if task.task_id in names) < 25


def test_a_middling_budget_shrinks_the_plans_of_expensive_tasks_only() -> None:
    log = simulate(make_tasks(60), replace(CONFIG, time_s=600.0, rounds=1), noise=0.0)
    steps = [plan.num_steps for plan in log.plans]
    assert steps.index(CONFIG.num_steps) < 4  # before anything is measured plans stay small
    assert min(steps[-20:]) < CONFIG.num_steps
    assert len({plan.task_id for plan in log.plans}) > 40


def test_no_plan_is_made_that_cannot_end_in_time() -> None:
    scheduler = open_scheduler(CONFIG, make_tasks(50), 0, 100.0, 4, model_bytes=MODEL_BYTES)
    for now_s in (0.0, 50.0, 90.0, 96.0, 96.9, 97.0, 200.0):
        for plan in next_plans(scheduler.state, now_s, 4):
            assert scheduler.state.p90_s(plan) <= 97.0 - now_s
            assert scheduler.deadline_s(plan, now_s) <= 97.0
    assert next_plans(scheduler.state, 97.0, 4) == []


def test_one_huge_task_does_not_hold_up_the_others() -> None:
    tasks = [make_task("huge", 30), *(make_task(f"small{i}", 4) for i in range(5))]
    log = simulate(tasks, replace(CONFIG, time_s=60.0, rounds=1), speed=0.4, workers=1)
    assert [plan.task_id for plan in log.plans[:5]] == [f"small{i}" for i in range(5)]
    assert log.cut == []


def test_a_prior_that_says_nothing_fits_is_tried_out() -> None:
    tasks = make_tasks(5)
    scheduler = open_scheduler(CONFIG, tasks, 0, 60.0, 2, model_bytes=10**12)
    (plan,) = scheduler.next_plans(0.0, 2)
    assert (plan.num_steps, plan.num_test_views) == (0, CONFIG.min_test_views)
    assert scheduler.deadline_s(plan, 0.0) <= 58.0
    stage_s = {"sample": 1.0}
    scheduler.finish(plan, stage_s, {"completions": 4})
    assert scheduler.next_plans(2.0, 1)


def test_further_rounds_go_to_uncertain_tasks_with_fresh_seeds() -> None:
    tasks = make_tasks(10)

    def margin(plan: Plan) -> float:
        number = int(plan.task_id[1:])
        return SETTLED_MARGIN if number < 5 else number / 20

    log = simulate(tasks, replace(CONFIG, time_s=1e5, rounds=3), margin=margin, workers=1)
    assert len(log.of_round(0)) == 10
    again = [plan.task_id for plan in log.of_round(1)]
    assert again == ["t005", "t006", "t007", "t008", "t009"]
    assert [plan.task_id for plan in log.of_round(2)] == again
    assert log.of_round(3) == []
    assert len({plan.seed for plan in log.plans}) == len(log.plans)


def test_a_task_that_was_lost_is_not_tried_in_further_rounds() -> None:
    scheduler = open_scheduler(CONFIG, make_tasks(1), 0, 1e6, 1)
    (plan,) = scheduler.next_plans(0.0, 1)
    assert scheduler.next_plans(0.0, 1) == []
    scheduler.finish(plan, {}, {}, lost=True)
    assert scheduler.next_plans(1.0, 1) == []


def test_rates_of_a_cut_plan_count_only_the_steps_that_were_taken() -> None:
    scheduler = open_scheduler(CONFIG, make_tasks(1), 0, 1e6, 1)
    (plan,) = scheduler.next_plans(0.0, 1)
    half = {"steps": plan.num_steps // 2, "completions": 1}
    scheduler.finish(plan, {"train": 5.0, "sample": 100.0}, half, cut=True)
    seen = scheduler.state.rates.seen
    assert seen["train"][0] == pytest.approx(10.0 / scheduler.state.units(plan)["train"])
    assert "sample" not in seen


def test_units_of_work_ignore_the_clock_and_everything_measured() -> None:
    config = replace(CONFIG, unit="work", rounds=2)
    orders = []
    for speed in (0.01, 1.0, 100.0):
        log = simulate(make_tasks(20), replace(config, time_s=1.0), speed, workers=1)
        assert log.cut == []
        orders.append(log.plans)
    assert orders[0] == orders[1] == orders[2]
    assert len(orders[0]) == 40
    many = simulate(make_tasks(20), replace(config, time_s=1.0), workers=3)
    key = lambda plan: (plan.task_id, plan.round)  # noqa: E731
    assert sorted(many.plans, key=key) == sorted(orders[0], key=key)


def test_a_resumed_run_plans_only_what_is_left() -> None:
    config = replace(CONFIG, unit="work")
    tasks = make_tasks(6)
    whole = simulate(tasks, config, workers=1).plans
    resumed = open_scheduler(config, tasks, 7, 0.0, 1)
    for plan in whole[:4]:
        resumed.finish(plan, {}, {})
    assert resumed.next_plans(0.0, 9) == whole[4:]


def test_decisions_do_not_change_the_state_they_are_taken_from() -> None:
    state = open_scheduler(CONFIG, make_tasks(9), 0, 500.0, 3).state
    assert next_plans(state, 0.0, 3) == next_plans(state, 0.0, 3)
    assert len({plan.task_id for plan in next_plans(state, 0.0, 3)}) == 3


def test_without_training_only_views_shrink() -> None:
    config = replace(CONFIG, num_steps=0, num_train_views=0, time_s=60.0)
    log = simulate(make_tasks(100), config)
    assert log.plans
    assert all(plan.num_steps == 0 for plan in log.plans)


def test_no_tasks_no_plans() -> None:
    assert Scheduler(open_scheduler(CONFIG, [], 0, 9.0).state).next_plans(0.0, 2) == []


def test_four_hundred_tasks_are_decided_on_quickly() -> None:
    scheduler = open_scheduler(CONFIG, make_tasks(400), 0, 1e4, 2, model_bytes=MODEL_BYTES)
    began = time.perf_counter()
    scheduler.next_plans(0.0, 2)
    assert time.perf_counter() - began < 0.2


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"time_s": 0.0}, "time_s must be above zero and at most a year .*, got 0"),
        ({"time_s": float("nan")}, "time_s must be above zero"),
        ({"unit": "steps"}, "unit must be time or work, got 'steps'"),
        ({"num_test_views": 0}, "num_test_views must be 1 or more, got 0"),
        ({"num_steps": -1}, "num_steps must be 0 or more, got -1"),
        ({"time_s": 10.0, "reserve_s": 10.0}, "less than the 10 s there are"),
    ],
)
def test_bad_options_are_refused(options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        BudgetConfig(**options)
