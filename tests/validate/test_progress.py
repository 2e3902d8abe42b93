"""What a person sees of a run: counts, scores and words; nothing comes back from it.

pytest tests/validate/test_progress.py
"""

from __future__ import annotations

import io

import pytest

from kit.arc.candidate import Candidate, Prediction
from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.solve.work import WorkResult
from kit.submit.observer import RunReport
from kit.validate import progress
from kit.validate.progress import ProgressObserver

ONE: Grid = ((1,),)
TWO: Grid = ((2,),)
TASKS = (
    Task("a", (Pair(ONE, TWO),), (ONE, TWO)),
    Task("b", (Pair(ONE, TWO),), (ONE,)),
    Task("c", (Pair(ONE, TWO),), (ONE,)),
)
SOLUTIONS = {"a": (ONE, TWO), "b": (TWO,), "c": (ONE,)}


def result(task_id: str, **changes: object) -> WorkResult:
    """A result with one candidate for the first test input."""
    candidate = Candidate(task_id, 0, ONE, "sample", "identity", -1.0, 1)
    values: dict[str, object] = {
        "candidates": (candidate,),
        "stage_s": {"train": 2.0, "sample": 0.5},
        "peak_rss_bytes": 300 * 2**20,
    }
    return WorkResult(task_id, Plan(task_id), **(values | changes))  # type: ignore[arg-type]


def watched(solutions: dict[str, tuple[Grid, ...]] | None) -> tuple[ProgressObserver, io.StringIO]:
    """An observer that has seen task a half solved and task b fail."""
    stream = io.StringIO()
    observer = ProgressObserver(solutions, stream)
    observer.on_start(TASKS)
    observer.on_plan(Plan("a"))
    observer.on_tick(3725.0)
    observer.on_result(result("a"), fresh=True)
    observer.on_prediction(
        (Prediction("a", 0, (ONE, TWO), 1.0, ""), Prediction("a", 1, (ONE, ((3,),)), 0.0, ""))
    )
    observer.on_result(result("b", candidates=(), failure="MemoryError: full"), fresh=True)
    observer.on_prediction((Prediction("b", 0, (TWO, ONE), 0.0, ""),))
    observer.on_tick(60.0)
    return observer, stream


def test_the_table_counts_what_was_tried() -> None:
    observer, stream = watched(SOLUTIONS)
    report = RunReport("time", failures={"b": "MemoryError: full"}, cut=("a",), wall_s=12.34)
    observer.on_end(report)
    table = observer.summary(report)
    for line in (
        "tasks tried        2 of 3",
        "answered by        cheap guess 2, model 1",
        "score (Kaggle's)   1.50 of 2 = 75.0%",
        "solved whole       1 of 2 = 50.0%",
        "seconds per stage  sample 1.0, train 4.0",
        "peak memory        300 MiB in one worker",
        "wall time          12.3 s, ended: time used up",
        "failed tasks       1 (b)",
        "cut by time        1 (a)",
    ):
        assert line in table
    assert "task b: MemoryError: full" in stream.getvalue()


def test_without_solutions_no_score_is_shown() -> None:
    observer, stream = watched(None)
    report = RunReport("done")
    observer.on_end(report)
    assert "solved" not in observer.summary(report) and "score" not in observer.summary(report)
    assert "solved" not in stream.getvalue()


def test_the_bar_says_how_far_and_how_long() -> None:
    observer, stream = watched(SOLUTIONS)
    observer.on_end(RunReport("done"))
    before, after = stream.getvalue().split("task b: MemoryError: full\n")
    assert before.startswith("0/3 tasks")
    assert "2/3 tasks" in after and "1:02:05 left, solved 0, training: a\n" in after
    assert after.endswith(", solved 1\n")


def test_what_was_taken_over_is_said_and_costs_no_seconds() -> None:
    observer = ProgressObserver(None, io.StringIO())
    observer.on_start(TASKS)
    observer.on_result(result("a"), fresh=False)
    report = RunReport("done", resumed=1)
    observer.on_end(report)
    table = observer.summary(report)
    assert "taken over         1 results of an earlier start" in table
    assert "seconds per stage  none" in table


def test_a_second_round_of_a_task_counts_once() -> None:
    observer = ProgressObserver(None, io.StringIO())
    observer.on_start(TASKS)
    observer.on_result(result("a"), fresh=True)
    observer.on_result(result("a"), fresh=True)
    report = RunReport("done")
    observer.on_end(report)
    assert "tasks tried        1 of 3" in observer.summary(report)


class Terminal(io.StringIO):
    """A stream that a person reads directly."""

    def isatty(self) -> bool:
        return True


def test_a_bar_in_a_file_is_lines_and_none_twice() -> None:
    observer, stream = watched(SOLUTIONS)
    observer.on_end(RunReport("done"))
    text = stream.getvalue()
    lines = text.splitlines()
    assert "\r" not in text and text.endswith("\n")
    assert all(line.strip() for line in lines) and len(lines) == len(set(lines))
    assert "task b: MemoryError: full" in lines
    assert "now" not in lines[-1], "nothing is being done any more"


def test_a_bar_in_a_terminal_stays_on_its_line() -> None:
    stream = Terminal()
    observer = ProgressObserver(SOLUTIONS, stream)
    observer.on_start(TASKS)
    observer.on_result(result("a"), fresh=True)
    observer.on_end(RunReport("done"))
    assert stream.getvalue().count("\r") >= 2 and stream.getvalue().count("\n") == 1


def test_the_bar_goes_on_when_all_tasks_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LOG_INTERVAL_S", 0.0)
    stream = io.StringIO()
    observer = ProgressObserver(SOLUTIONS, stream)
    observer.on_start(TASKS)
    for task in TASKS:
        observer.on_result(result(task.task_id), fresh=True)
    for left_s in (50.0, 40.0, 30.0):
        observer.on_plan(Plan("a", round=1, leg="search"))
        observer.on_tick(left_s)
    shown = stream.getvalue()
    assert all(f"0:{left} left" in shown for left in (50, 40, 30)), shown
