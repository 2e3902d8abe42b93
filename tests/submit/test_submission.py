"""The submission file: valid at every instant, whole or not at all.

pytest tests/submit/test_submission.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.arc.candidate import Prediction
from kit.arc.grid import check_grid
from kit.arc.task import Pair, Task
from kit.submit import submission as submission_module
from kit.submit.submission import SubmissionError, SubmissionFile, replace_file

ROOT = Path(__file__).parents[2]

TASKS = (
    Task("b", (Pair(((1, 2),), ((2, 1),)),), (((3, 4),), ((5, 6),))),
    Task("a", (Pair(((0,),), ((0,),)),), (((7,),),)),
)


def prediction(task_id: str, index: int, colour: int) -> Prediction:
    """Two one-cell attempts."""
    return Prediction(task_id, index, (((colour,),), ((colour + 1,),)), 0.5, "test")


def test_guesses_fill_every_test_input_in_order(tmp_path: Path) -> None:
    file = SubmissionFile(tmp_path / "submission.json", TASKS)
    file.save()
    content = json.loads((tmp_path / "submission.json").read_text())
    assert list(content) == ["b", "a"]
    assert [len(answers) for answers in content.values()] == [2, 1]
    for answers in content.values():
        for attempts in answers:
            assert list(attempts) == ["attempt_1", "attempt_2"]
            grids = [check_grid(grid, "here") for grid in attempts.values()]
            assert grids[0] != grids[1]


def test_predictions_go_to_their_places_only(tmp_path: Path) -> None:
    file = SubmissionFile(tmp_path / "s", TASKS)
    before = dict(file.answers)
    file.update([prediction("b", 1, 3)])
    assert file.answers["b"] == (before["b"][0], (((3,),), ((4,),)))
    assert file.answers["a"] == before["a"]
    content = json.loads(file.to_json())
    assert content["b"][1] == {"attempt_1": [[3]], "attempt_2": [[4]]}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (prediction("c", 0, 1), r"task c test\[0\]: a prediction for what is not"),
        (prediction("a", 1, 1), r"task a test\[1\]"),
        (prediction("a", 0, 9), r"task a test\[0\].attempt_2, row 0, column 0: .* got 10"),
        (Prediction("a", 0, ((), ((1,),)), 0.0, ""), "1 to 30 rows, got 0"),
        (Prediction("a", 0, (((1,),),), 0.0, ""), "two attempts are needed, got 1"),
    ],
)
def test_a_wrong_prediction_is_refused_and_changes_nothing(
    tmp_path: Path, wrong: Prediction, words: str
) -> None:
    file = SubmissionFile(tmp_path / "s", TASKS)
    before = file.to_json()
    with pytest.raises(SubmissionError, match=words):
        file.update([wrong])
    assert file.to_json() == before


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "submission.json"
    replace_file(path, b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(submission_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["submission.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "submission.json"
    link.symlink_to(tmp_path / "real" / "kept.json")
    replace_file(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "kept.json").read_bytes() == b"new"


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "submission.json"
    code = f"""
import resource, signal
from pathlib import Path
from kit.submit.submission import replace_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
replace_file(Path({str(path)!r}), b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    replace_file(Path({str(path)!r}), b"x" * 5000)
except OSError as error:
    print(error.strerror)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "too large" in ran.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["submission.json"]


@pytest.mark.parametrize("turn", range(5))
def test_kill_minus_nine_leaves_a_whole_file(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "submission.json"
    code = f"""
from pathlib import Path
from kit.submit.submission import replace_file
n = 0
while True:
    replace_file(Path({str(path)!r}), b'{{"n": "' + b"x" * 20000 + b'"}}')
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    while not path.exists():
        time.sleep(0.002)
    time.sleep(0.003 * turn)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(json.loads(path.read_text())["n"]) == 20000
