"""Replays of synthetic traces: bounds, order, determinism, and that time is kept.

pytest tests/validate/test_replay.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.budget.legs import open_legs
from kit.budget.outlook import Outlook
from kit.budget.plan import Plan
from kit.budget.policy import Level, OrderedPolicy
from kit.budget.settings import BudgetConfig
from kit.budget.setup import LegsSetup, measure_tasks
from kit.rank.choose import RankConfig
from kit.validate.replay import Play, Player
from kit.validate.replay_fixed import (
    Amount,
    Amounts,
    Oracle,
    amounts_of,
    id_order,
    play_fixed,
    shortest_first,
)
from kit.validate.replay_world import World
from kit.validate.traces import TracedTask
from tests.validate.trace_makers import LEVELS, make_trace, make_traced, random_tasks

AMOUNTS = amounts_of(make_trace([]).head["levels"], LEVELS.score_views)


def scheduler(tasks: Sequence[TracedTask], stop_s: float, workers: int = 2) -> OrderedPolicy:
    """The kit's own policy over the recorded levels."""
    levels = [Level(s, v, n) for s in LEVELS.steps for v in LEVELS.views for n in (0, 4)]
    setup = LegsSetup(
        BudgetConfig(time_s=stop_s + 1.0),
        measure_tasks([held.task for held in tasks]),
        seed=0,
        stop_s=stop_s,
        workers=workers,
        batch_views=2,
        levels=tuple(levels),
    )
    return open_legs(setup)  # type: ignore[return-value]


def ours(tasks: Sequence[TracedTask], world: World, stop_s: float, workers: int = 2) -> Play:
    """The kit's scheduler, played."""
    return Player(scheduler(tasks, stop_s, workers), world, stop_s, workers).play()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([3.0, 11.0, 40.0, 160.0]), st.integers(1, 3))
def test_no_policy_exceeds_the_oracle(seed: int, stop_s: float, workers: int) -> None:
    tasks = random_tasks(seed, 5)
    world = World(tasks, RankConfig())
    order = shortest_first(world.tasks)
    plays = [play_fixed(order, amount, world, stop_s, workers) for amount in AMOUNTS[::7]]
    plays.append(ours(tasks, world, stop_s, workers))
    oracle = Oracle(world)
    for play in plays:
        oracle.learn(play)
    best = oracle.solved(stop_s, workers)
    assert all(play.solved <= best + 1e-9 for play in plays)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(range(0, len(AMOUNTS), 5)))
def test_more_budget_never_solves_less_of_a_growing_trace(seed: int, place: int) -> None:
    world = World(random_tasks(seed, 5), RankConfig())
    order = id_order(world.tasks, seed)
    budgets = (1.0, 4.0, 9.0, 25.0, 80.0, 250.0)
    solved = [play_fixed(order, AMOUNTS[place], world, s, 2).solved for s in budgets]
    oracle = Oracle(world)
    bounds = [oracle.solved(stop_s, 2) for stop_s in budgets]
    assert solved == sorted(solved)
    assert bounds == sorted(bounds)


def test_the_same_replay_gives_the_same_result() -> None:
    tasks = random_tasks(5, 6)
    plays = [ours(tasks, World(tasks, RankConfig()), 60.0) for _ in range(2)]
    assert plays[0] == plays[1]


def test_with_all_the_time_the_scheduler_solves_what_can_be_solved() -> None:
    tasks = random_tasks(3, 6)
    world = World(tasks, RankConfig())
    play = ours(tasks, world, 3000.0)
    assert play.solved == pytest.approx(Oracle(world).solved(3000.0, 2))


@pytest.mark.parametrize("scored", [True, False])
def test_a_recorded_plan_gives_the_recorded_result(scored: bool) -> None:
    (traced,) = tasks = [make_traced("a", 3, 1.0, 60)]
    world = World(tasks, RankConfig())
    for piece in traced.pieces:
        if piece.leg == "search":
            plan = Plan("a", leg="search", search_s=piece.search_s)
        else:
            plan = Plan(
                "a", piece.seed, num_steps=piece.steps, num_test_views=piece.views,
                num_score_views=4 if scored else 0,
            )  # fmt: skip
        wanted = piece if scored or piece.leg == "search" else piece.unscored()
        policy = OrderedPolicy([plan], 1e6)
        play = Player(policy, world, 1e6, 1).play()
        (step,) = play.steps
        assert play.done["a"] == (wanted,)
        assert play.shares["a"] == wanted.right
        assert step.ended_s == pytest.approx(wanted.seconds)
        assert not step.cut


def test_a_plan_between_levels_is_rounded_down() -> None:
    world = World([make_traced("a", 3, 1.0, 60)], RankConfig())
    plan = Plan("a", num_steps=59, num_test_views=7, num_score_views=1)
    outcome = world.outcome(plan, 1e6, ())
    assert outcome.piece is not None
    assert (outcome.piece.steps, outcome.piece.views) == (30, 4)
    search = world.outcome(Plan("a", leg="search", search_s=2.5), 1e6, ())
    assert search.piece is not None
    assert (search.piece.search_s, search.seconds) == (1.0, 2.5)
    assert world.outcome(Plan("a", leg="search", search_s=0.2), 1e6, ()).piece is None


