"""Which tasks an ablation is about.

pytest tests/validate/test_ablate_tasks.py
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.validate.ablate_tasks import find_tasks
from kit.validate.bench_tasks import development_tasks, largest_tokens


def test_tasks_are_chosen_by_size_number_and_id(tmp_path: Path) -> None:
    tasks, solutions = find_tasks(None, max_tokens=300)
    assert tasks and all(largest_tokens(t) <= 300 and t.task_id in solutions for t in tasks)
    assert find_tasks(("dev",), limit=2)[0] == development_tasks()[:2]
    ids = tmp_path / "ids.txt"
    ids.write_text("# two\n25ff71a9\n\nd037b0a7\n")
    assert {t.task_id for t in find_tasks(None, ids)[0]} == {"25ff71a9", "d037b0a7"}
    ids.write_text("25ff71a8\n")
    with pytest.raises(ValueError, match=r"'25ff71a8' is not one of the 40 tasks"):
        find_tasks(None, ids)
    with pytest.raises(ValueError, match="is in more than one of the sets"):
        find_tasks(("dev", "arc1-train"))


def test_several_sets_are_joined(tmp_path: Path) -> None:
    pair = {"input": [[1]], "output": [[2]]}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"mine": {"train": [pair, pair], "test": [pair]}}))
    tasks, solutions = find_tasks(("dev", str(path)), limit=1)
    assert [t.task_id for t in tasks] == ["mine"] and solutions["mine"] == (((2,),),)
