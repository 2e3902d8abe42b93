"""Tasks with the real engines of this machine at real speed, against what a rehearsal predicts.

What it does: runs a few tasks to measure costs, predicts others with the real scheduler and pool in
virtual time, runs those too, and prints the ratio. Both runs are `submission.py` in processes of
their own, with every plan in full (`budget.unit=work`), so that the time is what the work takes.
What it does not: mean anything on a machine that is busy with something else.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.datasets import load_dataset
from kit.arc.seeds import python_rng
from kit.arc.task import Task, task_content
from kit.budget.clock import Clock
from kit.budget.cost import Rates, TaskSize, measure_task, plan_units, unmeasured_rates
from kit.budget.legs import open_legs
from kit.budget.setup import LegsSetup, measure_tasks
from kit.budget.virtual_clock import VirtualClock
from kit.config import Config, make_config
from kit.interrupt import StopGuard
from kit.pipeline import Run, RunSetup
from kit.solve.work import Publish, Solver, WorkItem, WorkResult
from kit.staff import staff
from kit.submit.journal import Journal, replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.observer import SilentObserver
from kit.submit.records import read_result
from kit.submit.submission import SubmissionFile
from kit.workers.virtual import open_virtual_pool

TOLERANCE = 0.2
"""How far off a prediction may be."""

SOURCE = "arc1-train"

_MOST_TOKENS = 1500
"""Tasks of usual size: one giant among eight would decide the ratio alone."""

_OPTIONS = ("solve.legs=ttt", "budget.unit=work", "budget.rounds=1", "budget.time_s=36000")

_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Measured:
    """A real run.

    Attributes:
        wall_s: of its process, from start to end.
        open_s: before the first worker began with its first item.
        close_s: after the last result.
    """

    results: tuple[WorkResult, ...]
    wall_s: float
    open_s: float
    close_s: float


def compare_real(count: int, overrides: Sequence[str]) -> int:
    """Measure, predict, run; 0 where the prediction holds, else 1.

    Raises:
        ValueError, OSError: an option that cannot be used, or a run that broke.
    """
    if count < 1:
        raise ValueError(f"--real must be 1 or more, got {count}")
    options = ("--preset", "cpu", *_OPTIONS, *overrides)
    config = make_config("cpu", [*_OPTIONS, *overrides])
    workers = staff(config).count
    known = _usual_tasks(max(3, 2 * workers) + count, config.seed)
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as name:
        folder = Path(name)
        first = run_real(known[count:], options, folder / "measured")
        rates = rates_of(first, known, config)
        predicted_s = predict(known[:count], config, rates, first, folder / "predicted")
        print(f"predicted {predicted_s:.1f} s for {count} tasks, from {len(known) - count} others")
        second = run_real(known[:count], options, folder / "real")
    ratio = second.wall_s / predicted_s
    holds = abs(ratio - 1) <= TOLERANCE
    print(
        f"took      {second.wall_s:.1f} s: {ratio:.3f} of the prediction, "
        f"{'within' if holds else 'NOT within'} {100 * TOLERANCE:.0f}%"
    )
    return 0 if holds else 1


def _usual_tasks(count: int, seed: int) -> list[Task]:
    tasks = load_dataset(SOURCE).tasks.values()
    usual = [task for task in tasks if measure_task(task).tokens <= _MOST_TOKENS]
    return python_rng(seed, "rehearse-real").sample(usual, count)


def run_real(tasks: Sequence[Task], options: Sequence[str], out: Path) -> Measured:
    """Solve tasks as a submission does.

    Raises:
        ValueError: the run broke; says how.
    """
    out.mkdir(parents=True)
    path = out / "tasks.json"
    path.write_text(
        json.dumps({task.task_id: task_content(task) for task in tasks}), encoding="utf-8"
    )
    words = [sys.executable, str(_ROOT / "submission.py"), "--tasks", str(path)]
    began_s = time.monotonic()
    ran = subprocess.run(
        [*words, "--out", str(out / "run"), *options], capture_output=True, text=True
    )
    wall_s = time.monotonic() - began_s
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise ValueError(f"the real run ended with exit code {ran.returncode}: {last}")
    records = [r for r in replay(out / "run" / JOURNAL_NAME).records if r.kind == "result"]
    ends = [(float(r.data["at_s"]), sum(r.data["stage_s"].values())) for r in records]
    if not ends:
        raise ValueError("the real run brought no result")
    open_s = max(0.0, min(end - spent for end, spent in ends))
    close_s = max(0.0, wall_s - max(end for end, _ in ends))
    return Measured(tuple(read_result(r.data) for r in records), wall_s, open_s, close_s)


def rates_of(run: Measured, tasks: Sequence[Task], config: Config) -> Rates:
    """Seconds per unit of work of what a run measured."""
    sizes = {task.task_id: measure_task(task) for task in tasks}
    rates = unmeasured_rates(2**20, 1)
    for result in run.results:
        units = plan_units(sizes[result.task_id], result.plan, config.finetune.batch_views)
        for stage, amount in units.items():
            if stage in result.stage_s and not result.cut:
                rates = rates.observe(stage, amount, result.stage_s[stage])
    return rates


def predict(
    tasks: Sequence[Task], config: Config, rates: Rates, first: Measured, out: Path
) -> float:
    """Seconds of a run over other tasks: the real loop, scheduler, journal and pool in virtual
    time, each plan at its predicted cost."""
    out.mkdir(parents=True)
    clock, staffing = VirtualClock(), staff(config)
    sizes = measure_tasks(tasks)
    setup = LegsSetup(
        config.budget, sizes, config.seed, config.budget.time_s, workers=staffing.count,
        threads=staffing.threads, has_search=False, batch_views=config.finetune.batch_views,
        samples_per_view=config.generate.samples_per_view, rates=rates,
    )  # fmt: skip

    def opens(own: VirtualClock, scratch: Path) -> Solver:
        return PredictedSolver(own, rates, sizes, config.finetune.batch_views)

    executor = open_virtual_pool(clock, staffing, opens, first.open_s, out)
    submission = SubmissionFile(out / SUBMISSION_NAME, tasks)
    journal = Journal(out / JOURNAL_NAME, 0)
    run_setup = RunSetup(tuple(tasks), config, clock, 0.0, config.budget.time_s)
    Run(
        run_setup, open_legs(setup), executor, journal, submission, SilentObserver(), StopGuard()
    ).work()
    return clock.now_s() + first.close_s


class PredictedSolver:
    """Implements `Solver`: takes the seconds that are predicted for a plan, and finds nothing."""

    def __init__(
        self, clock: VirtualClock, rates: Rates, sizes: Sequence[TaskSize], batch_views: int
    ) -> None:
        self._clock, self._rates, self._batch_views = clock, rates, batch_views
        self._sizes = {size.task_id: size for size in sizes}

    def solve(self, item: WorkItem, clock: Clock, publish: Publish) -> WorkResult:
        """See `Solver.solve`."""
        units = plan_units(self._sizes[item.plan.task_id], item.plan, self._batch_views)
        seconds = {name: self._rates.curve(name).seconds(size) for name, size in units.items()}
        left_s = item.deadline_s - self._clock.now_s()
        spent_s = math.fsum(seconds.values())
        self._clock.advance(min(spent_s, left_s))
        counts = {"steps": item.plan.num_steps, "completions": 1}
        return WorkResult(
            item.task.task_id, item.plan, (), (), seconds, counts, cut=spent_s > left_s
        )

    def close(self) -> None:
        """Nothing is held."""
