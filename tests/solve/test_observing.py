"""What an adapter is observed to know of its own task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.budget.plan import Plan
from kit.encode.cells import CellEncoding
from kit.generate.decode import GenerateConfig
from kit.solve.observing import MOST_HELD, last_loss
from kit.solve.phases import solve_item
from kit.solve.toolbox import Toolbox
from kit.solve.work import WorkItem, WorkResult
from tests.fakes import FakeClock, MemorisingTrainer, ScriptedSampler

GRIDS: tuple[Grid, ...] = (((1, 2), (3, 4)), ((5, 6),), ((7,), (8,)), ((9, 0, 9),))
TASK = Task("t", tuple(Pair(grid, grid) for grid in GRIDS), (GRIDS[0],))
PLAN = Plan("t", num_train_views=8, num_steps=20, num_test_views=2, seed=3)


def solve(
    tmp_path: Path, sampler: ScriptedSampler, plan: Plan = PLAN, task: Task = TASK, s: float = 1e9
) -> WorkResult:
    clock = sampler.clock = FakeClock()
    trainer = MemorisingTrainer(clock=clock)
    tools = Toolbox(CellEncoding(), trainer, sampler, AugmentConfig(), GenerateConfig(), tmp_path)
    return solve_item(WorkItem(task, plan, s), tools, clock)


def test_a_learned_rule_is_seen_and_an_unlearned_one_too(tmp_path: Path) -> None:
    assert solve(tmp_path, ScriptedSampler()).observed["held_chance"] == 1.0
    wrong = ScriptedSampler(rule=lambda query, request: tuple((0,) * len(row) for row in query))
    observed = solve(tmp_path, wrong).observed
    assert observed["held_chance"] < 0.1
    assert len([r for r in wrong.scored if len(r.key) == 1]) == MOST_HELD


def test_every_demonstration_is_asked_behind_the_others_only(tmp_path: Path) -> None:
    sampler = ScriptedSampler()
    solve(tmp_path, sampler)
    asked = {r.key[0]: r for r in sampler.scored if len(r.key) == 1}
    encoding = CellEncoding()
    for index, request in asked.items():
        answer = encoding.answer_tokens(TASK.train[index].output)
        assert request.answers[0].tolist() == answer.tolist()
        assert request.adapter is not None
        assert len(request.prompt.output_spans) == len(TASK.train) - 1


def test_what_was_read_for_it_is_counted(tmp_path: Path) -> None:
    sampler = ScriptedSampler()
    counts = solve(tmp_path, sampler).counts
    asked = [r for r in sampler.scored if len(r.key) == 1]
    assert counts["check_tokens"] == sum(len(r.prompt) + len(r.answers[0]) for r in asked) > 0
    broken = solve(tmp_path, ScriptedSampler(score_fail=ZeroDivisionError("odd"))).counts
    assert "check_tokens" not in broken


def test_nothing_is_asked_without_training(tmp_path: Path) -> None:
    result = solve(tmp_path, ScriptedSampler(), replace(PLAN, num_steps=0))
    assert result.observed == {} and "check" not in result.stage_s


def test_a_single_demonstration_cannot_be_held_out(tmp_path: Path) -> None:
    result = solve(tmp_path, ScriptedSampler(), task=replace(TASK, train=TASK.train[:1]))
    assert "held_chance" not in result.observed


def test_a_failing_check_costs_nothing_but_the_observation(tmp_path: Path) -> None:
    result = solve(tmp_path, ScriptedSampler(score_fail=ZeroDivisionError("odd")))
    assert result.failure is None and result.candidates
    assert "held_chance" not in result.observed


def test_too_little_time_notes_nothing_rather_than_a_part(tmp_path: Path) -> None:
    sampler = ScriptedSampler(second_s=1.0)
    result = solve(tmp_path, sampler, s=15.0)
    assert "held_chance" not in result.observed and result.candidates


def test_the_last_loss_is_that_of_the_last_tenth() -> None:
    losses = tuple(float(step) for step in range(100))
    assert last_loss(losses) == pytest.approx(94.5)
    assert last_loss((3.0,)) == 3.0
