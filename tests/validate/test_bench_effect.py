"""The effect of training: paired counts, intervals, and a file that is gone on with.

pytest tests/validate/test_bench_effect.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kit.arc.solutions import dataset_solutions
from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.budget.settings import BudgetConfig
from kit.encode.cells import CellEncoding
from kit.generate.decode import GenerateConfig
from kit.rank.choose import RankConfig
from kit.solve.toolbox import SolveConfig, Toolbox, ToolboxSettings
from kit.validate import bench_effect, bench_effect_run
from kit.validate.bench_effect_run import (
    BASE,
    TTT,
    Answer,
    Job,
    Method,
    Outcome,
    OutcomeFile,
)
from kit.validate.bench_report import BenchSettings, Machine
from tests.fakes import MemorisingTrainer, ScriptedSampler

MACHINE = Machine("a CPU", 1, 1, "2", 1e9, 1e9)
GRID = ((1, 2), (3, 4))


def outcome(task_id: str, arm: str, solved: bool, seed: int = 0) -> Outcome:
    """One output, answered like this."""
    return Outcome(seed, task_id, arm, (solved,), (True,), 1.0)


@pytest.fixture
def settings(tmp_path: Path) -> BenchSettings:
    """A model folder with nothing in it, and small plans."""
    toolbox = ToolboxSettings(solve=SolveConfig(model=tmp_path))
    budget = BudgetConfig(num_steps=3, num_train_views=8, num_test_views=4)
    return BenchSettings(toolbox, budget, RankConfig(), 0, (), 1)


def arguments(tmp_path: Path, **changed: object) -> argparse.Namespace:
    """Two tasks, two seeds."""
    options = {"limit": 2, "seeds": 2, "workers": 1, "out": tmp_path / "out" / "effect.jsonl"}
    return argparse.Namespace(**{**options, **changed})


class Answering:
    """In the place of `work_off`: without training all is wrong, with it all is right."""

    def __init__(self, die_after: int | None = None) -> None:
        self.seen: list[tuple[int, str]] = []
        self._die_after = die_after
        self._solutions = dataset_solutions("arc1-train")

    def __call__(
        self, jobs: Sequence[Job], workers: int
    ) -> Iterator[tuple[Job, tuple[Answer, ...]]]:
        for job in jobs:
            if self._die_after is not None and len(self.seen) == self._die_after:
                raise OSError("a worker process died")
            self.seen.append((job.seed, job.task.task_id))
            right = self._solutions[job.task.task_id]
            wrong = tuple((((0,),), ((0, 0),)) for _ in right)
            attempts = tuple((((0,),), grid) for grid in right)
            pool = tuple((grid,) for grid in right)
            yield job, (Answer(BASE, wrong, pool, 1.0, None), Answer(TTT, attempts, pool, 2.0, "x"))


def test_both_arms_are_counted_and_paired(
    tmp_path: Path, settings: BenchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_effect, "work_off", Answering())
    report = bench_effect.run(arguments(tmp_path), settings, MACHINE)
    arms = report.data["arms"]
    assert arms[BASE]["tasks solved"] == [0.0, 0.0] and arms[TTT]["tasks solved"] == [2.0, 2.0]
    assert arms[BASE]["outputs in pool"] == [2.0, 2.0]
    found = report.data["differences"]["tasks solved"]
    assert (found["difference"], found["low"], found["high"]) == (2.0, 2.0, 2.0)
    assert (found["better"], found["worse"], found["equal"]) == (4, 0, 0)
    assert len(report.data["failures"]) == 4 and "4 failures" in report.notes[0]


def test_a_second_call_goes_on(
    tmp_path: Path, settings: BenchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Answering(die_after=3), Answering()
    monkeypatch.setattr(bench_effect, "work_off", first)
    with pytest.raises(OSError, match="died"):
        bench_effect.run(arguments(tmp_path), settings, MACHINE)
    # What a dying process leaves half written costs its own job only.
    with (tmp_path / "out" / "effect.jsonl").open("a") as stream:
        stream.write('{"seed": 0, "task_')
    monkeypatch.setattr(bench_effect, "work_off", second)
    report = bench_effect.run(arguments(tmp_path), settings, MACHINE)
    assert len(first.seen) == 3 and len(second.seen) == 1
    assert sorted(first.seen + second.seen) == sorted(
        (seed, task) for seed in (0, 1) for task in report.data["tasks"]
    )
    third = Answering()
    monkeypatch.setattr(bench_effect, "work_off", third)
    assert bench_effect.run(arguments(tmp_path), settings, MACHINE).data == report.data
    assert not third.seen


def test_a_file_of_other_options_is_refused(
    tmp_path: Path, settings: BenchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_effect, "work_off", Answering())
    bench_effect.run(arguments(tmp_path), settings, MACHINE)
    other = replace(settings, rank=RankConfig("vote"))
    with pytest.raises(ValueError, match="made with other options or another model"):
        bench_effect.run(arguments(tmp_path), other, MACHINE)


def test_an_arm_that_is_missing_is_done_again(tmp_path: Path) -> None:
    held = OutcomeFile(tmp_path / "x.jsonl", {})
    held.add([outcome("a", BASE, True)])
    assert not held.has(0, "a")
    held.add([outcome("a", TTT, True)])
    assert held.has(0, "a") and not held.has(1, "a")
    assert OutcomeFile(tmp_path / "x.jsonl", {}).outcomes == held.outcomes


def test_the_interval_is_over_tasks_and_repeats_itself() -> None:
    ours = [outcome(f"t{i}", TTT, i % 2 == 0, seed) for i in range(10) for seed in (0, 1)]
    theirs = [outcome(f"t{i}", BASE, False, seed) for i in range(10) for seed in (0, 1)]
    score = bench_effect.SCORES["tasks solved"]
    found = bench_effect.paired_difference(ours, theirs, score, 7)
    assert found == bench_effect.paired_difference(ours, theirs, score, 7)
    assert found["difference"] == 5.0 and (found["better"], found["equal"]) == (10, 10)
    # A sum of 10 draws with a chance of one half: its 95% interval is about 5 +- 3.1.
    assert 1.0 <= found["low"] <= 3.0 and 7.0 <= found["high"] <= 9.0


def test_both_arms_see_the_same_views_and_only_one_is_trained(
    tmp_path: Path, settings: BenchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, sampler = MemorisingTrainer(), ScriptedSampler()
    toolbox = Toolbox(CellEncoding(), trainer, sampler, AugmentConfig(), GenerateConfig(), tmp_path)
    monkeypatch.setattr(bench_effect_run, "open_toolbox", lambda *_: toolbox)
    bench_effect_run._toolbox.cache_clear()
    task = Task("t", (Pair(GRID, GRID), Pair(((5, 6),), ((5, 6),))), (GRID,))
    method = Method(settings.toolbox, settings.budget, settings.rank)
    base, trained = bench_effect_run.answer_both(Job(3, task, method, tmp_path))
    bench_effect_run._toolbox.cache_clear()
    assert len(trainer.fits) == 1 and trainer.fits[0][2] == 3
    half = len(sampler.sampled) // 2
    prompts = [request.prompt.tokens.tolist() for request in sampler.sampled]
    assert half == 4 and prompts[:half] == prompts[half:]
    assert base.attempts == trained.attempts and base.pool == ((GRID,),)
    judged = bench_effect_run.judge(base, Job(3, task, method, tmp_path), {"t": (GRID,)})
    assert judged.solved == judged.oracle == (True,)


@pytest.mark.parametrize("changed", [{"limit": 0}, {"seeds": 0}, {"workers": 0}])
def test_nothing_to_do_is_refused(
    tmp_path: Path, settings: BenchSettings, changed: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        bench_effect.run(arguments(tmp_path, **changed), settings, MACHINE)
