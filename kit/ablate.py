"""`python -m kit ablate`: what each part of test-time training is worth, with one change at a time.

What it does: reads the options, resolves every variant's overrides, says what will be run and what
it will take, runs what is not in the folder yet, and writes tables and pictures. A call after any
kind of end goes on where the last one stopped; `--dry-run` stops before the work. What it does not:
work on tasks (`kit.validate.ablate_run`) or compare (`kit.validate.ablate_report`).
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from kit.ablate_methods import check_models, known_methods, wanted_methods
from kit.arc.exits import EXIT_REFUSED
from kit.arc.task import Task
from kit.config import PRESETS, format_duration, make_config, parse_duration
from kit.submit.lock import FolderLock
from kit.validate.ablate_base import transform_lines
from kit.validate.ablate_cost import Cost, measured_rates, predict
from kit.validate.ablate_jobs import method_digests, run_all, undone
from kit.validate.ablate_report import find, markdown, write_report
from kit.validate.ablate_run import Method
from kit.validate.ablate_store import Store
from kit.validate.ablate_tasks import find_tasks
from kit.validate.ablate_variants import GROUPS
from kit.validate.command import run_command

DESCRIPTION = (
    "Compare variants of test-time training on the same tasks, seeds and step budget; every way "
    "of choosing from the same candidates; and other uses of the same time."
)
DEFAULT_OUT = Path("runs/ablation")


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""

    def run(args: argparse.Namespace) -> int:
        try:
            return _run(args, shlex.join(["python", "-m", "kit", "ablate", *argv]))
        except (ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_REFUSED

    return run_command("ablate", DESCRIPTION, _add_arguments, run, argv)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--tasks", action="append", metavar="WHAT", help="dev (default), a set, file or folder")
    add("--ids-file", type=Path, metavar="FILE", help="task ids to work on, one a line")
    add("--solutions", metavar="PATH", help="their answers (default: as far as known)")
    add("--max-tokens", type=int, help="leave larger tasks out")
    add("--limit", type=int, help="the N smallest of them")
    add("--seeds", type=int, default=1, help="from --seed on (default: 1)")
    add("--seed", type=int, default=0, help="the first one (default: 0)")
    add("--budget", metavar="T", help="begin nothing new after this time: 90s, 30m, 2h30m")
    add("--variants", metavar="A,B", help=f"names, {', '.join(GROUPS)}, or all (default: paper)")
    add("--base", action="append", default=[], metavar="NAME=DIR", help="try this model too")
    add("--workers", type=int, default=1, help="processes of one thread each (default: 1)")
    add("--preset", default="cpu", help=f"one of {', '.join(PRESETS)} (default: cpu)")
    add("--out", type=Path, default=DEFAULT_OUT, help=f"kept and gone on with ({DEFAULT_OUT})")
    add("--dry-run", action="store_true", help="say what it will take, then stop")
    add("overrides", nargs="*", metavar="key=value", help="any option, e.g. budget.num_steps=60")


def _run(args: argparse.Namespace, command: str) -> int:
    """Prepare, predict, work, report."""
    if min(args.seeds, args.workers) < 1:
        raise ValueError("--seeds and --workers must be 1 or more")
    config = make_config(args.preset, [f"seed={args.seed}", *args.overrides])
    end_s = time.monotonic() + (
        parse_duration(args.budget, "--budget") if args.budget else float("inf")
    )
    known, reasons = known_methods(args, config)
    methods, skipped = wanted_methods(args, config, known, reasons)
    check_models(methods)
    tasks, solutions = find_tasks(
        args.tasks, args.ids_file, args.solutions, args.max_tokens, args.limit
    )
    args.out.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(args.out)
    try:
        store = Store(args.out)
        store.check(method_digests(methods, tasks))
        about = (*transform_lines(config.augment), *skipped)
        print("\n".join(about))
        if args.dry_run:
            _predict(args, methods, tasks, store)
            return 0
        try:
            _work(args, methods, tasks, store, end_s)
        finally:
            # Also of what was done before something broke.
            digests = method_digests(known, tasks)
            held = [m for m in known if store.holds(m.variant.name, digests[m.variant.name])]
            kind = "CPU" if methods[0].cpu_time else "wall"
            missing = undone(methods, tasks, _seeds(args), store)
            head = [*_machine(command), f"seconds are {kind} time of a worker", *about]
            head += [missing] if missing else []
            by_id = {task.task_id: task for task in tasks}
            findings = find(store.entries(), held, by_id, solutions, args.seed, head)
            write_report(args.out, findings)
            print(f"{markdown(findings)}\ntables and pictures in {args.out}")
    finally:
        lock.release()
    return 0


def _work(
    args: argparse.Namespace,
    methods: Sequence[Method],
    tasks: Sequence[Task],
    store: Store,
    end_s: float,
) -> None:
    """Say what it will take, then do it."""
    _predict(args, methods, tasks, store)
    store.announce(method_digests(methods, tasks))
    with tempfile.TemporaryDirectory(prefix="ablate-") as scratch:
        work = run_all(methods, tasks, _seeds(args), store, args.workers, Path(scratch), end_s)
        for line in work:
            print(line, file=sys.stderr, flush=True)


def _predict(
    args: argparse.Namespace, methods: Sequence[Method], tasks: Sequence[Task], store: Store
) -> None:
    """Say what it will take."""
    with tempfile.TemporaryDirectory(prefix="ablate-") as scratch:
        rates = measured_rates(methods, tasks, store, Path(scratch))
    costs = predict(methods, tasks, _seeds(args), store, rates)
    print(_cost_text(costs, len(tasks), args.workers), flush=True)


def _seeds(args: argparse.Namespace) -> range:
    return range(args.seed, args.seed + args.seeds)


def _cost_text(costs: Sequence[Cost], num_tasks: int, workers: int) -> str:
    """What will be run, as lines."""
    width = max(len(cost.name) for cost in costs)
    lines = [f"{num_tasks} tasks, predicted seconds of one worker:"]
    lines += [
        f"  {cost.name:<{width}}  {cost.jobs:>5} of {cost.whole} to do  {cost.seconds:>9.0f} s"
        for cost in costs
    ]
    whole_s = sum(cost.seconds for cost in costs)
    shared = f", {format_duration(whole_s / workers)} with {workers} workers" if workers > 1 else ""
    return "\n".join([*lines, f"  in all {format_duration(whole_s)} of one worker{shared}"])


def _machine(command: str) -> list[str]:
    """Lines about what was run where."""
    from kit.validate.bench_report import measure_machine

    machine = measure_machine(1)
    return [
        f"`{command}`",
        f"{machine.cpu}, {machine.cores} core(s), 1 thread per worker, torch {machine.torch}, "
        f"float32 {machine.float32_flops / 1e9:.0f} GFLOP/s per thread",
    ]
