"""The whole program in a process of its own, with a fake solver in real workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = f"""
import sys, time
started_s = time.monotonic()
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import fake_run
sys.exit(fake_run.main(sys.argv[1], sys.argv[2:], started_s))
"""

GRID = [[1, 2], [3, 4]]
WORK = ["budget.unit=work", "workers.count=2", "workers.threads=1"]


def write_tasks(folder: Path) -> Path:
    """A file of eight tasks."""
    content = {
        f"task{number}": {
            "train": [{"input": [[number]], "output": [[number, number]]}],
            "test": [{"input": GRID}, {"input": [[number]]}],
        }
        for number in range(8)
    }
    path = folder / "tasks.json"
    path.write_text(json.dumps(content))
    return path


def start(
    folder: Path, *arguments: object, sleep_s: float = 0.0, **settings: object
) -> subprocess.Popen[str]:
    """The program, running in `folder`."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROGRAM,
            json.dumps({"sleep_s": sleep_s, **settings}),
            *map(str, arguments),
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, *arguments: object, **settings: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the program."""
    process = start(folder, *arguments, **settings)  # type: ignore[arg-type]
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def check_file(path: Path) -> dict[str, list[dict[str, list[list[int]]]]]:
    """The answers, when the file keeps the contract."""
    answers = json.loads(path.read_text())
    assert list(answers) == [f"task{number}" for number in range(8)]
    for entries in answers.values():
        assert len(entries) == 2
        for entry in entries:
            assert list(entry) == ["attempt_1", "attempt_2"]
            for grid in entry.values():
                assert grid and all(len(row) == len(grid[0]) > 0 for row in grid)
    return answers


def wait_for(path: Path, limit_s: float = 10.0) -> None:
    """Until the file is there."""
    end_s = time.monotonic() + limit_s
    while not path.exists():
        assert time.monotonic() < end_s, f"{path} has not come"
        time.sleep(0.01)


def wait_for_results(journal: Path, count: int, limit_s: float = 30.0) -> None:
    """Until the journal holds this many results."""
    end_s = time.monotonic() + limit_s
    while not journal.exists() or journal.read_bytes().count(b'"kind":"result"') < count:
        assert time.monotonic() < end_s
        time.sleep(0.01)
