"""`kit.solve`: one task in, two attempts per test input out, in the caller's own process.

pytest tests/test_notebook.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import kit
from kit.arc.candidate import Candidate
from kit.arc.task import Pair, Task
from kit.budget.clock import Clock
from kit.solve.work import Publish, SolverSpec, WorkItem, WorkResult

ONE = {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}, {"input": [[4]]}]}


class FixedSolver:
    """Answers each test input with its index."""

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        candidates = tuple(
            Candidate(item.task.task_id, index, ((index,),), "sample", "identity", -1.0, 1)
            for index in range(len(item.task.test))
        )
        return WorkResult(item.task.task_id, item.plan, candidates=candidates)

    def close(self) -> None:
        """Nothing is held."""


def open_fixed(settings: Mapping[str, object], threads: int, scratch: Path) -> FixedSolver:
    """The factory; a setting makes it fail."""
    if settings.get("broken"):
        raise ValueError("weights are damaged")
    return FixedSolver()


@pytest.fixture(autouse=True)
def fixed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """The fake in the place of the model; the dict yielded is its settings."""
    settings: dict[str, object] = {}
    monkeypatch.setattr("kit.workers.inline.load_factory", lambda name: open_fixed)
    monkeypatch.setattr("kit.staff.worker_spec", lambda config: SolverSpec("fixed", settings))
    monkeypatch.setattr("kit.notebook.check_model", lambda path: None)
    yield settings


def test_a_task_may_be_a_task_a_dict_or_a_path(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(ONE))
    task = Task("one", (Pair(((1,),), ((2,),)),), (((3,),), ((4,),)))
    for given in (ONE, path, str(path), task):
        attempts = kit.solve(given, budget="30s", **{"budget.unit": "work"})
        assert [pair[0] for pair in attempts] == [((0,),), ((1,),)]
        assert all(first != second for first, second in attempts)


def test_kit_solve_stays_a_function() -> None:
    from kit.solve.work import WorkItem

    assert WorkItem.__name__ == "WorkItem"
    assert callable(kit.solve)


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        ({"train": []}, {}, "train"),
        (ONE, {"budget": "0"}, "above zero"),
        (ONE, {"finetune.lrr": 1}, "did you mean 'finetune.lr'"),
        (ONE, {"preset": "cpuu"}, "did you mean 'cpu'"),
        ("absent.json", {}, "absent.json: no such file"),
    ],
)
def test_what_cannot_be_used_is_a_value_error(
    task: object, options: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        kit.solve(task, **options)


def test_a_file_with_several_tasks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text(json.dumps({"a": ONE, "b": ONE}))
    with pytest.raises(ValueError, match="holds 2 tasks"):
        kit.solve(path)


def test_a_model_that_cannot_be_opened_is_an_error(fixed: dict[str, object]) -> None:
    fixed["broken"] = True
    with pytest.raises(RuntimeError, match="weights are damaged"):
        kit.solve(ONE, budget="30s")


def test_values_are_written_like_overrides() -> None:
    options = {"finetune.targets": ["q_proj"], "augment.order": False, "seed": 3}
    assert len(kit.solve(ONE, budget="30s", **options)) == 2
