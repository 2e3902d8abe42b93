"""Requests made concrete: Kaggle's folders and time, chosen tasks, resuming only what fits.

pytest tests/test_job.py
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from kit import job as job_module
from kit.config import ConfigError
from kit.job import announce, find_job, open_folder, plan_text
from kit.request import parse_request
from kit.submit.journal import Record, encode_record, replay

TASK = {"train": [{"input": [[1]], "output": [[2]]}], "test": [{"input": [[3]]}]}


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine like Kaggle's; the folder for output."""
    contest = tmp_path / "input" / "competitions" / "arc-prize-2026"
    contest.mkdir(parents=True)
    (contest / "arc-agi_test_challenges.json").write_text(json.dumps({"b": TASK, "a": TASK}))
    sample = {"a": [{"attempt_1": [[0]], "attempt_2": [[0]]}]}
    (contest / "sample_submission.json").write_text(json.dumps(sample | {"b": sample["a"]}))
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.setattr(job_module, "KAGGLE_ROOT", tmp_path / "input")
    monkeypatch.setattr(job_module, "KAGGLE_WORKING", working)
    return working


def test_on_kaggle_the_tasks_place_and_time_are_found(kaggle: Path) -> None:
    job = find_job(parse_request([]), 0.0)
    assert list(job.task_set.tasks) == ["a", "b"], "the order of the sample submission"
    assert job.submission_path == kaggle / "submission.json"
    assert job.request.out == kaggle / "runs" / "latest", "the current folder may be read-only"
    assert job.config.budget.time_s == 11.5 * 3600
    assert "for    11h 30m at most" in announce(job)


def test_on_kaggle_what_was_asked_for_counts(kaggle: Path, tmp_path: Path) -> None:
    for words in (["--time-budget", "1h"], ["budget.time_s=3600"]):
        job = find_job(parse_request([*words, "--out", str(tmp_path / "mine")]), 0.0)
        assert job.config.budget.time_s == 3600
        assert job.submission_path == tmp_path / "mine" / "submission.json"


def test_on_kaggle_the_time_of_a_preset_counts(kaggle: Path) -> None:
    for preset, time_s in (("smoke", 60), ("cpu", 41400), ("kaggle-l4x4", 41400)):
        job = find_job(parse_request(["--preset", preset]), 0.0)
        assert job.config.budget.time_s == time_s, preset


def test_ids_and_limit_choose_tasks_but_the_file_holds_all(kaggle: Path, tmp_path: Path) -> None:
    arguments = ["--ids", "b, a,b", "--limit", "1", "--out", str(tmp_path / "out")]
    job = find_job(parse_request(arguments), 0.0)
    assert [task.task_id for task in job.tasks] == ["b"]
    assert "works on 1" in announce(job)
    assert plan_text(job, 0.0).splitlines()[1].startswith("b ")
    with closing(open_folder(job)):
        content = json.loads((tmp_path / "out" / "submission.json").read_text())
    assert list(content) == ["a", "b"]
    (start,) = replay(tmp_path / "out" / "journal.jsonl").records
    assert start.data["ids"] == ["b"], "what a share of solved tasks is a share of"


def test_little_time_still_leaves_some_to_finish() -> None:
    for text, latest_s in (("1s", 0.5), ("6s", 5.0), ("10m", 585.0), ("12h", 43185.0)):
        job = find_job(parse_request(["--time-budget", text, "--tasks", "arc1-eval"]), 100.0)
        assert job.stop_at_s() == pytest.approx(100.0 + latest_s)


def test_a_journal_without_its_first_record_is_not_resumed(kaggle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "journal.jsonl").write_bytes(encode_record(Record("end", "", {})))
    with pytest.raises(ConfigError, match="lost what it was made with"):
        open_folder(find_job(parse_request(["--resume", "--out", str(out)]), 0.0))
    assert not (out / "submission.json").exists()


def test_other_tasks_are_not_resumed(kaggle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    open_folder(find_job(parse_request(["--out", str(out)]), 0.0)).close()
    other = tmp_path / "one.json"
    other.write_text(json.dumps({"a": TASK}))
    arguments = ["--resume", "--out", str(out), "--tasks", str(other)]
    with pytest.raises(ConfigError, match="made for other tasks"):
        open_folder(find_job(parse_request(arguments), 0.0))
    more_time = ["--resume", "--out", str(out), "--time-budget", "3h", "workers.count=7"]
    open_folder(find_job(parse_request(more_time), 0.0)).close()


def test_a_torn_journal_is_said_so(kaggle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    open_folder(find_job(parse_request(["--out", str(out)]), 0.0)).close()
    with open(out / "journal.jsonl", "ab") as stream:
        stream.write(b'{"v":1,"kind":"res')
    folder = open_folder(find_job(parse_request(["--resume", "--out", str(out)]), 0.0))
    folder.close()
    assert "18 bytes of a torn journal were dropped" in folder.remarks[0]
