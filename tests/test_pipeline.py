"""The run loop with a fake executor and a fake clock: isolation, deadline, resume, equality.

pytest tests/test_pipeline.py
"""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.legs import LegScheduler
from kit.budget.scheduler import open_scheduler
from kit.budget.searching import open_search
from kit.config import Config, make_config
from kit.finetune.adapter_dir import open_adapter
from kit.interrupt import StopGuard, Stopped
from kit.pipeline import Run, RunSetup
from kit.solve.searching import search_item
from kit.solve.work import WorkItem, WorkResult
from kit.submit.journal import Journal, replay
from kit.submit.observer import RunReport, SilentObserver
from kit.submit.records import last_predictions, last_results
from kit.submit.submission import SubmissionFile


def load_fakes() -> ModuleType:
    """tests/fake_run.py, which is no part of a package."""
    if "fake_run" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "fake_run", Path(__file__).with_name("fake_run.py")
        )
        assert spec is not None and spec.loader is not None
        sys.modules["fake_run"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["fake_run"])
    return sys.modules["fake_run"]


fakes = load_fakes()

TTT = "solve.legs=ttt"
WORK = make_config("smoke", ["budget.unit=work", "budget.time_s=100000", TTT])
BOTH = make_config("smoke", ["budget.unit=work", "budget.time_s=100000", "budget.rounds=2"])


class Recorder(SilentObserver):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.results: list[tuple[str, bool]] = []
        self.report: RunReport | None = None

    def on_result(self, result: WorkResult, fresh: bool) -> None:
        self.results.append((result.task_id, fresh))

    def on_end(self, report: RunReport) -> None:
        self.report = report


class Bench:
    """One folder in which runs can be started."""

    def __init__(self, folder: Path, tasks: tuple[Task, ...], config: Config = WORK) -> None:
        self.folder, self.tasks, self.config = folder, tasks, config
        self.clock = fakes.SteppedClock()
        self.executor = fakes.FakeExecutor(self.clock)
        self.observer = Recorder()
        self.guard = StopGuard()
        self.adapter_out: Path | None = None
        folder.mkdir(exist_ok=True)
        self.journal_path = folder / "journal.jsonl"
        self.submission_path = folder / "submission.json"

    def run(self, stop_at_s: float = 90000.0) -> RunReport:
        past = replay(self.journal_path)
        submission = SubmissionFile(self.submission_path, self.tasks)
        submission.update(last_predictions(past.records))
        submission.save()
        earlier = tuple(last_results(past.records))
        setup = RunSetup(
            self.tasks, self.config, self.clock, 0.0, stop_at_s, earlier, self.adapter_out
        )
        budget, seed, workers = self.config.budget, self.config.seed, self.executor.workers
        ttt = open_scheduler(budget, self.tasks, seed, stop_at_s, workers)
        search = open_search(budget, self.tasks, seed, stop_at_s, workers)
        legs = self.config.solve.legs
        scheduler = LegScheduler(
            ttt if legs != "search" else None, search if legs != "ttt" else None
        )
        journal = Journal(self.journal_path, past.good_bytes)
        return Run(
            setup, scheduler, self.executor, journal, submission, self.observer, self.guard
        ).work()

    def answers(self) -> dict[str, object]:
        return json.loads(self.submission_path.read_text())


def test_every_task_is_tried_once_and_answered(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(5, num_tests=2))
    report = bench.run()
    assert (report.stopped, report.saved, report.problems) == ("done", True, ())
    assert sorted(name for name, _ in bench.observer.results) == [t.task_id for t in bench.tasks]
    assert bench.executor.closed and bench.observer.report == report
    for task in bench.tasks:
        chosen = [list(map(list, p.attempts[0])) for p in report.predictions[task.task_id]]
        assert [entry["attempt_1"] for entry in bench.answers()[task.task_id]] == chosen


def test_a_plan_is_journaled_before_it_runs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(2))

    def answer(item: WorkItem) -> WorkResult:
        records = replay(bench.journal_path).records
        assert records[-1].kind == "plan"
        assert records[-1].data["task_id"] == item.task.task_id
        return fakes.fake_result(item)

    bench.executor.answer = answer
    bench.run()
    kinds = [record.kind for record in replay(bench.journal_path).records]
    assert kinds == ["plan", "result", "prediction"] * 2 + ["end"]


def test_a_failure_costs_its_task_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(3))

    def answer(item: WorkItem) -> WorkResult:
        if item.task.task_id == "t001":
            return WorkResult("t001", item.plan, failure="MemoryError: too big")
        return fakes.fake_result(item)

    bench.executor.answer = answer
    before = SubmissionFile(tmp_path / "x", bench.tasks).answers["t001"]
    report = bench.run()
    assert report.failures == {"t001": "MemoryError: too big"}
    assert bench.answers()["t001"][0]["attempt_1"] == [list(row) for row in before[0][0]]
    assert set(report.predictions) == {"t000", "t001", "t002"}
    assert "failure" in [record.kind for record in replay(bench.journal_path).records]


