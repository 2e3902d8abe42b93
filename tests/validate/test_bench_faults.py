"""Runs that meet faults: what is drawn, what counts as lost, and that a broken promise is seen.

pytest tests/validate/test_bench_faults.py
pytest -m slow tests/validate/test_bench_faults.py       # every kind of fault, about five minutes
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kit.arc.candidate import Candidate, Prediction
from kit.arc.files import TaskSet
from kit.budget.plan import Plan
from kit.rank.choose import RankConfig
from kit.solve.work import WorkResult
from kit.submit.journal import Journal
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.records import prediction_record, result_record
from kit.submit.submission import SubmissionFile
from kit.validate import bench_faults_look as looks
from kit.validate.bench_faults import make_report
from kit.validate.bench_faults_kinds import KINDS, pick_kinds
from kit.validate.bench_faults_trial import END_S, Outcome, Trial, draw_trial, run_trial
from kit.validate.bench_kills import write_tasks

ROOT = Path(__file__).parents[2]
PROGRAM = f"""
import sys, time
started_s = time.monotonic()
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import fake_run
sys.exit(fake_run.main(sys.argv[1], sys.argv[2:], started_s))
"""
A, B = (((1,),), ((2,),)), (((3,),), ((4,),))


@pytest.fixture
def tasks(tmp_path: Path) -> TaskSet:
    return write_tasks(tmp_path / "tasks", 3)


class Files:
    """A run's files, written like a run does."""

    def __init__(self, folder: Path, tasks: TaskSet) -> None:
        folder.mkdir()
        self.folder, self.tasks = folder, tasks
        self.submission = SubmissionFile(folder / SUBMISSION_NAME, tuple(tasks.tasks.values()))
        self.submission.save()
        self.journal = Journal(folder / JOURNAL_NAME)

    def answer(self, name: str, attempts: looks.Attempts, saved: bool = True) -> None:
        prediction = Prediction(name, 0, attempts, 0.5, "as the test says")
        self.journal.append(prediction_record((prediction,)))
        self.submission.update((prediction,))
        if saved:
            self.submission.save()

    def finish(self, name: str, round_: int = 0) -> None:
        candidate = Candidate(name, 0, A[0], "sample", "identity", -1.0, 3)
        result = WorkResult(name, Plan(name, round=round_), (candidate,))
        self.journal.append(result_record(result))

    def look(self) -> looks.Look:
        return looks.look_at(self.folder, self.tasks)


@pytest.fixture
def files(tmp_path: Path, tasks: TaskSet) -> Files:
    return Files(tmp_path / "run", tasks)


def test_a_newer_answer_is_no_loss_and_a_cheap_guess_again_is(files: Files) -> None:
    name, *_ = files.tasks.tasks
    guess = files.look()
    files.answer(name, A)
    before = files.look()
    assert looks.lost_tasks(guess, before) == looks.lost_tasks(before, before) == set()
    files.answer(name, B)
    after = files.look()
    assert looks.lost_tasks(before, after) == set()
    # Back to the older answer, or to the guess.
    assert looks.lost_tasks(after, dataclasses.replace(after, answers=before.answers)) == {name}
    assert looks.lost_tasks(before, dataclasses.replace(after, answers=guess.answers)) == {name}


def test_an_answer_that_was_not_saved_yet_was_not_there(files: Files) -> None:
    name, *_ = files.tasks.tasks
    files.answer(name, A, saved=False)
    before = files.look()
    assert looks.lost_tasks(before, files.look()) == set()
    assert before.history() == {name: [(A,)]}


def test_a_result_that_is_gone_from_the_journal_is_a_loss(files: Files) -> None:
    first, second, _ = files.tasks.tasks
    files.finish(first)
    files.finish(second)
    before = files.look()
    assert looks.finished_tasks(before) == {first, second}
    shorter = dataclasses.replace(before, records=before.records[:1])
    assert looks.lost_tasks(before, shorter) == {second}
    assert looks.lost_tasks(shorter, before) == set()


def test_what_the_journal_would_choose_has_to_be_in_the_file(files: Files) -> None:
    name, *_ = files.tasks.tasks
    files.finish(name)
    assert looks.forgotten_tasks(files.look(), files.tasks, RankConfig()) == {name}
    from kit.rank.choose import choose
    from kit.submit.records import pool_of

    result = WorkResult(
        name, Plan(name), (Candidate(name, 0, A[0], "sample", "identity", -1.0, 3),)
    )
    files.submission.update(choose(pool_of([result]), files.tasks.tasks[name], RankConfig()))
    files.submission.save()
    assert looks.forgotten_tasks(files.look(), files.tasks, RankConfig()) == set()


