"""The executor without processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.solve.work import SolverSpec, WorkItem
from kit.workers.executor import Staffing, WorkersLost
from kit.workers.inline import InlineExecutor


def make_executor(folder: Path, factory: str, do: dict[str, str]) -> InlineExecutor:
    spec = SolverSpec(f"tests.workers.solvers:{factory}", {"do": do})
    return InlineExecutor(spec, Staffing(1, 2), folder, SystemClock())


def make_item(task_id: str) -> WorkItem:
    return WorkItem(Task(task_id, (Pair(((1,),), ((2,),)),), (((1,),),)), Plan(task_id))


def test_one_item_per_poll_and_failures_are_results(tmp_path: Path) -> None:
    executor = make_executor(tmp_path, "open_obedient", {"b": "fail"})
    assert executor.idle() == 1
    executor.submit(make_item("a"))
    executor.submit(make_item("b"))
    assert executor.idle() == 0
    (first,) = executor.poll(0.0)
    (second,) = executor.poll(0.0)
    assert (first.failure, first.counts["threads"]) == (None, 2)
    assert second.failure == "ValueError: no such thing"
    assert executor.poll(0.0) == []
    executor.close()


def test_a_solver_that_does_not_open(tmp_path: Path) -> None:
    executor = make_executor(tmp_path, "open_missing_model", {})
    executor.submit(make_item("a"))
    with pytest.raises(WorkersLost, match="FileNotFoundError: model folder /nowhere"):
        executor.poll(0.0)