def test_a_result_that_cannot_be_used_costs_its_task_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(3))

    def answer(item: WorkItem) -> WorkResult:
        result = fakes.fake_result(item)
        if item.task.task_id == "t001":
            bad = tuple(replace(c, grid=((77,),)) for c in result.candidates)
            return replace(result, candidates=bad)
        return result

    bench.executor.answer = answer
    report = bench.run()
    assert "choosing an answer" in report.failures["t001"]
    assert report.saved and set(report.predictions) == {"t000", "t002"}


def test_the_clock_ends_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(10))
    bench.executor.seconds = 10.0
    report = bench.run(stop_at_s=45.0)
    assert report.stopped == "time"
    assert len(report.predictions) == 5
    assert bench.clock.now_s() < 60.0


def test_no_time_at_all_keeps_the_guesses(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(2), make_config("smoke", [TTT]))
    report = bench.run(stop_at_s=0.0)
    assert report.stopped == "time" and report.predictions == {}
    assert list(bench.answers()) == ["t000", "t001"]


def test_resuming_repeats_nothing_and_ends_with_the_same_answers(tmp_path: Path) -> None:
    tasks = fakes.make_tasks(6)
    whole = Bench(tmp_path / "whole", tasks)
    whole.run()
    parts = Bench(tmp_path / "parts", tasks)
    seen = []
    for _ in range(8):
        parts.executor = fakes.FakeExecutor(parts.clock)
        parts.clock.time_s = 0.0
        report = parts.run(stop_at_s=1.5)
        seen += [item.task.task_id for item in parts.executor.seen]
    assert report.stopped == "done"
    assert parts.answers() == whole.answers()
    assert sorted(seen) == sorted(set(seen)), "a finished plan was repeated"


def test_a_journal_cut_anywhere_resumes_to_the_same_answers(tmp_path: Path) -> None:
    tasks = fakes.make_tasks(3)
    whole = Bench(tmp_path / "whole", tasks)
    whole.run()
    content = whole.journal_path.read_bytes()
    cuts = random.Random(0).sample(range(len(content)), 40)
    for cut in cuts:
        part = Bench(tmp_path / "part", tasks)
        part.journal_path.write_bytes(content[:cut])
        part.run()
        assert part.answers() == whole.answers(), cut


def test_cut_and_failed_plans_are_done_again_on_resume(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(3))

    def answer(item: WorkItem) -> WorkResult:
        result = fakes.fake_result(item)
        if item.task.task_id == "t000":
            return replace(result, cut=True, candidates=result.candidates[:1])
        if item.task.task_id == "t001":
            return WorkResult("t001", item.plan, failure="lost")
        return result

    bench.executor.answer = answer
    assert bench.run().cut == ("t000",)
    bench.executor = fakes.FakeExecutor(bench.clock)
    report = bench.run()
    assert sorted(item.task.task_id for item in bench.executor.seen) == ["t000", "t001"]
    assert report.cut == () and report.failures == {} and report.resumed == 3
    fresh = Bench(tmp_path / "fresh", bench.tasks)
    fresh.run()
    assert fresh.answers() == bench.answers()


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("newest_first", [False, True])
def test_answers_do_not_depend_on_workers_or_their_order(
    tmp_path: Path, workers: int, newest_first: bool
) -> None:
    config = make_config("smoke", ["budget.unit=work", "budget.rounds=3", "budget.time_s=1e6", TTT])
    one = Bench(tmp_path / "one", fakes.make_tasks(4), config)
    one.run()
    other = Bench(tmp_path / "other", fakes.make_tasks(4), config)
    other.executor = fakes.FakeExecutor(
        other.clock, seconds=7.0, workers=workers, newest_first=newest_first
    )
    other.run()
    assert len(other.executor.seen) == 12
    assert other.answers() == one.answers()


def test_a_journal_that_cannot_be_written_does_not_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(2))

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kit.submit.journal._write_at", full)
    report = bench.run()
    assert report.stopped == "done" and report.saved
    assert len(report.problems) == 1 and "No space left on device; --resume" in report.problems[0]


def test_a_submission_that_cannot_be_written_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(3))
    real_save, calls = SubmissionFile.save, []

    def save(self: SubmissionFile) -> None:
        calls.append(1)
        if len(calls) in (3, 4):
            raise OSError(28, "No space left on device")
        real_save(self)

    monkeypatch.setattr(SubmissionFile, "save", save)
    report = bench.run()
    assert report.saved and "older answers stay" in report.problems[0]
    first = {name: p[0].attempts[0] for name, p in report.predictions.items()}
    for name, grid in first.items():
        assert bench.answers()[name][0]["attempt_1"] == [list(row) for row in grid]


