"""The run loop when something breaks: isolation, files that cannot be written, resuming.

pytest tests/test_pipeline_faults.py
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from kit.config import make_config
from kit.interrupt import Stopped
from kit.solve.work import WorkItem, WorkResult
from kit.submit.journal import replay
from kit.submit.submission import SubmissionFile
from tests.run_bench import BOTH, Bench, fakes


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


def test_a_run_that_goes_on_with_the_search_alone_keeps_the_models_answers(tmp_path: Path) -> None:
    ttt = make_config("smoke", ["budget.unit=work", "budget.time_s=100000", "solve.legs=ttt"])
    bench = Bench(tmp_path, fakes.make_tasks(4), ttt)
    bench.run(stop_at_s=2.5)
    from_model = bench.answers()["t001"]
    bench.config = replace(ttt, solve=replace(ttt.solve, legs="search"))
    bench.executor = fakes.FakeExecutor(bench.clock)
    bench.clock.time_s = 0.0
    report = bench.run()
    assert report.stopped == "done" and set(report.predictions) == set(bench.answers())
    assert {item.plan.leg for item in bench.executor.seen} == {"search"}
    assert bench.answers()["t001"] == from_model, "the search of the fakes has none for odd tasks"


def test_what_was_merely_cut_is_not_lost_for_good(tmp_path: Path) -> None:
    options = ["budget.rounds=2", "budget.time_s=1000", "solve.legs=ttt"]
    bench = Bench(tmp_path, fakes.make_tasks(1), make_config("smoke", options))

    def answer(item: WorkItem) -> WorkResult:
        if item.plan.round == 0:
            why = "no worker was ready in time"
            return WorkResult(item.task.task_id, item.plan, failure=why, cut=True)
        return fakes.fake_result(item)

    bench.executor.answer = answer
    report = bench.run()
    assert [item.plan.round for item in bench.executor.seen] == [0, 1]
    assert report.failures == {} and report.predictions


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


def test_a_kind_of_workers_that_is_lost_is_told_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, fakes.make_tasks(4))
    bench.executor.told = ["no servers can be started: no room"]
    report = bench.run()
    assert (report.stopped, report.problems) == ("done", ("no servers can be started: no room",))


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
