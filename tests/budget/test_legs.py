"""Decisions of the kit's policy, on simulated runs with a fake clock.

pytest tests/budget/test_legs.py
"""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.budget.board import SETTLED_MARGIN
from kit.budget.cost import unmeasured_rates
from kit.budget.legs import open_legs
from kit.budget.outlook import Outlook
from kit.budget.plan import SHARED, Plan
from kit.budget.policy import Level
from kit.budget.state import HAND_IN_S
from kit.budget.value_prior import PRIOR
from tests.budget.simulation import CONFIG, Log, World, make_setup, make_tasks, simulate

TTT = {"has_search": False, "workers": 2}
SEARCH = {"has_model": False, "workers": 2}
FOUND = Outlook(0.9, convinced=True, promise=1.0, chance=0.95)


def test_with_plenty_every_task_gets_the_full_plan() -> None:
    log = simulate(make_setup(make_tasks(20), replace(CONFIG, time_s=1e6, rounds=1), **TTT))
    assert sorted(p.task_id for p in log.plans("ttt")) == [f"t{i:03}" for i in range(20)]
    levels = {(p.num_steps, p.num_test_views, p.num_score_views) for p in log.plans("ttt")[2:]}
    assert levels == {(32, 8, 4)}


def test_a_model_with_workers_of_its_own_sees_every_task_before_it_sees_one_again() -> None:
    """The table was fitted with a model that large tasks are too much for; others may do better."""
    tasks = make_tasks(30)
    log = simulate(make_setup(tasks, replace(CONFIG, time_s=4000.0), workers=2, searchers=2))
    rounds = [plan.round for plan in log.plans("ttt")]
    assert max(rounds) > 0, "there was time for more"
    assert rounds.index(1) >= len(tasks)
    assert len({plan.task_id for plan in log.plans("ttt", 0)}) == len(tasks)


def test_what_waits_behind_others_has_less_time() -> None:
    """Where more plans are taken at once than there are workers, as rounds on GPUs do."""
    setup = make_setup(make_tasks(40), replace(CONFIG, time_s=120.0), has_search=False)
    scheduler = open_legs(setup)
    first = scheduler.next_plans(0.0, 1)[0]
    counts = {"steps": first.num_steps, "completions": first.num_test_views}
    prior = unmeasured_rates(setup.model_bytes, setup.threads)
    scheduler.finish(first, World().stages(first, scheduler, prior), counts)
    given = scheduler.next_plans(10.0, 40)
    predicted_s = sum(map(scheduler.predicted_s, given))
    assert len(given) > 1
    assert predicted_s <= 1.1 * setup.stop_s, "they would not all have ended in time"


