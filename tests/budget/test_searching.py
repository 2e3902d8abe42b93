"""When tasks are searched, checked on simulated runs with a fake clock."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from kit.arc.task import Pair, Task
from kit.budget.legs import LegScheduler, Outlook
from kit.budget.plan import Plan
from kit.budget.scheduler import open_scheduler
from kit.budget.searching import open_search
from kit.budget.settings import BudgetConfig
from kit.budget.writing import open_writing

CONFIG = BudgetConfig(num_steps=8, min_steps=4, num_test_views=4, num_score_views=0)


def make_tasks(count: int) -> list[Task]:
    """Tasks of growing size."""
    tasks = []
    for number in range(count):
        grid = ((1,) * (2 + number % 29),) * 3
        tasks.append(Task(f"t{number:03}", (Pair(grid, grid),) * 3, (grid,)))
    return tasks


@dataclass
class Log:
    """What a simulated run did: (start, end, plan), by start."""

    items: list[tuple[float, float, Plan]] = field(default_factory=list)

    def of(self, leg: str, round_: int | None = None) -> list[tuple[float, float, Plan]]:
        return [
            item for item in self.items
            if item[2].leg == leg and round_ in (None, item[2].round)
        ]  # fmt: skip

    def seconds(self, leg: str) -> float:
        return sum(end - start for start, end, _ in self.of(leg))


def simulate(
    tasks: list[Task],
    config: BudgetConfig,
    legs: str = "search",
    workers: int = 2,
    apart: int = 0,
    overhead_s: float = 0.01,
    ready_s: float = 1.0,
    judge: Callable[[Plan], Outlook] = lambda plan: Outlook(0.2),
    seconds: Callable[[Plan], float] = lambda plan: plan.search_s or 1.5,
) -> Log:
    """Run a whole budget; a slice takes what it is given unless `seconds` says otherwise."""
    stop_s = config.stop_after_s()
    searchers = apart or workers
    share = config.search_share if legs == "both" and not apart else 1.0
    search = open_search(config, tasks, 7, stop_s, searchers, share * searchers * stop_s)
    ttt = open_scheduler(config, tasks, 7, stop_s, workers) if legs == "both" else None
    ttt_share_s = config.training_share * workers * stop_s
    scheduler = LegScheduler(ttt, search, apart=apart > 0, ttt_share_s=ttt_share_s)
    log, now_s, running = Log(), 0.0, []
    free = Counter(any=workers, search=apart)
    while True:
        for plan in scheduler.next_plans(now_s, free["any"], free["search"]):
            lane = "search" if apart and plan.leg == "search" else "any"
            free[lane] -= 1
            start_s = max(now_s, ready_s)
            deadline_s = scheduler.deadline_s(plan, now_s)
            end_s = min(deadline_s, start_s + seconds(plan))
            log.items.append((start_s, end_s, plan))
            heapq.heappush(
                running, (end_s + overhead_s, len(log.items), lane, plan, end_s - start_s)
            )
        if not running:
            return log
        now_s, _, lane, plan, took_s = heapq.heappop(running)
        free[lane] += 1
        if plan.leg == "search":
            over = took_s < plan.search_s - 1e-6
            scheduler.finish(plan, {"search": took_s}, {"search_over": int(over)})
        else:
            stage_s = {"train": took_s * 0.7, "sample": took_s * 0.3}
            counts = {"steps": plan.num_steps, "completions": 1}
            scheduler.finish(plan, stage_s, counts)
        scheduler.judge(plan.task_id, judge(plan))


def test_a_minute_for_four_hundred_tasks_gives_each_a_slice_and_is_used() -> None:
    tasks = make_tasks(400)
    log = simulate(tasks, replace(CONFIG, time_s=60.0))
    first = log.of("search", 0)
    assert {plan.task_id for _, _, plan in first} == {task.task_id for task in tasks}
    slices = [plan.search_s for _, _, plan in first]
    assert min(slices) >= 0.18 and max(slices) <= 0.3
    assert max(end for _, end, _ in log.items) <= CONFIG.stop_after_s()
    assert log.seconds("search") > 0.85 * 2 * 56


def test_a_run_ends_when_all_programs_convince() -> None:
    log = simulate(
        make_tasks(5), replace(CONFIG, time_s=600.0), judge=lambda plan: Outlook(0.9, True, 1.0)
    )
    assert len(log.items) == 5


def test_small_tasks_are_searched_first() -> None:
    log = simulate(make_tasks(29), replace(CONFIG, time_s=60.0))
    assert [plan.task_id for _, _, plan in log.of("search", 0)] == [f"t{i:03}" for i in range(29)]


def test_ten_minutes_go_to_longer_slices_for_the_unsolved_in_order_of_promise() -> None:
    tasks = make_tasks(400)

    def judge(plan: Plan) -> Outlook:
        number = int(plan.task_id[1:])
        return Outlook(0.9 if number < 100 else 0.1, number < 100, number / 400)

    log = simulate(tasks, replace(CONFIG, time_s=600.0), judge=judge)
    second = [plan for _, _, plan in log.of("search", 1)]
    assert {plan.task_id for plan in second} == {f"t{i:03}" for i in range(100, 400)}
    assert [plan.task_id for plan in second] == [f"t{i:03}" for i in range(399, 99, -1)]
    assert all(plan.search_s >= 1.5 for plan in second)
    assert log.seconds("search") > 0.95 * 2 * 585
    # Every task's slices grow: what is shorter would only repeat the one before.
    by_task: dict[str, list[float]] = {}
    for _, _, plan in log.items:
        by_task.setdefault(plan.task_id, []).append(plan.search_s)
    for slices in by_task.values():
        assert all(b >= 1.49 * a for a, b in itertools.pairwise(slices))


def test_what_was_searched_to_the_end_is_left_alone() -> None:
    config = replace(CONFIG, time_s=600.0)
    log = simulate(make_tasks(10), config, seconds=lambda plan: 0.1)
    assert len(log.items) == 10, "and the run ends"


@pytest.mark.parametrize("time_s", [60.0, 600.0, 7200.0])
def test_training_gets_its_share_and_the_search_what_is_left(time_s: float) -> None:
    config = replace(CONFIG, time_s=time_s, rounds=1)
    log = simulate(make_tasks(60), config, "both")
    until_s = log.of("ttt")[0][0]
    before = sum(end - start for start, end, plan in log.items if start < until_s)
    assert before <= 0.5 * 2 * config.stop_after_s() + 60
    assert {plan.task_id for _, _, plan in log.of("search", 0)} == {f"t{i:03}" for i in range(60)}
    if time_s == 7200.0:
        last_ttt_s = max(start for start, _, _ in log.of("ttt"))
        assert any(start > last_ttt_s for start, _, _ in log.of("search")), "nothing is wasted"


def test_convincing_programs_wait_for_training_until_the_others_had_theirs() -> None:
    def judge(plan: Plan) -> Outlook:
        return Outlook(0.5, convinced=int(plan.task_id[1:]) % 2 == 0)

    log = simulate(make_tasks(20), replace(CONFIG, time_s=600.0, rounds=1), "both", judge=judge)
    order = [int(plan.task_id[1:]) % 2 for _, _, plan in log.of("ttt")]
    assert order == [1] * 10 + [0] * 10


def test_the_share_can_be_nothing_or_everything() -> None:
    none = simulate(make_tasks(6), replace(CONFIG, time_s=60.0, search_share=0.0), "both")
    assert none.items[0][2].leg == "ttt"
    config = replace(CONFIG, time_s=30.0, search_share=1.0, search_slices_s=(60.0,))
    assert not simulate(make_tasks(6), config, "both").of("ttt")


def test_the_search_goes_on_when_training_has_had_its_share() -> None:
    config = replace(CONFIG, time_s=120.0, rounds=1, training_share=0.1)
    log = simulate(make_tasks(60), config, "both", seconds=lambda plan: plan.search_s or 1.5)
    first_ttt_s = log.of("ttt")[0][0]
    later = [start for start, _, _ in log.of("search") if start > first_ttt_s]
    assert later, "the search goes on"
    trained = sum(end - start for start, end, _ in log.of("ttt") if start < later[0])
    whole_s = 2 * config.stop_after_s()
    assert 0.05 * whole_s < trained < 0.1 * whole_s + 3
    assert max(end for _, end, _ in log.items) <= config.stop_after_s()


def test_searchers_of_their_own_work_beside_training() -> None:
    config = replace(CONFIG, time_s=120.0, rounds=1)
    log = simulate(make_tasks(100), config, "both", workers=1, apart=3, ready_s=0.0)
    assert log.of("search")[0][0] == log.of("ttt")[0][0] == 0.0
    assert log.seconds("search") > 0.8 * 3 * 114, "all cores, to the end"


def test_a_first_slice_waits_for_slow_workers_but_no_later_one() -> None:
    config = replace(CONFIG, time_s=600.0)
    tasks = make_tasks(4)
    state = open_search(config, tasks, 0, 585.0, 1)
    scheduler = LegScheduler(None, state)
    (plan,) = scheduler.next_plans(0.0, 1)
    assert scheduler.deadline_s(plan, 0.0) == 90.0
    scheduler.finish(plan, {"search": 0.3}, {})
    (plan,) = scheduler.next_plans(1.0, 1)
    assert scheduler.deadline_s(plan, 1.0) == 11.0
    assert scheduler.deadline_s(plan, 580.0) == 584.0


def test_units_of_work_are_nodes_whatever_the_clock_says() -> None:
    config = replace(CONFIG, unit="work", rounds=2, search_nodes=1000)
    seen = []
    for now_s in (0.0, 1e9):
        scheduler = LegScheduler(None, open_search(config, make_tasks(3), 5, 1.0, 2))
        plans = scheduler.next_plans(now_s, 9)
        for plan in plans:
            scheduler.finish(plan, {"search": now_s}, {})
        again = scheduler.next_plans(now_s, 9)
        assert [p.search_nodes for p in (*plans, *again)] == [1000] * 3 + [4000] * 3
        assert all(p.search_s == 0 for p in plans)
        assert scheduler.deadline_s(plans[0], now_s) == float("inf")
        seen.append((plans, again))
    assert seen[0] == seen[1]


def test_a_resumed_search_goes_on_with_the_next_round_and_all_of_its_time() -> None:
    config, tasks = replace(CONFIG, time_s=60.0), make_tasks(2)
    first = LegScheduler(None, open_search(config, tasks, 5, 57.0, 1, 57.0))
    (plan, _) = first.next_plans(0.0, 2)
    later = LegScheduler(None, open_search(config, tasks, 5, 57.0, 1, 57.0))
    later.finish(plan, {"search": 50.0}, {})
    rounds = {p.task_id: p.round for p in later.next_plans(0.0, 2)}
    assert rounds == {"t000": 1, "t001": 0}


def test_programs_are_written_once_for_tasks_without_a_convincing_one() -> None:
    config = replace(CONFIG, time_s=600.0, writing_s=30.0)
    tasks = make_tasks(4)
    writing = open_writing(config, tasks, 5, 585.0, 2)
    scheduler = LegScheduler(open_scheduler(config, tasks, 5, 585.0, 2), writing=writing)
    scheduler.judge("t001", Outlook(0.9, convinced=True))
    plans = scheduler.next_plans(0.0, 5)
    assert [(p.leg, p.task_id) for p in plans[:3]] == [
        ("write", "t000"), ("write", "t002"), ("write", "t003")
    ]  # fmt: skip
    assert all(p.leg == "ttt" for p in plans[3:])
    assert plans[0].search_s == 30.0 and scheduler.deadline_s(plans[0], 10.0) == 40.0
    scheduler.finish(plans[0], {"write": 3.0}, {})
    assert all(p.leg == "ttt" for p in scheduler.next_plans(1.0, 4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(search_share=1.5), "search_share must be 0 to 1, got 1.5"),
        (dict(training_share=-0.5), "training_share must be 0 to 1, got -0.5"),
        (dict(search_slices_s=()), "one or more seconds"),
        (dict(search_slices_s=(1.0, 0.0)), "one or more seconds"),
        (dict(search_nodes=0), "search_nodes must be 1 or more"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)  # type: ignore[arg-type]
