"""`python -m kit replay TRACE...`: recorded outcomes under any policy and budget, in seconds.

What it does: reads the options, compares the kit's scheduler with fixed orders and an oracle over
traces (`python -m kit trace`), fits the value table. What it does not: run anything on a task.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.exits import EXIT_REFUSED
from kit.budget.legs import open_legs
from kit.budget.policy import Level, Policy
from kit.budget.setup import LegsSetup, measure_tasks
from kit.budget.value import Table
from kit.budget.value_fit import calibration_text, fit_table, table_module
from kit.budget.value_table import TABLE
from kit.config import PRESETS, Config, make_config, parse_duration
from kit.rank.choose import RankConfig
from kit.solve.wire import from_plain
from kit.validate.command import run_command
from kit.validate.replay_curves import (
    POLICIES,
    Comparison,
    Request,
    compare,
    halves,
    usual_budgets,
    whole_tasks,
)
from kit.validate.replay_fit import make_examples
from kit.validate.replay_report import report_text, write_csv, write_svg
from kit.validate.replay_world import World
from kit.validate.traces import Trace, TracedTask
from kit.validate.traces_file import read_traces


def main(argv: Sequence[str]) -> int:
    """Replay traces; the exit code."""
    return run_command(
        "replay", "replay traces under any policy and budget", _add_arguments, _run, argv
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("traces", nargs="+", type=Path, metavar="TRACE", help="files of python -m kit trace")
    add(
        "--policy", default=",".join(POLICIES), metavar="P,P",
        help=f"of {', '.join(POLICIES)} (default: all)",
    )  # fmt: skip
    add(
        "--budget", metavar="T,T", help="wall times for half of the tasks, e.g. 30s,2m (default: "
        "nine from a hundredth to all of the recorded work)",
    )  # fmt: skip
    add("--seeds", type=int, default=1, help="recorded seeds and id orders (default: 1)")
    add("--workers", type=int, default=2, help="that are simulated (default: 2)")
    add("--csv", type=Path, help="write the curves as CSV")
    add("--svg", type=Path, help="write the curves as a picture")
    add("--fit", type=Path, metavar="FILE.py", help="write the value table fitted on all tasks")
    add("--preset", default="cpu", help=f"one of {', '.join(PRESETS)} (default: cpu)")
    add(
        "--set", action="append", default=[], dest="overrides", metavar="key=value",
        help="any option of the scheduler, e.g. budget.search_floor_s=0.1",
    )  # fmt: skip


def _run(args: argparse.Namespace) -> int:
    try:
        return _replay(args)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED


def _replay(args: argparse.Namespace) -> int:
    """Fit where that is possible, compare, write."""
    policies, budgets_s = _policies(args.policy), _budgets(args.budget)
    if min(args.seeds, args.workers) < 1:
        raise ValueError("--seeds and --workers must be 1 or more")
    config = make_config(args.preset, args.overrides)
    trace = read_traces(args.traces)
    tasks = whole_tasks(trace)
    fitted, tested = halves(tasks)
    if not fitted or not tested:
        raise ValueError(
            f"{len(tasks)} tasks are whole of {len(trace.tasks)}: too few for two halves"
        )
    left_out = len(trace.tasks) - len(tasks)
    print(f"{len(tasks)} tasks recorded whole, {left_out} left out; {_machine_text(trace)}")
    world = World(tasks, _rank(trace))
    table = _fit(args, trace, world, fitted, tested)
    comparison = Comparison(
        world=world,
        fitted=fitted,
        tested=tested,
        levels=trace.head["levels"],
        budgets_s=budgets_s or usual_budgets(tested, args.workers),
        stop_after=lambda budget_s: _budget(config, budget_s).budget.stop_after_s(),
        workers=args.workers,
        seeds=args.seeds,
        table=table,
    )
    curves = compare(comparison, lambda request: _ours(request, config, trace), policies)
    print(report_text(comparison, curves))
    if args.csv is not None:
        write_csv(args.csv, comparison, curves)
    if args.svg is not None:
        write_svg(args.svg, comparison, curves)
    return 0


def _policies(text: str) -> list[str]:
    """The names of policies.

    Raises:
        ValueError: there is no such policy.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names or [text]:
        if name not in POLICIES:
            raise ValueError(f"--policy {name}: no such policy; there are {', '.join(POLICIES)}")
    return names


def _budgets(text: str | None) -> list[float]:
    return sorted(
        parse_duration(part, "--budget") for part in (text or "").split(",") if part.strip()
    )


def _budget(config: Config, budget_s: float) -> Config:
    return replace(config, budget=replace(config.budget, time_s=budget_s))


def _machine_text(trace: Trace) -> str:
    machine, model = trace.head["machine"], trace.head["model"]
    return f"on {machine['cpu']} ({machine['seconds']} seconds), model {model['name']}"


def _rank(trace: Trace) -> RankConfig:
    return from_plain(RankConfig, trace.head["rank"])


def _fit(
    args: argparse.Namespace,
    trace: Trace,
    world: World,
    fitted: Sequence[TracedTask],
    tested: Sequence[TracedTask],
) -> Table:
    """The table fitted on one half; with --fit its calibration is printed, and one fitted on all
    tasks is written."""
    views = int(trace.head["levels"]["score_views"])
    ours = make_examples(world.part(fitted), views)
    source = _provenance(trace)
    table = fit_table(ours, TABLE, f"fitted on {len(fitted)} tasks {source}")
    if args.fit is not None:
        theirs = make_examples(world.part(tested), views)
        print(f"value table fitted on {len(fitted)} tasks, on {len(tested)} others:")
        print(calibration_text(table, theirs))
        whole, count = make_examples(world, views), len(world.tasks)
        final = fit_table(whole, TABLE, f"fitted on {count} tasks {source}")
        args.fit.write_text(table_module(final), encoding="utf-8")
        print(f"written to {args.fit}: fitted on all {count} tasks")
    return table


def _provenance(trace: Trace) -> str:
    """Where a fitted table comes from."""
    sources = sorted({held.source for held in trace.tasks.values()})
    model = trace.head["model"]
    digest = next(iter(model["files"].values()), "none")
    return f"of {', '.join(sources)}, model {model['name']} ({digest})"


def _ours(request: Request, config: Config, trace: Trace) -> Policy:
    """The scheduler of a run, over the recorded levels."""
    levels = trace.head["levels"]
    scores = sorted({0, int(levels["score_views"])})
    grid = itertools.product(levels["steps"], levels["views"], scores)
    setup = LegsSetup(
        config=_budget(config, request.budget_s).budget,
        sizes=measure_tasks(request.tasks),
        seed=request.seed,
        stop_s=request.stop_s,
        workers=request.workers,
        has_model=bool(levels["steps"]),
        has_search=bool(levels["slices"]),
        model_bytes=int(trace.head["model"]["bytes"]),
        batch_views=int(trace.head["options"]["finetune"]["batch_views"]),
        levels=tuple(Level(*level) for level in grid),
        slices_s=tuple(sorted(levels["slices"])),
        table=request.table or TABLE,
    )
    return open_legs(setup)