@pytest.mark.parametrize("legs", ["ttt", "search", "both"])
@pytest.mark.parametrize("speed", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("time_s", [30.0, 600.0])
def test_the_run_ends_in_time_on_fast_and_slow_machines(
    legs: str, speed: float, time_s: float
) -> None:
    changes = {"ttt": TTT, "search": SEARCH, "both": {"workers": 2}}[legs]
    config = replace(CONFIG, time_s=time_s)
    log = simulate(make_setup(make_tasks(60), config, **changes), World(speed))
    assert log.end_s() <= config.stop_after_s() - 1.0
    assert max((e for _, e, _ in log.of("ttt")), default=0.0) <= time_s - HAND_IN_S


@pytest.mark.parametrize("time_s", [60.0, 600.0])
def test_the_time_is_used(time_s: float) -> None:
    config = replace(CONFIG, time_s=time_s)
    log = simulate(make_setup(make_tasks(200), config, workers=2))
    assert log.seconds("search") + log.seconds("ttt") > 0.9 * 2 * config.stop_after_s()


def test_every_task_has_its_first_look_before_any_has_a_second() -> None:
    tasks = make_tasks(100)
    log = simulate(make_setup(tasks, replace(CONFIG, time_s=300.0), workers=2))
    first = [plan for _, _, plan in log.items[:100]]
    assert [plan.leg for plan in first] == ["search"] * 100
    assert {plan.task_id for plan in first} == {task.task_id for task in tasks}
    sides = {task.task_id: len(task.test[0]) for task in tasks}
    assert [sides[plan.task_id] for plan in first] == sorted(sides.values())


def test_a_short_run_shortens_the_first_looks() -> None:
    slices = [
        plan.search_s
        for time_s in (20.0, 200.0)
        for plan in simulate(
            make_setup(make_tasks(200), replace(CONFIG, time_s=time_s), **SEARCH)
        ).plans("search", 0)
    ]
    assert len(slices) == 400
    assert max(slices[:200]) < 0.2 and set(slices[200:]) == {0.3}


def test_later_searches_grow_and_go_to_tasks_without_a_convincing_program() -> None:
    def judge(plan: Plan) -> Outlook:
        return FOUND if int(plan.task_id[1:]) < 50 else Outlook(0.1, promise=0.5)

    config = replace(CONFIG, time_s=600.0)
    log = simulate(make_setup(make_tasks(200), config, **SEARCH), World(judge=judge))
    again = {plan.task_id for _, _, plan in log.of("search") if plan.round > 0}
    assert again and all(int(name[1:]) >= 50 for name in again)
    by_task: dict[str, list[float]] = {}
    for plan in log.plans("search"):
        by_task.setdefault(plan.task_id, []).append(plan.search_s)
    for slices in by_task.values():
        assert all(1.49 <= b / a <= 8.01 for a, b in itertools.pairwise(slices))


def test_what_was_searched_to_the_end_is_left_alone_and_the_run_ends() -> None:
    world = World(search_s=lambda plan: 0.1)
    log = simulate(make_setup(make_tasks(10), replace(CONFIG, time_s=600.0), **SEARCH), world)
    assert len(log.items) == 10


def test_a_run_ends_when_all_programs_convince() -> None:
    world = World(judge=lambda plan: FOUND)
    log = simulate(make_setup(make_tasks(5), replace(CONFIG, time_s=600.0), **SEARCH), world)
    assert len(log.items) == 5


def model_seconds(judge_ttt: Outlook) -> float:
    """What training gets beside the search when its answers look like this."""

    def judge(plan: Plan) -> Outlook:
        return judge_ttt if plan.leg == "ttt" else Outlook(0.1, promise=0.4)

    config = replace(CONFIG, time_s=600.0, training_share=0.05)
    # A model whose agreement may be believed, unlike the bundled one's.
    setup = make_setup(make_tasks(200), config, workers=2, table=PRIOR)
    return simulate(setup, World(judge=judge)).seconds("ttt")


def test_shares_follow_from_what_work_has_brought() -> None:
    weak = model_seconds(Outlook(0.1, share=0.2, votes=8))
    strong = model_seconds(Outlook(1.0, share=1.0, lead=1.0, votes=8, held_chance=1.0))
    whole_s = 2 * CONFIG.stop_after_s()
    assert 0.03 * whole_s < weak < 0.25 * whole_s, "its share is measured, little more"
    assert strong > 2 * weak


def test_the_share_of_training_can_be_nothing_while_the_search_has_work() -> None:
    config = replace(CONFIG, time_s=60.0, training_share=0.0)
    world = World(judge=lambda plan: Outlook(0.1, promise=0.4))
    log = simulate(make_setup(make_tasks(200), config, workers=2), world)
    assert log.seconds("ttt") < 0.1 * log.seconds("search")


def test_views_that_agree_end_the_work_and_others_get_a_second_chance() -> None:
    def judge(plan: Plan) -> Outlook:
        agree = int(plan.task_id[1:]) < 5
        return Outlook(SETTLED_MARGIN if agree else 0.2, share=1.0 if agree else 0.4, votes=8)

    config = replace(CONFIG, time_s=1e5, rounds=3)
    log = simulate(make_setup(make_tasks(10), config, **TTT), World(judge=judge))
    assert len(log.of("ttt", 0)) == 10
    for round_ in (1, 2):
        assert {p.task_id for p in log.plans("ttt", round_)} == {f"t{i:03}" for i in range(5, 10)}
    assert log.of("ttt", 3) == []
    assert len({plan.seed for plan in log.plans("ttt")}) == len(log.items)


def test_a_small_budget_trains_some_tasks_rather_than_touching_all() -> None:
    tasks = make_tasks(200)
    log = simulate(make_setup(tasks, replace(CONFIG, time_s=120.0), **TTT))
    trained = [plan for plan in log.plans("ttt") if plan.num_steps]
    assert 10 <= len(trained) < len(tasks)
    assert all(plan.num_steps >= CONFIG.min_steps for plan in trained)
    assert all(plan.num_test_views >= CONFIG.min_test_views for plan in log.plans("ttt"))


def test_the_base_model_is_asked_only_where_there_is_no_time_to_train() -> None:
    log = simulate(make_setup(make_tasks(30), replace(CONFIG, time_s=20000.0, rounds=2), **TTT))
    first = {plan.task_id for plan in log.plans("ttt", 0) if not plan.num_steps}
    assert len(first) <= 2, "the first two, to see what work costs"
    assert all(plan.num_steps for _, _, plan in log.of("ttt") if plan.round > 0)


def test_searchers_of_their_own_work_beside_training() -> None:
    config = replace(CONFIG, time_s=120.0, rounds=1)
    log = simulate(make_setup(make_tasks(100), config, workers=1, searchers=3))
    assert log.of("search")[0][0] == log.of("ttt")[0][0] == 0.0
    assert log.seconds("search") > 0.8 * 3 * 114
    assert log.seconds("ttt") > 0.8 * 114


def test_the_shared_adapter_comes_after_the_first_searches_and_before_any_task() -> None:
    config = replace(CONFIG, time_s=600.0)
    log = simulate(make_setup(make_tasks(20), config, workers=2, shared=True))
    order = [(p.leg, p.task_id == SHARED) for _, _, p in log.items]
    assert order[:20] == [("search", False)] * 20
    assert [shared for leg, shared in order if leg == "ttt"].index(True) == 0
    assert all(plan.num_steps == 0 for plan in log.plans("ttt")[1:])
    alone = simulate(make_setup(make_tasks(3), config, **TTT, shared=True))
    assert [plan.task_id == SHARED for plan in alone.plans("ttt")][:2] == [True, False]


@pytest.mark.parametrize("changes", [TTT, SEARCH, {"workers": 2}])
def test_units_of_work_ignore_the_clock_and_everything_measured(changes: dict) -> None:
    config = replace(CONFIG, unit="work", rounds=2, time_s=1.0, search_nodes=1000)
    logs: list[Log] = []
    for speed in (0.01, 100.0):
        setup = make_setup(make_tasks(12), config, **{**changes, "workers": 1})
        logs.append(simulate(setup, World(speed, judge=lambda plan: FOUND)))
        assert logs[-1].cut == []
    plans = [[plan for _, _, plan in log.items] for log in logs]
    assert plans[0] == plans[1]
    assert {p.search_nodes for p in plans[0] if p.leg == "search"} <= {1000, 4000}
    many = simulate(make_setup(make_tasks(12), config, **{**changes, "workers": 5}))
    key = lambda plan: (plan.leg, plan.task_id, plan.round)  # noqa: E731
    assert sorted((p for _, _, p in many.items), key=key) == sorted(plans[0], key=key)


def test_only_the_levels_that_were_given_are_planned() -> None:
    levels = (Level(0, 4), Level(16, 4), Level(16, 16, 8))
    setup = make_setup(make_tasks(30), replace(CONFIG, time_s=900.0), **TTT, levels=levels)
    plans = simulate(setup).plans("ttt")
    planned = {Level(p.num_steps, p.num_test_views, p.num_score_views) for p in plans}
    assert planned and planned <= set(levels)


def test_only_the_searches_that_were_given_are_planned() -> None:
    slices = (0.2, 1.0, 3.0, 10.0)
    setup = make_setup(make_tasks(30), replace(CONFIG, time_s=300.0), **SEARCH, slices_s=slices)
    planned = {plan.search_s for plan in simulate(setup).plans("search")}
    assert {0.2, 1.0} < planned <= set(slices)


@given(
    st.integers(0, 10**6),
    st.floats(8.0, 900.0),
    st.floats(0.02, 20.0),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from(["ttt", "search", "both"]),
)
@settings(max_examples=40, deadline=None)
def test_whatever_happens_the_run_ends_in_time_and_no_plan_is_made_twice(
    seed: int, time_s: float, speed: float, workers: int, searchers: int, legs: str
) -> None:
    rng = random.Random(seed)

    def judge(plan: Plan) -> Outlook:
        return Outlook(
            rng.random(), rng.random() < 0.2, rng.random(), rng.random(), rng.random(),
            rng.random(), rng.randrange(9), rng.random() < 0.5, rng.choice([None, rng.random()]),
        )  # fmt: skip

    world = World(
        speed,
        noise=0.9,
        judge=judge,
        search_s=lambda plan: plan.search_s * rng.choice([0.3, 1.0, 1.0, 1.1]),
        fault=lambda plan: rng.choice(["", "", "", "", "lost", "cut", "memory"]),
    )
    config = replace(CONFIG, time_s=time_s)
    both = {"has_model": legs != "search", "has_search": legs != "ttt"}
    setup = make_setup(make_tasks(12, seed), config, workers=workers, searchers=searchers, **both)
    log = simulate(setup, world)
    assert log.end_s() <= config.stop_after_s()
    keys = [(p.leg, p.task_id, p.round) for _, _, p in log.items]
    assert len(keys) == len(set(keys))
    for leg, name in {(leg, name) for leg, name, _ in keys}:
        rounds = [round_ for leg_, name_, round_ in keys if (leg_, name_) == (leg, name)]
        assert rounds == list(range(len(rounds))), "one after another"
    wanted = {name for name, on in (("ttt", both["has_model"]), ("search", legs != "ttt")) if on}
    assert {p.leg for _, _, p in log.items} <= wanted


def test_every_plan_says_why() -> None:
    log = simulate(make_setup(make_tasks(20), replace(CONFIG, time_s=300.0), workers=2))
    reasons = [plan.reason for _, _, plan in log.items]
    assert all(reasons) and any("a second" in reason for reason in reasons)
