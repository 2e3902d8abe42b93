"""The solver's view of a task."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from kit.arc.files import load_tasks
from kit.arc.task import Pair, Task, task_content


def test_a_task_has_no_place_for_a_test_output() -> None:
    assert [field.name for field in dataclasses.fields(Task)] == ["task_id", "train", "test"]
    task = Task("t", (Pair(((0,),), ((1,),)),), (((2,),),))
    with pytest.raises((AttributeError, TypeError)):
        task.solution = ()  # type: ignore[attr-defined]
    hash(task)


def test_the_content_of_a_task_is_what_a_task_file_holds(tmp_path: Path) -> None:
    task = Task("t", (Pair(((0, 1),), ((1,), (2,))),), (((2,),), ((3,),)))
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps({"t": task_content(task)}))
    assert load_tasks(path).tasks == {"t": task}
