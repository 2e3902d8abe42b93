"""What the parent costs and what workers lose: counted rightly, on made-up and on fake runs.

pytest tests/validate/test_bench_workers.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kit.budget.plan import Plan
from kit.solve.work import WorkResult
from kit.submit.journal import Journal
from kit.submit.records import result_record
from kit.validate import bench_workers
from kit.validate.bench_kills import write_tasks
from kit.validate.bench_workers import Parent, Sides, items_per_s

ROOT = Path(__file__).parents[2]
PROGRAM = f"""
import sys, time
started_s = time.monotonic()
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import fake_run
sys.exit(fake_run.main(sys.argv[1], sys.argv[2:], started_s))
"""


def journal_of(folder: Path, at_s: list[float]) -> Path:
    folder.mkdir()
    journal = Journal(folder / "journal.jsonl")
    for number, instant_s in enumerate(at_s):
        journal.append(result_record(WorkResult(f"t{number}", Plan(f"t{number}")), instant_s))
    journal.close()
    return folder


def test_a_rate_begins_when_every_worker_has_worked(tmp_path: Path) -> None:
    out = journal_of(tmp_path / "run", [11.0, 10.0, 12.0, 13.0, 15.0])
    assert items_per_s(out, 1) == 4 / 5.0
    assert items_per_s(out, 2) == 3 / 4.0


@pytest.mark.parametrize("at_s", [[], [1.0, 2.0], [1.0, 2.0, 2.0]])
def test_too_few_results_have_no_rate(tmp_path: Path, at_s: list[float]) -> None:
    out = journal_of(tmp_path / "run", at_s)
    with pytest.raises(ValueError, match=f"{len(at_s)} results are too few for a rate"):
        items_per_s(out, 2)


@pytest.mark.parametrize(
    ("parent", "ratio", "words"),
    [
        (Parent(0.5, 0.6, 0.4, 58.0), 0.9, []),
        (Parent(0.5, 1.3, 0.4, 58.0), 0.9, ["the parent needs more than 2%"]),
        (Parent(2.5, 0.6, 0.4, 58.0), 0.9, ["the first file takes more than 2 s"]),
        (Parent(0.5, 0.6, 0.4, 60.1), 0.8, ["the workers reach less than 85%", "deadline"]),
    ],
)
def test_a_broken_promise_is_said(parent: Parent, ratio: float, words: list[str]) -> None:
    report = bench_workers._report(parent, 60.0, [Sides(ratio, 1.0), Sides(ratio, 1.0)], 2)
    assert report.failed == bool(words)
    for word, note in zip(words, report.notes[1:], strict=True):
        assert word in note


def test_runs_are_really_made_and_measured(tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks", 8)
    command = [sys.executable, "-c", PROGRAM, json.dumps({"sleep_s": 0.3})]
    fixed = ["--tasks", str(tmp_path / "tasks"), "budget.unit=work", "budget.rounds=1"]
    sides = bench_workers.compare_once([*command, *fixed], tmp_path / "turn", 2)
    # Each of four workers sleeps for 0.3 s an item.
    assert 0 < sides.together < 2 / 0.29 and 0 < sides.apart < 2 / 0.29
    parent = bench_workers.watch_parent([*command, *fixed], tmp_path / "timed")
    assert 0 < parent.start_cpu_s <= parent.cpu_s
    assert 0 < parent.first_s < parent.wall_s


def test_a_run_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"failed with exit code 2: error: .*nowhere"):
        command = [sys.executable, "-c", PROGRAM, "{}", "--tasks", "/nowhere"]
        bench_workers.watch_parent(command, tmp_path / "run")
