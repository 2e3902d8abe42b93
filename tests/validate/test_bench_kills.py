"""Killing runs: what is left is looked at rightly, and a broken promise is seen.

pytest tests/validate/test_bench_kills.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kit.arc.files import load_tasks
from kit.validate import bench_kills, bench_victim

ROOT = Path(__file__).parents[2]
PROGRAM = f"""
import sys, time
started_s = time.monotonic()
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import fake_run
sys.exit(fake_run.main(sys.argv[1], sys.argv[2:], started_s))
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A run of six tasks with a fake solver that needs a fifth of a second for each."""
    bench_kills.write_tasks(tmp_path / "tasks", 6)
    options = ["budget.unit=work", "budget.rounds=1", "budget.time_s=600", "workers.count=2"]
    settings = json.dumps({"sleep_s": 0.2})
    tasks = str(tmp_path / "tasks")
    return [sys.executable, "-c", PROGRAM, settings, "--tasks", tasks, *options]


def test_killed_runs_end_like_one_that_nobody_disturbed(
    tmp_path: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The promise of 2 s is for a machine that is not shared with the other tests.
    monkeypatch.setattr(bench_kills, "FIRST_FILE_S", 20.0)
    report = bench_kills.hammer(command, tmp_path, load_tasks(tmp_path / "tasks"), 4, seed=0)
    assert not report.failed, report
    assert len(report.data["kills"]) == 4
    assert [kill["killed"] for kill in report.data["kills"]].count("group") == 2
    assert report.data["ends"] and all(end["equal"] for end in report.data["ends"])


def test_an_undisturbed_run_that_fails_is_an_error(tmp_path: Path, command: list[str]) -> None:
    tasks = load_tasks(tmp_path / "tasks")
    with pytest.raises(ValueError, match=r"failed with exit code 2: error: budget.roundz: no such"):
        bench_kills.hammer([*command, "budget.roundz=1"], tmp_path, tasks, 1, seed=0)


def test_a_broken_file_and_a_lost_answer_are_seen(tmp_path: Path, command: list[str]) -> None:
    tasks = load_tasks(tmp_path / "tasks")
    out = tmp_path / "run"
    assert bench_victim.start(command, out).finish()[0] == 0
    final = bench_victim.answers_in(out)
    look = bench_victim.look_at(out, tasks, final, set())
    assert look == bench_victim.Look("valid", frozenset(tasks.tasks), frozenset())

    first = next(iter(tasks.tasks))
    other = {**final, first: ()}
    assert bench_victim.look_at(out, tasks, other, {first}).lost == {first}

    path = out / "submission.json"
    path.write_text(path.read_text()[:-40])
    look = bench_victim.look_at(out, tasks, final, {first})
    assert "not JSON" in look.verdict and look.lost == {first}

    path.unlink()
    assert bench_victim.look_at(out, tasks, final, set()).verdict == "not yet"


def test_a_file_that_is_late_is_a_broken_promise() -> None:
    look = bench_victim.Look("not yet", frozenset(), frozenset())
    assert bench_kills._is_fine(look, at_s=1.0)
    assert not bench_kills._is_fine(look, at_s=3.0)


def test_tasks_are_written_without_answers(tmp_path: Path) -> None:
    tasks = bench_kills.write_tasks(tmp_path / "tasks", 2)
    assert len(tasks.tasks) == 2
    for path in (tmp_path / "tasks").iterdir():
        assert all(list(item) == ["input"] for item in json.loads(path.read_text())["test"])