def test_lost_workers_end_the_run_with_what_there_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(4))
    bench.executor.lost_after = 2
    report = bench.run()
    assert report.stopped == "lost" and "no worker can be started: no room" in report.problems
    assert len(report.predictions) == 2 and report.saved


def test_a_stop_ends_the_run_and_waits_for_what_is_being_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(4))

    def answer(item: WorkItem) -> WorkResult:
        if item.task.task_id == bench.executor.seen[2].task.task_id:
            raise Stopped("SIGTERM")
        return fakes.fake_result(item)

    bench.executor.workers = 4
    bench.executor.answer = answer
    report = bench.run()
    assert report.stopped == "SIGTERM" and len(report.predictions) == 2
    assert replay(bench.journal_path).records[-1].data["stopped"] == "SIGTERM"
    assert bench.executor.closed


def test_a_shared_adapter_is_trained_once_and_used_by_all(tmp_path: Path) -> None:
    config = make_config(
        "smoke", ["budget.unit=work", "budget.time_s=100000", "finetune.shared=true", TTT]
    )
    bench = Bench(tmp_path, fakes.make_tasks(3), config)
    bench.adapter_out = tmp_path / "shared_adapter"
    seen: list[WorkItem] = []

    def answer(item: WorkItem) -> WorkResult:
        seen.append(item)
        result = fakes.fake_result(item)
        if not item.union:
            return result
        item.adapter_out.mkdir()
        (item.adapter_out / "adapter_model.safetensors").write_bytes(b"weights")
        adapter = open_adapter(item.adapter_out, "shared", "lora")
        return replace(result, candidates=(), adapter=adapter)

    bench.executor.answer = answer
    bench.run()
    first, *others = seen
    assert [t.task_id for t in first.union] == [t.task_id for t in bench.tasks]
    assert first.plan.num_steps == 3 * config.budget.num_steps
    assert len(others) == 3 and {item.adapter.path for item in others} == {bench.adapter_out}

    seen.clear()
    bench.run()
    assert seen == []


def test_both_legs_answer_and_programs_come_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(4, num_tests=2), BOTH)
    report = bench.run()
    assert report.stopped == "done"
    legs = [item.plan.leg for item in bench.executor.seen]
    assert legs == ["search"] * 8 + ["ttt"] * 8
    for name, predictions in report.predictions.items():
        by_program = predictions[0].attempts[0] == ((7, 0),)
        assert by_program == (int(name[1:]) % 2 == 0)
        assert ("induction first" in predictions[0].reason) == by_program


@pytest.mark.parametrize("workers", [1, 3])
def test_answers_of_both_legs_do_not_depend_on_workers(tmp_path: Path, workers: int) -> None:
    one = Bench(tmp_path / "one", fakes.make_tasks(4), BOTH)
    one.run()
    other = Bench(tmp_path / "other", fakes.make_tasks(4), BOTH)
    other.executor = fakes.FakeExecutor(other.clock, 3.0, workers, newest_first=True)
    other.run()
    assert other.answers() == one.answers()


def test_a_resumed_run_searches_nothing_again_and_keeps_programs(tmp_path: Path) -> None:
    whole = Bench(tmp_path / "whole", fakes.make_tasks(4), BOTH)
    whole.run()
    parts = Bench(tmp_path / "parts", fakes.make_tasks(4), BOTH)
    seen = []
    for _ in range(20):
        parts.executor = fakes.FakeExecutor(parts.clock)
        parts.clock.time_s = 0.0
        parts.run(stop_at_s=1.5)
        seen += [item.plan for item in parts.executor.seen]
    assert parts.answers() == whole.answers()
    assert len(seen) == len(set(seen)) == 16


def test_a_later_search_that_fails_loses_no_answer(tmp_path: Path) -> None:
    config = make_config("smoke", ["budget.unit=work", "budget.rounds=2", "solve.legs=search"])
    bench = Bench(tmp_path, fakes.make_tasks(2), config)

    def answer(item: WorkItem) -> WorkResult:
        if item.plan.round == 1:
            return WorkResult(item.task.task_id, item.plan, failure="killed", cut=True)
        return fakes.fake_result(item)

    bench.executor.answer = answer
    report = bench.run()
    assert report.failures == {"t000": "killed", "t001": "killed"}
    assert report.predictions["t000"][0].attempts[0] == ((7, 0),)


def test_a_task_whose_pairs_contradict_each_other_is_answered(tmp_path: Path) -> None:
    grid, other, third = ((1,),), ((2,),), ((3,),)
    task = Task("t0", (Pair(grid, other), Pair(grid, third)), (grid,))
    bench = Bench(tmp_path, (task,), BOTH)
    bench.executor.answer = real_search
    report = bench.run()
    assert report.failures == {} and len(bench.answers()["t0"]) == 1


def real_search(item: WorkItem) -> WorkResult:
    """The search as it is, and the fake model."""
    if item.plan.leg == "search":
        return search_item(item, SystemClock())
    return fakes.fake_result(item)
