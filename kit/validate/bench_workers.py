"""`python -m kit bench workers`: what the parent of a run costs, and what its workers lose by it.

Two questions. How much of a run with a time budget does the parent process need for itself, and how
soon is the first valid file there? And how much of the throughput of independent runs beside each
other, one worker each, do as many workers of one run reach on the same work? Both sides of the
second take turns; each is counted from the moment at which all its workers have had a result, so
that neither pays for its start.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.validate.bench_kills import FIRST_FILE_S, PROGRAM, write_tasks
from kit.validate.bench_report import BenchSettings, Machine, Report, Table
from kit.validate.bench_victim import Victim, start

OVERHEAD_SHARE = 0.02
"""Most of the budget that the parent may need for itself."""

LEAST_RATIO = 0.85
"""Least of the throughput of independent runs that workers of one run may reach."""

_STEP_S = 0.01
_TICKS = os.sysconf("SC_CLK_TCK")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--seconds", type=float, default=60.0, help="budget of the timed run (default: 60)")
    add("--tasks", type=int, default=16, help="smallest training tasks to work on (default: 16)")
    add("--workers", type=int, default=2, help="workers, and independent runs (default: 2)")
    add("--repeat", type=int, default=3, help="turns of both sides (default: 3)")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Measure both.

    Raises:
        ValueError: options that leave nothing to do, or a run fails.
    """
    if args.workers < 1 or args.repeat < 1 or args.tasks <= args.workers:
        raise ValueError("--workers and --repeat must be 1 or more, --tasks more than --workers")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tasks(folder / "tasks", args.tasks)
        command = [
            *(sys.executable, str(PROGRAM), *settings.options, f"seed={settings.seed}"),
            "workers.threads=1",
        ]
        timed = ["--tasks", "arc1-train", f"budget.time_s={args.seconds}"]
        parent = watch_parent([*command, *timed, f"workers.count={args.workers}"], folder / "timed")
        fixed = ["--tasks", str(folder / "tasks"), "budget.unit=work", "budget.rounds=1"]
        sides = [
            compare_once([*command, *fixed], folder / f"turn{turn}", args.workers)
            for turn in range(args.repeat)
        ]
    return _report(parent, args.seconds, sides, args.workers)


@dataclass(frozen=True, slots=True)
class Parent:
    """What a run's own process needed.

    Attributes:
        first_s: age of the run when its submission was there.
        cpu_s: CPU-seconds of the process, without those of its workers.
        start_cpu_s: of those, until the submission was there.
        wall_s: age of the run at its end.
    """

    first_s: float
    cpu_s: float
    start_cpu_s: float
    wall_s: float


def watch_parent(command: Sequence[str], out: Path) -> Parent:
    """Let a run come to its end and look at its process all the while.

    Raises:
        ValueError: it fails.
    """
    victim = start(command, out)
    first_s = start_cpu_s = cpu_s = 0.0
    while victim.process.poll() is None:
        cpu_s = max(cpu_s, _cpu_s(victim))
        if not first_s and (out / SUBMISSION_NAME).exists():
            first_s, start_cpu_s = victim.running_s(), cpu_s
        time.sleep(_STEP_S)
    return Parent(first_s, cpu_s, start_cpu_s, _finished(victim))


def _cpu_s(victim: Victim) -> float:
    """CPU-seconds of a process itself so far; 0 once it is gone."""
    try:
        text = Path(f"/proc/{victim.process.pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _finished(victim: Victim) -> float:
    """Wait for a good end; seconds in all."""
    code, took_s = victim.finish()
    if code != 0:
        raise ValueError(f"a run failed with exit code {code}: {victim.last_words()}")
    return took_s


@dataclass(frozen=True, slots=True)
class Sides:
    """Items per second of both sides of one turn."""

    together: float
    apart: float

    @property
    def ratio(self) -> float:
        """Workers of one run beside independent runs."""
        return self.together / self.apart


def compare_once(command: Sequence[str], folder: Path, workers: int) -> Sides:
    """One run with all workers, then as many runs with one each, at once.

    Args:
        command: a run with unit "work".
    """
    out = folder / "together"
    _finished(start([*command, f"workers.count={workers}"], out))
    outs = [folder / f"apart{number}" for number in range(workers)]
    victims = [start([*command, "workers.count=1"], path) for path in outs]
    for victim in victims:
        _finished(victim)
    return Sides(items_per_s(out, workers), sum(items_per_s(path, 1) for path in outs))


def items_per_s(out: Path, workers: int) -> float:
    """Results per second of a run, from when every worker has probably had its first one.

    Raises:
        ValueError: too few results.
    """
    records = replay(out / JOURNAL_NAME).records
    at_s = sorted(float(record.data["at_s"]) for record in records if record.kind == "result")
    if len(at_s) <= workers or at_s[-1] <= at_s[workers - 1]:
        raise ValueError(f"{out}: {len(at_s)} results are too few for a rate; give more --tasks")
    return (len(at_s) - workers) / (at_s[-1] - at_s[workers - 1])


def _report(parent: Parent, budget_s: float, sides: Sequence[Sides], workers: int) -> Report:
    share = parent.cpu_s / budget_s
    ratios = [side.ratio for side in sides]
    ratio = statistics.median(ratios)
    own = Table(
        f"the parent of a run of {budget_s:g} s with {workers} workers",
        ("first file", "CPU until then", "CPU in all", "of the budget", "end"),
        [
            [
                f"{parent.first_s:.2f} s",
                f"{parent.start_cpu_s:.2f} s",
                f"{parent.cpu_s:.2f} s",
                f"{share:.2%}",
                f"{parent.wall_s - budget_s:+.2f} s",
            ]
        ],
    )
    rates = Table(
        f"results per second: {workers} workers of one run beside {workers} independent runs",
        ("turn", "one run", "independent", "ratio"),
        [
            [str(turn), f"{side.together:.3f}", f"{side.apart:.3f}", f"{side.ratio:.1%}"]
            for turn, side in enumerate(sides, 1)
        ],
    )
    broken = [
        text
        for text, is_broken in (
            (f"the parent needs more than {OVERHEAD_SHARE:.0%}", share > OVERHEAD_SHARE),
            (f"the first file takes more than {FIRST_FILE_S:g} s", parent.first_s > FIRST_FILE_S),
            (f"the workers reach less than {LEAST_RATIO:.0%}", ratio < LEAST_RATIO),
            ("the run ended past its deadline", parent.wall_s > budget_s),
        )
        if is_broken
    ]
    return Report(
        tables=(own, rates),
        data={
            "first_s": parent.first_s,
            "cpu_s": parent.cpu_s,
            "start_cpu_s": parent.start_cpu_s,
            "wall_s": parent.wall_s,
            "share": share,
            "ratios": ratios,
        },
        notes=(
            f"workers reach {ratio:.1%} (median; {min(ratios):.1%} to {max(ratios):.1%}) of the "
            "throughput of independent runs",
            *broken,
        ),
        failed=bool(broken),
    )
