"""The shell around a command: real processes, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def kit(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of `python -m kit`, in a process of its own."""
    command = [sys.executable, "-m", "kit", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_a_mistake_is_one_line_without_traceback(files: dict[str, str]) -> None:
    done = kit("score", files["tasks"], "--solutions", files["solutions"])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {files['tasks']}: task b: must be a list")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["score", "check", "show"])
def test_help_names_every_option(command: str) -> None:
    done = kit(command, "--help")
    assert done.returncode == 0
    assert "--tasks" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_that_has_seen_enough_is_no_error(files: dict[str, str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "kit", "show", "b", "--tasks", files["tasks"]]
    # Not in the repository's folder, where a run may have left a submission.json of other tasks.
    done = subprocess.run(
        command,
        cwd=Path(files["tasks"]).parent,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")
