"""`python -m kit bench effect`: what test-time training adds on the development tasks.

Every task is worked on twice under every seed with the same plan and views, once without any
optimiser step. Differences are paired by task; their interval is a bootstrap over tasks.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from kit.arc.solutions import dataset_solutions
from kit.arc.task import Solutions, Task
from kit.validate import paired
from kit.validate.bench_effect_run import (
    ARMS,
    BASE,
    TTT,
    Job,
    Method,
    Outcome,
    OutcomeFile,
    cheap_outcomes,
    judge,
    made_with,
    work_off,
)
from kit.validate.bench_report import BenchSettings, Machine, Report, Spread, Table
from kit.validate.bench_tasks import SOURCE, development_tasks

DEFAULT_OUT = Path("runs/bench-effect.jsonl")

Score = Callable[[Outcome], float]

SCORES: Mapping[str, Score] = {
    "tasks solved": lambda outcome: outcome.share,
    "whole tasks": lambda outcome: float(all(outcome.solved)),
    "outputs right": lambda outcome: float(sum(outcome.solved)),
    "outputs in pool": lambda outcome: float(sum(outcome.oracle)),
}
"""Column -> what one task adds to it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--limit", type=int, help="the N smallest development tasks (default: all 40)")
    add("--seeds", type=int, default=3, help="from --seed on (default: 3)")
    add("--workers", type=int, default=1, help="processes of one thread each (default: 1)")
    add("--out", type=Path, default=DEFAULT_OUT, help=f"kept and gone on with ({DEFAULT_OUT})")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Work on what is not in the file yet, then report on all of it.

    Raises:
        ValueError: options that leave nothing to do, or a file of other options.
        OSError: the file cannot be written, or a worker died.
    """
    if min(args.seeds, args.workers) < 1 or (args.limit is not None and args.limit < 1):
        raise ValueError("--seeds, --workers and --limit must be 1 or more")
    method = Method(settings.toolbox, settings.budget, settings.rank)
    tasks = development_tasks()[: args.limit]
    seeds = range(settings.seed, settings.seed + args.seeds)
    solutions = dataset_solutions(SOURCE)
    held = OutcomeFile(args.out, made_with(method))
    with tempfile.TemporaryDirectory() as scratch:
        # The largest first, so that no worker is left alone with it at the end.
        jobs = [
            Job(seed, task, method, Path(scratch))
            for task in reversed(tasks)
            for seed in seeds
            if not held.has(seed, task.task_id)
        ]
        _work(jobs, args.workers, held, solutions)
    wanted = {(seed, task.task_id) for seed in seeds for task in tasks}
    newest = {(o.seed, o.task_id, o.arm): o for o in held.outcomes}
    outcomes = [newest[key] for key in sorted(newest) if key[:2] in wanted]
    return make_report(outcomes, tasks, seeds, solutions)


def _work(jobs: Sequence[Job], workers: int, held: OutcomeFile, solutions: Solutions) -> None:
    """Fill the file; one line per job on stderr."""
    for number, (job, answers) in enumerate(work_off(jobs, workers), 1):
        outcomes = [judge(answer, job, solutions) for answer in answers]
        held.add(outcomes)
        shares = ", ".join(f"{o.arm} {o.share:.2f} in {o.seconds:.1f} s" for o in outcomes)
        line = f"{number} of {len(jobs)}: seed {job.seed}, {job.task.task_id}: {shares}"
        print(line, file=sys.stderr, flush=True)


def make_report(
    outcomes: Sequence[Outcome], tasks: Sequence[Task], seeds: Sequence[int], solutions: Solutions
) -> Report:
    """Tables of outcomes that hold both arms of every task and seed."""
    by_arm = {arm: [o for o in outcomes if o.arm == arm] for arm in ARMS}
    cheap = cheap_outcomes(tasks, solutions)
    num_outputs = sum(len(task.test) for task in tasks)
    rows = [_arm_row(arm, held, seeds) for arm, held in by_arm.items()]
    # A guess has no pool, and takes no time worth a word.
    guessed = [f"{sum(map(score, cheap)):.1f}" for score in list(SCORES.values())[:-1]]
    rows.append(["cheap guesses", *guessed, "-", "-"])
    differences = {
        name: paired_difference(by_arm[TTT], by_arm[BASE], score, seeds[0])
        for name, score in SCORES.items()
    }
    tables = (
        Table(
            f"{len(tasks)} development tasks, {num_outputs} outputs, {len(seeds)} seed(s); "
            "median (min-max) over seeds, seconds over all",
            ("", *SCORES, "seconds a task"),
            rows,
        ),
        Table(
            f"{TTT} minus {BASE}: mean over seeds, 95% bootstrap interval over tasks",
            ("", "difference", "interval", "better", "worse", "equal"),
            [_difference_row(name, found) for name, found in differences.items()],
        ),
    )
    failures = [f"{o.task_id}, seed {o.seed}, {o.arm}: {o.failure}" for o in outcomes if o.failure]
    data = {
        "tasks": [task.task_id for task in tasks],
        "seeds": list(seeds),
        "outputs": num_outputs,
        "arms": {arm: _arm_data(held, seeds) for arm, held in by_arm.items()},
        "cheap_guesses": {name: sum(map(score, cheap)) for name, score in SCORES.items()},
        "differences": differences,
        "failures": failures,
    }
    notes = (f"{len(failures)} failures, the first: {failures[0]}",) if failures else ()
    return Report(tables, data, notes)


def _arm_data(outcomes: Sequence[Outcome], seeds: Sequence[int]) -> dict[str, list[float]]:
    """Column -> its sum under each seed; and all seconds."""
    sums = {
        name: [sum(score(o) for o in outcomes if o.seed == seed) for seed in seeds]
        for name, score in SCORES.items()
    }
    return {**sums, "seconds": [o.seconds for o in outcomes]}


def _arm_row(arm: str, outcomes: Sequence[Outcome], seeds: Sequence[int]) -> list[str]:
    data = _arm_data(outcomes, seeds)
    return [arm, *(Spread(tuple(values)).text(1) for values in data.values())]


def paired_difference(
    ours: Sequence[Outcome], theirs: Sequence[Outcome], score: Score, seed: int
) -> dict[str, float]:
    """How much more `ours` has in all, see `kit.validate.paired`."""
    before = {(o.task_id, o.seed): score(o) for o in theirs}
    after = {(o.task_id, o.seed): score(o) for o in ours}
    found = asdict(paired.paired_difference(after, before, seed))
    return {name: value for name, value in found.items() if name != "tasks"}


def _difference_row(name: str, found: Mapping[str, float]) -> list[str]:
    return [
        name,
        f"{found['difference']:+.2f}",
        f"{found['low']:+.2f} to {found['high']:+.2f}",
        *(str(found[key]) for key in ("better", "worse", "equal")),
    ]
