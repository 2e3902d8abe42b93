"""The run loop with a fake executor and a fake clock: what is done, answered and written when.

pytest tests/test_pipeline.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.config import make_config
from kit.finetune.adapter_dir import open_adapter
from kit.solve.searching import search_item
from kit.solve.work import WorkItem, WorkResult
from kit.submit.journal import replay
from kit.submit.observer import RunReport
from kit.submit.submission import SubmissionFile
from tests.run_bench import BOTH, TTT, Bench, fakes


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


def test_the_first_searches_do_not_wait_for_the_shared_adapter(tmp_path: Path) -> None:
    config = make_config("smoke", ["budget.time_s=900", "finetune.shared=true"])
    bench = Bench(tmp_path, fakes.make_tasks(4), config)
    bench.adapter_out = tmp_path / "shared_adapter"
    seen: list[WorkItem] = []

    def answer(item: WorkItem) -> WorkResult:
        seen.append(item)
        result = fakes.fake_result(item)
        return replace(result, failure="no adapter", candidates=()) if item.union else result

    bench.executor.answer = answer
    report = bench.run(850.0)
    assert [item.plan.leg for item in seen[:4]] == ["search"] * 4
    assert next(item.plan.task_id for item in seen if item.plan.leg == "ttt") == "shared"
    assert "the shared adapter: no adapter" in report.problems
    assert set(report.predictions) == {task.task_id for task in bench.tasks}
    journaled = {r.data["task_id"] for r in replay(bench.journal_path).records if r.kind == "plan"}
    assert "shared" not in journaled


def test_the_journal_says_why_a_plan_was_made(tmp_path: Path) -> None:
    config = make_config("smoke", ["budget.time_s=900"])
    bench = Bench(tmp_path, fakes.make_tasks(3), config)
    bench.run(850.0)
    plans = [r for r in replay(bench.journal_path).records if r.kind == "plan"]
    assert plans[0].data["reason"] == "a first look at every task"
    assert all(record.data["reason"] for record in plans)


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


def test_what_brings_nothing_new_changes_no_answer_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves = []
    monkeypatch.setattr(SubmissionFile, "save", lambda self: saves.append(self.to_json()))
    options = ["budget.unit=work", "budget.time_s=100000", "budget.rounds=3", "solve.legs=search"]
    found = make_config("smoke", options)
    bench = Bench(tmp_path, fakes.make_tasks(2), found)
    report = bench.run()
    kinds: dict[str, list[str]] = {"t000": [], "t001": []}
    for record in replay(bench.journal_path).records:
        name = record.data["task_id"] if record.kind == "result" else record.key
        if record.kind in ("result", "prediction"):
            kinds[name].append(record.kind)
    # Nothing is ever found for the odd task: it is answered once, by a guess, and that is that.
    rounds = kinds["t001"].count("result")
    assert rounds > 1 and kinds["t001"].count("prediction") == 1
    assert kinds["t000"].count("prediction") == kinds["t000"].count("result")
    assert len(saves) == len(set(saves)), "no file is written twice"
    assert saves[-1] == bench_json(report, tmp_path, bench.tasks)


def bench_json(report: RunReport, folder: Path, tasks: tuple[Task, ...]) -> str:
    """The file that holds a report's predictions."""
    file = SubmissionFile(folder / "other.json", tasks)
    for predictions in report.predictions.values():
        file.update(predictions)
    return file.to_json()


@pytest.mark.parametrize("workers", [1, 3])
def test_answers_of_both_legs_do_not_depend_on_workers(tmp_path: Path, workers: int) -> None:
    one = Bench(tmp_path / "one", fakes.make_tasks(4), BOTH)
    one.run()
    other = Bench(tmp_path / "other", fakes.make_tasks(4), BOTH)
    other.executor = fakes.FakeExecutor(other.clock, 3.0, workers, newest_first=True)
    other.run()
    assert other.answers() == one.answers()


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
