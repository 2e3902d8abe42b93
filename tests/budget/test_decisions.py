"""Single decisions of the kit's policy: what is handed out, when it is cut, what is remembered.

pytest tests/budget/test_decisions.py
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.budget.board import open_board
from kit.budget.legs import open_legs
from kit.budget.outlook import Outlook
from kit.budget.plan import Plan
from kit.budget.settings import BudgetConfig
from kit.budget.state import HAND_IN_S
from kit.budget.writing import open_writing
from tests.budget.simulation import CONFIG, make_setup, make_task, make_tasks, simulate

TTT = {"has_search": False, "workers": 2}
SEARCH = {"has_model": False, "workers": 2}
FOUND = Outlook(0.9, convinced=True, promise=1.0, chance=0.95)


def test_no_plan_is_made_that_cannot_end_in_time() -> None:
    scheduler = open_legs(make_setup(make_tasks(50), replace(CONFIG, time_s=105.0), workers=4))
    stop_s = scheduler.state.stop_s
    for now_s in (0.0, 50.0, 90.0, 96.0, 96.7):
        for plan in scheduler.next_plans(now_s, 4):
            left_s = stop_s - now_s - (HAND_IN_S if plan.leg == "ttt" else 1.0)
            cost_s = plan.search_s or scheduler.state.p90_s(plan)
            assert cost_s <= left_s + 1e-9
            assert scheduler.deadline_s(plan, now_s) <= stop_s - 1.0
            scheduler.finish(plan, {"search": 0.3}, {})
    assert scheduler.next_plans(stop_s - 1.0, 4) == []


def test_a_prior_that_says_nothing_fits_is_tried_out() -> None:
    setup = make_setup(make_tasks(5), replace(CONFIG, time_s=60.0), **TTT, model_bytes=10**12)
    scheduler = open_legs(setup)
    (plan,) = scheduler.next_plans(0.0, 2)
    assert (plan.num_steps, plan.num_test_views) == (0, CONFIG.min_test_views)
    assert scheduler.deadline_s(plan, 0.0) <= 58.0
    scheduler.finish(plan, {"sample": 1.0}, {"completions": 4})
    assert scheduler.next_plans(2.0, 1)


def test_a_task_that_was_lost_is_not_tried_again_but_one_that_lacked_memory_is() -> None:
    tasks = [make_task("big", 20), make_task("small", 3)]
    scheduler = open_legs(make_setup(tasks, replace(CONFIG, time_s=1e6), **TTT))
    first, second = scheduler.next_plans(0.0, 2)
    scheduler.finish(first, {}, {}, lost=True)
    scheduler.finish(second, {}, {"out_of_memory": 1}, lost=True)
    (again,) = scheduler.next_plans(1.0, 2)
    assert again.task_id == second.task_id and again.round == 1
    longest = scheduler.state.tasks[again.task_id].size.longest_tokens
    assert again.max_view_tokens == max(256, longest // 2)


def test_a_task_that_lacks_memory_for_the_least_there_is_is_lost() -> None:
    setup = make_setup([make_task("big", 20)], replace(CONFIG, time_s=1e6), **TTT)
    scheduler = open_legs(setup)
    tokens = []
    while plans := scheduler.next_plans(0.0, 1):
        tokens.append(plans[0].max_view_tokens)
        scheduler.finish(plans[0], {}, {"out_of_memory": 1}, lost=True)
    assert tokens[0] == 0 and tokens[1:] == sorted(set(tokens[1:]), reverse=True)
    assert tokens[-1] == 256 and len(tokens) < setup.config.num_rounds()


def test_want_of_memory_cuts_the_plans_of_all_tasks_as_large() -> None:
    tasks = [make_task("a", 20), make_task("b", 21), make_task("c", 3)]
    scheduler = open_legs(make_setup(tasks, replace(CONFIG, time_s=1e6), has_search=False))
    plans: dict[str, Plan] = {}
    while handed_out := scheduler.next_plans(0.0, 1):
        (plan,) = handed_out
        plans.setdefault(plan.task_id, plan)
        big = plan.task_id != "c" and not plan.max_view_tokens
        stages = {} if big else {"train": 1.0, "sample": 1.0}
        counts = {"out_of_memory": 1} if big else {"steps": plan.num_steps, "completions": 8}
        scheduler.finish(plan, stages, counts, lost=big)
        scheduler.judge(plan.task_id, Outlook(0.2, share=0.3, votes=8))
    cut = [name for name in ("a", "b") if plans[name].max_view_tokens]
    assert len(cut) == 1, "the second of them is not tried at full length"
    assert plans["c"].max_view_tokens == 0


def test_a_first_search_waits_for_slow_workers_but_no_later_one() -> None:
    setup = make_setup(make_tasks(4), replace(CONFIG, time_s=600.0), has_model=False, workers=1)
    scheduler = open_legs(setup)
    (plan,) = scheduler.next_plans(0.0, 1)
    assert scheduler.deadline_s(plan, 0.0) == 90.0
    scheduler.finish(plan, {"search": 0.3}, {})
    (plan,) = scheduler.next_plans(1.0, 1)
    assert scheduler.deadline_s(plan, 1.0) == 11.0
    assert scheduler.deadline_s(plan, 580.0) == 584.0


def test_a_resumed_run_plans_only_what_is_left() -> None:
    config = replace(CONFIG, unit="work")
    setup = make_setup(make_tasks(6), config, **{**TTT, "workers": 1})
    whole = [plan for _, _, plan in simulate(setup).items]
    resumed = open_legs(setup)
    for plan in whole[:4]:
        resumed.finish(plan, {}, {})
    assert resumed.next_plans(0.0, 9) == whole[4:]


def test_a_resumed_search_goes_on_with_the_next_round() -> None:
    setup = make_setup(make_tasks(2), replace(CONFIG, time_s=60.0), **SEARCH)
    plan = open_legs(setup).next_plans(0.0, 1)[0]
    later = open_legs(setup)
    later.finish(plan, {"search": 50.0}, {})
    rounds = {p.task_id: p.round for p in later.next_plans(0.0, 2)}
    assert rounds[plan.task_id] == 1 and sorted(rounds.values()) == [0, 1]
    assert later.state.search.used_s < 10.0, "what an earlier start used is not this one's"


def test_programs_are_written_once_for_tasks_without_a_convincing_one() -> None:
    config = replace(CONFIG, time_s=600.0, writing_s=30.0)
    tasks = [make_task(f"t{i:03}", i + 2) for i in range(4)]
    writing = open_writing(config, tasks, 5, 585.0, 2)
    scheduler = open_legs(make_setup(tasks, config, **TTT), writing)
    scheduler.judge("t001", FOUND)
    plans = scheduler.next_plans(0.0, 5)
    assert [(p.leg, p.task_id) for p in plans[:3]] == [
        ("write", "t000"), ("write", "t002"), ("write", "t003")
    ]  # fmt: skip
    assert all(p.leg == "ttt" for p in plans[3:])
    assert all("wait for programs" in plan.reason for plan in plans[:3])
    assert plans[0].search_s == 30.0 and scheduler.deadline_s(plans[0], 10.0) == 40.0
    scheduler.finish(plans[0], {"write": 3.0}, {})
    assert all(p.leg == "ttt" for p in scheduler.next_plans(1.0, 4))


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.booleans(), st.floats(0, 1), st.integers(0, 8)), max_size=6
    ),
    st.floats(10.0, 3000.0),
    st.integers(1, 4),
)
@settings(max_examples=25, deadline=None)
def test_a_board_kept_up_to_date_is_that_of_the_state(
    seen: list[tuple[float, bool, float, int]], time_s: float, workers: int
) -> None:
    setup = make_setup(make_tasks(6), BudgetConfig(time_s=time_s), workers=workers)
    scheduler, now_s = open_legs(setup), 0.0
    for margin, convinced, chance, votes in seen:
        for plan in scheduler.next_plans(now_s, workers):
            now_s += 1.0
            scheduler.finish(plan, {"search": 0.2, "sample": 1.0}, {"completions": 1})
            outlook = Outlook(margin, convinced, 0.5, chance, margin, margin / 2, votes)
            scheduler.judge(plan.task_id, outlook)
    kept, fresh = scheduler.board, open_board(scheduler.state)
    assert np.array_equal(kept.search_gain, fresh.search_gain)
    assert np.array_equal(kept.model_gain, fresh.model_gain)
    assert np.array_equal(kept.unsolved, fresh.unsolved)
    assert np.array_equal(kept.unseen, fresh.unseen)


def test_no_tasks_no_plans() -> None:
    assert open_legs(make_setup([])).next_plans(0.0, 2) == []


def test_four_hundred_tasks_are_decided_on_quickly() -> None:
    scheduler = open_legs(make_setup(make_tasks(400), replace(CONFIG, time_s=1e4), workers=2))
    began = time.process_time()
    for step in range(50):
        for plan in scheduler.next_plans(float(step), 2):
            scheduler.finish(plan, {"search": 0.3}, {})
            scheduler.judge(plan.task_id, Outlook(0.2))
    assert time.process_time() - began < 2.0
