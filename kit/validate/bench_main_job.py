"""The main job as benchmarks run it: in a process of its own, measured from outside."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "submission.py"


@dataclass(frozen=True, slots=True)
class MainJob:
    """One finished run.

    Attributes:
        folder: its `--out`.
        cpu_s: CPU-seconds of all its processes.
    """

    folder: Path
    wall_s: float
    cpu_s: float


def run_main_job(folder: Path, options: Sequence[str], seed: int) -> MainJob:
    """Run `submission.py` and wait for it; its progress is shown.

    Raises:
        ValueError: it failed; says how.
    """
    command = [sys.executable, str(PROGRAM), "--out", str(folder), "--seed", str(seed), *options]
    began_s, before_s = time.monotonic(), _children_cpu_s()
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        last = (ran.stdout.strip().splitlines() or [""])[-1]
        raise ValueError(f"the run failed with exit code {ran.returncode}: {last}")
    return MainJob(folder, time.monotonic() - began_s, _children_cpu_s() - before_s)


def _children_cpu_s() -> float:
    """CPU-seconds of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
