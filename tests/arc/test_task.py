"""The solver's view of a task."""

from __future__ import annotations

import dataclasses

import pytest

from kit.arc.task import Pair, Task


def test_a_task_has_no_place_for_a_test_output() -> None:
    assert [field.name for field in dataclasses.fields(Task)] == ["task_id", "train", "test"]
    task = Task("t", (Pair(((0,),), ((1,),)),), (((2,),),))
    with pytest.raises((AttributeError, TypeError)):
        task.solution = ()  # type: ignore[attr-defined]
    hash(task)