def test_a_damaged_or_missing_file_is_a_problem(files: Files) -> None:
    assert files.look().problem is None
    path = files.folder / SUBMISSION_NAME
    path.write_text(path.read_text()[:-30], encoding="utf-8")
    assert "not JSON" in str(files.look().problem) and files.look().answers == {}
    path.unlink()
    assert files.look().problem == "no file"


def test_where_rescued_answers_are(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text("something\n", encoding="utf-8")
    assert looks.rescued_file(log) is None
    line = "error: x could not be written; the newest answers are in /tmp/a b/submission.json\n"
    log.write_text(line, encoding="utf-8")
    assert looks.rescued_file(log) == Path("/tmp/a b/submission.json")


def test_draws_are_those_of_the_seed_and_keep_to_the_range() -> None:
    trials = [draw_trial(number, KINDS, (20.0, 60.0), 3) for number in range(100)]
    assert trials == [draw_trial(number, KINDS, (20.0, 60.0), 3) for number in range(100)]
    assert trials[5] != draw_trial(5, KINDS, (20.0, 60.0), 4)
    assert {trial.kind.name for trial in trials} == {kind.name for kind in KINDS}
    longer = [trial for trial in trials if trial.budget_s > 60.0]
    assert len(longer) == 10 and max(trial.budget_s for trial in longer) <= 180.0
    for trial in trials:
        assert trial.budget_s >= 20.0
        if trial.kind.before_end_s is None:
            assert 0 < trial.strike_s <= trial.budget_s - END_S
        else:
            assert trial.strike_s == trial.budget_s - trial.kind.before_end_s


def test_kinds_by_words() -> None:
    assert pick_kinds(None) == KINDS
    assert [kind.name for kind in pick_kinds("disk, jumps")] == ["disk full", "wall clock jumps"]
    with pytest.raises(ValueError, match="--kinds flood: no such fault; there are none, kill -9"):
        pick_kinds("flood")


def make_outcome(name: str = "none", **changes: object) -> Outcome:
    trial = Trial(0, pick_kinds(name)[0], 20.0, 5.0, 0)
    fine = Outcome(trial, True, 0.5, -1.0, (), 7, (), 0)
    return dataclasses.replace(fine, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"late_s": 0.2}, "past the deadline"),
        ({"problems": ("at the end: no file",)}, "invalid files"),
        ({"lost": ("a", "b")}, "lost tasks"),
        ({"code": 1}, "wrong exit codes"),
    ],
)
def test_a_broken_promise_is_counted_and_fails_the_benchmark(
    changes: dict[str, object], column: str
) -> None:
    fine, bad = make_outcome(), make_outcome("disk" if "code" not in changes else "none", **changes)
    assert not make_report([fine, fine], 2).failed
    report = make_report([fine, bad], 2)
    assert report.failed and "1 of 2 runs kept every promise" in report.notes[0]
    (table,) = report.tables
    total = dict(zip(table.headings, table.rows[-1], strict=True))
    assert total["fault"] == "all" and total["runs"] == "2"
    assert total[column] == str(len(bad.lost) or 1)


def test_exit_codes_that_a_fault_allows() -> None:
    assert make_outcome("SIGTERM", code=143).is_fine()
    assert not make_outcome("SIGTERM", code=0).is_fine()
    assert make_outcome("SIGTERM", code=0, struck=False).is_fine()
    assert make_outcome("disk full", code=1).is_fine()
    assert make_outcome("parent", code=None).is_fine()


def command_of(tmp_path: Path) -> list[str]:
    """A run with a fake solver, a fifth of a second for each item."""
    settings = json.dumps({"sleep_s": 0.2, "search_s": 0.2})
    tasks = str(tmp_path / "tasks")
    return [sys.executable, "-c", PROGRAM, settings, "--tasks", tasks, "workers.count=2"]


def test_a_run_that_is_killed_and_resumed_keeps_its_deadline(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "tasks", 40)
    trial = Trial(0, pick_kinds("both")[0], 14.0, 4.0, 0)
    outcome = run_trial(trial, command_of(tmp_path), tmp_path, tasks, RankConfig())
    assert outcome.struck and outcome.is_fine(), outcome.line()
    assert outcome.line().startswith("ok   1: kill -9 of both at 4.0 of 14.0 s")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_every_kind_of_fault(tmp_path: Path, kind: object) -> None:
    tasks = write_tasks(tmp_path / "tasks", 100)
    drawn = draw_trial(0, (kind,), (20.0, 20.0), 1)  # type: ignore[arg-type]
    outcome = run_trial(drawn, command_of(tmp_path), tmp_path, tasks, RankConfig())
    assert outcome.is_fine(), outcome.line()
