"""The whole program when something is wrong: one line, an exit code, and a valid file.

pytest tests/test_entry_faults.py
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.candidate import Prediction
from kit.entry import exit_code
from kit.submit.observer import RunReport
from tests.program import (
    PROGRAM,
    ROOT,
    WORK,
    check_file,
    run,
    start,
    wait_for_results,
    write_tasks,
)


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A file of eight tasks."""
    return write_tasks(tmp_path)


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path, tasks: Path) -> None:
    first = start(tmp_path, "--tasks", tasks, *WORK, sleep_s=30)
    wait_for_results(tmp_path / "runs/latest/journal.jsonl", 0)
    for extra in ([], ["--resume"]):
        code, _, err = run(tmp_path, "--tasks", tasks, *extra, *WORK)
        assert code == 2
        assert f"in use by a run of process {first.pid}" in err
    assert not (tmp_path / "runs/latest.old-1").exists()
    first.kill()
    first.communicate()
    assert run(tmp_path, "--tasks", tasks, "--limit", 1, "--resume", *WORK)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--time-bugdet", "9s"], "--time-bugdet: no such option (did you mean '--time-budget'?)"),
        (["--time-budget", "0"], "must be above zero"),
        (["--time-budget", "-5m"], "--time-budget"),
        (["--time-budget", "soon"], "not a duration"),
        (["finetune.learning=1"], "finetune.learning: no such option"),
        (["lr=1"], "did you mean 'finetune.lr'?"),
        (["finetune.lr=fast"], "finetune.lr=fast: must be a number"),
        (["--preset", "papr"], "did you mean 'paper'?"),
        (["--limit", "0"], "--limit 0: must be at least 1"),
        (["--limit", "x"], "--limit"),
        (["--tasks", "arc1-evl"], "did you mean 'arc1-eval'?"),
        (["--tasks", "absent.json"], "absent.json: no such file"),
        (["--tasks", "tasks.json", "--ids", "task33"], "no task 'task33'"),
        (["--tasks", "tasks.json", "--ids", ","], "no task id in it"),
        (["--tasks", "tasks.json", "--out", "tasks.json"], "tasks.json"),
        (["--tasks", "tasks.json", "--solutions", "absent.json"], "absent.json"),
        (["solve.legs=serch"], "did you mean 'search'?"),
    ],
)
def test_a_bad_request_is_one_line_and_code_two(
    tmp_path: Path, tasks: Path, arguments: list[str], words: str
) -> None:
    code, _, err = run(tmp_path, *arguments)
    assert code == 2
    assert words in err
    assert err.startswith("error: ") and err.count("\n") == 1


def test_an_unusable_model_leaves_the_fallback(tmp_path: Path, tasks: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    ran = subprocess.run(
        [sys.executable, str(ROOT / "submission.py"), "--tasks", tasks, "--model", "model"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert (
        ran.stderr == "error: --model model: no *.safetensors in it (nothing else is ever loaded)\n"
    )
    check_file(tmp_path / "submission.json")


def test_a_model_that_no_worker_can_open_leaves_the_fallback(tmp_path: Path, tasks: Path) -> None:
    code, out, _ = run(tmp_path, "--tasks", tasks, *WORK, broken=True)
    assert code == 1
    assert "no worker can be started" in out and "weights are damaged" in out
    check_file(tmp_path / "submission.json")


def test_resuming_with_other_options_is_refused(tmp_path: Path, tasks: Path) -> None:
    assert run(tmp_path, "--tasks", tasks, "--limit", 1, *WORK)[0] == 0
    before = (tmp_path / "submission.json").read_bytes()
    code, _, err = run(tmp_path, "--tasks", tasks, "--resume", "finetune.lr=0.5", *WORK)
    assert code == 2 and "(finetune.lr was " in err
    assert (tmp_path / "submission.json").read_bytes() == before
    code, out, _ = run(tmp_path, "--tasks", tasks, "--resume", "--time-budget", "30s", *WORK)
    assert code == 0 and "tasks tried        8 of 8" in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_out_is_refused(tmp_path: Path, tasks: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    code, _, err = run(tmp_path, "--tasks", tasks, "--out", closed)
    assert code == 2 and "Permission denied" in err


def test_a_missing_package_is_one_line(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-S", str(ROOT / "submission.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: No module named") and "Traceback" not in ran.stderr
    assert "requirements.txt" in ran.stderr


def test_one_failing_task_is_reported_and_the_rest_goes_on(tmp_path: Path, tasks: Path) -> None:
    code, out, err = run(tmp_path, "--tasks", tasks, *WORK, fail="task2")
    assert code == 0
    assert "task task2: MemoryError: as asked for" in err
    assert "failed tasks       1 (task2)" in out
    check_file(tmp_path / "submission.json")


def test_an_error_inside_is_one_line_a_log_and_code_one(tmp_path: Path, tasks: Path) -> None:
    code = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import fake_run, kit.entry
def explode(*arguments):
    raise RuntimeError("a bug")
kit.entry.schedule = explode
sys.exit(fake_run.main("{{}}", ["--tasks", {str(tasks)!r}]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: RuntimeError: a bug; the answers so far are kept")
    assert ran.stderr.count("\n") == 1
    assert "Traceback" in (tmp_path / "runs/latest/run.log").read_text()
    check_file(tmp_path / "submission.json")


def test_a_full_disk_keeps_the_last_valid_file(tmp_path: Path, tasks: Path) -> None:
    def tiny_files() -> None:
        # Python ignores SIGXFSZ, so that a write beyond the limit is an error like a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "{}", "--tasks", str(tasks), *WORK],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=tiny_files,
    )
    out, err = process.communicate(timeout=60)
    assert "journal.jsonl: File too large; --resume will repeat" in out, err
    assert process.returncode == 0
    check_file(tmp_path / "submission.json")


def test_no_file_is_named_only_by_a_number_when_the_disk_is_full(tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

    ran = subprocess.run(
        [sys.executable, str(ROOT / "submission.py"), "--limit", "1", "--out", "o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=no_room,
        timeout=60,
    )
    assert ran.returncode == 2 and ran.stderr == "error: o/submission.json: File too large\n"


def test_a_reader_that_leaves_does_not_stop_the_run(tmp_path: Path, tasks: Path) -> None:
    process = start(tmp_path, "--tasks", tasks, *WORK, sleep_s=0.1)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    check_file(tmp_path / "submission.json")


def test_what_ran_out_of_time_has_not_failed() -> None:
    prediction = (Prediction("a", 0, (((1,),), ((2,),)), 0.0, ""),)
    late = RunReport("time", {"a": prediction}, {"a": "killed 2 s after its deadline"}, ("a",))
    assert exit_code(late) == 0
    assert exit_code(replace(late, cut=())) == 1