def test_a_round_that_was_not_recorded_gets_another_adapter_or_nothing_new() -> None:
    world = World([make_traced("a", 3, 99.0, 999)], RankConfig())
    plans = [
        Plan("a", round_, num_steps=60, num_test_views=8, num_score_views=4) for round_ in range(4)
    ]
    play = Player(OrderedPolicy(plans, 1e6), world, 1e6, 1).play()
    assert [(p.seed, p.steps) for p in play.done["a"]] == [(0, 60), (1, 60), (0, 30), (0, 0)]
    more = [*plans, Plan("a", 4, num_steps=60, num_test_views=8, num_score_views=4)]
    longer = Player(OrderedPolicy(more, 1e6), world, 1e6, 1).play()
    assert len(longer.done["a"]) == 4
    assert longer.steps[-1].ended_s > play.steps[-1].ended_s


def test_what_is_cut_brings_the_largest_level_that_fits() -> None:
    tasks = [make_traced("a", 3, 99.0, 60)]
    world = World(tasks, RankConfig())
    plan = Plan("a", num_steps=60, num_test_views=8, num_score_views=4)
    whole = world.outcome(plan, 1e6, ())
    cut = world.outcome(plan, whole.seconds - 0.01, ())
    assert cut.cut and cut.piece is not None
    assert (cut.piece.steps, cut.piece.views) == (60, 4)
    assert cut.seconds == pytest.approx(whole.seconds - 0.01)
    assert world.outcome(plan, 0.001, ()).piece is None


class _Watching(OrderedPolicy):
    """Notes when it is asked and told."""

    def __init__(self, plans: Sequence[Plan], stop_s: float) -> None:
        super().__init__(plans, stop_s)
        self.told: list[tuple[str, str]] = []
        self.most = 0

    def next_plans(self, now_s: float, free: int, free_search: int = 0) -> list[Plan]:
        self.most = max(self.most, free)
        return super().next_plans(now_s, free, free_search)

    def finish(
        self,
        plan: Plan,
        stage_s: Mapping[str, float],
        counts: Mapping[str, int],
        cut: bool = False,
        lost: bool = False,
    ) -> None:
        self.told.append(("finish", plan.task_id))

    def judge(self, task_id: str, outlook: Outlook) -> None:
        self.told.append(("judge", task_id))


def test_workers_are_never_more_than_there_are_and_time_never_runs_over() -> None:
    tasks = random_tasks(9)
    world = World(tasks, RankConfig())
    plans = [p for t in world.tasks for p in Amount(1.0, Level(30, 4, 4)).plans(t.task_id)]
    policy = _Watching(plans, 20.0)
    play = Player(policy, world, 20.0, 3).play()
    assert policy.most == 3
    assert policy.told[::2] == [("finish", name) for _, name in policy.told[::2]]
    assert [a[1] for a in policy.told[::2]] == [b[1] for b in policy.told[1::2]]
    assert max(step.ended_s for step in play.steps) <= 20.0 + 1e-6
    instants = sorted((s.began_s, s.ended_s) for s in play.steps)
    for began_s, _ in instants:
        assert sum(b <= began_s < e for b, e in instants) <= 3


def test_the_best_amount_is_found() -> None:
    world = World([make_traced(f"t{i}", 3, 1.0, 999) for i in range(4)], RankConfig())
    order = shortest_first(world.tasks)
    assert Amounts(AMOUNTS, world).best(order, 100.0, 1) == Amount(1.0)
    slow = [make_traced(f"t{i}", 3, 99.0, 30, 0.1) for i in range(4)]
    world = World(slow, RankConfig())
    found = Amounts(AMOUNTS, world).best(shortest_first(world.tasks), 100.0, 1)
    assert found.level is not None and found.level.num_steps == 30


def test_amounts_are_rated_as_they_are_played() -> None:
    world = World(random_tasks(11, 5), RankConfig())
    order = id_order(world.tasks, 1)
    amounts = Amounts(AMOUNTS, world)
    for amount in AMOUNTS[::9]:
        # With all the time nothing is cut, which is all that the two do not share.
        played = play_fixed(order, amount, world, 1e6, 2).solved
        assert amounts.solved(amount, order, 1e6, 2) == pytest.approx(played)
        assert amounts.solved(amount, order, 10.0, 2) <= play_fixed(
            order, amount, world, 10.0, 2
        ).solved + 1e-9  # fmt: skip


def test_ids_are_shuffled_for_other_seeds_only() -> None:
    tasks = [held.task for held in random_tasks(1)]
    names = sorted(task.task_id for task in tasks)
    assert id_order(tasks, 0) == names
    assert id_order(tasks, 1) != names
    assert sorted(id_order(tasks, 1)) == names
    assert id_order(tasks, 1) == id_order(tasks[::-1], 1)
