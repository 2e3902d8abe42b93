"""`python -m kit bench faults`: short runs with random faults, each looked at from outside.

Every run has a budget drawn from --shortest to --longest (one in ten up to three times that) and
meets one fault at a random moment; one that the fault ends is resumed with the time that is left.
Looked at are: whether it ended within its budget, counted from the moment it was started;
whether the submission was valid before, behind and at the end; whether answers or results that were
there are gone; whether the exit code is the right one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kit.validate.bench_faults_kinds import pick_kinds
from kit.validate.bench_faults_trial import LEAST_RESUME_S, Outcome, draw_trial, run_trial
from kit.validate.bench_kills import FIRST_FILE_S, PROGRAM, write_tasks
from kit.validate.bench_report import BenchSettings, Machine, Report, Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--runs", type=int, default=14, help="runs, kinds of faults in turn (default: 14)")
    add("--kinds", metavar="A,B", help="only faults with one of these words in their names")
    add("--shortest", type=float, default=20.0, help="seconds (default: 20)")
    add("--longest", type=float, default=60.0, help="seconds (default: 60)")
    add("--tasks", type=int, default=100, help="smallest training tasks to work on (default: 100)")
    add("--workers", type=int, default=2, help="worker processes of a run (default: 2)")
    add("--keep", type=Path, help="folder for the runs, kept (default: a temporary one)")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Run, harm, look.

    Raises:
        ValueError: options that leave nothing to do.
    """
    if min(args.runs, args.tasks, args.workers) < 1:
        raise ValueError("--runs, --tasks and --workers must be 1 or more")
    if not LEAST_RESUME_S < args.shortest <= args.longest:
        raise ValueError(
            f"--shortest must be above {LEAST_RESUME_S:g} and at most --longest, "
            f"got {args.shortest:g} and {args.longest:g}"
        )
    kinds = pick_kinds(args.kinds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.keep or Path(temporary)).resolve()
        if folder.is_dir() and any(folder.iterdir()):
            raise ValueError(f"--keep {folder}: must be an empty or a new folder")
        tasks = write_tasks(folder / "tasks", args.tasks)
        command = [
            *(sys.executable, str(PROGRAM), "--tasks", str(folder / "tasks")),
            "budget.training_share=0.5",
            *settings.options,
            f"seed={settings.seed}",
            f"workers.count={args.workers}",
        ]
        outcomes = []
        for number in range(args.runs):
            trial = draw_trial(number, kinds, (args.shortest, args.longest), settings.seed)
            outcome = run_trial(trial, command, folder, tasks, settings.rank)
            print(outcome.line(), file=sys.stderr, flush=True)
            outcomes.append(outcome)
    return make_report(outcomes, args.runs)


def make_report(outcomes: Sequence[Outcome], runs: int) -> Report:
    """One row for each kind of fault, one for all."""
    kinds = list(dict.fromkeys(outcome.trial.kind.name for outcome in outcomes))
    groups = [(name, [o for o in outcomes if o.trial.kind.name == name]) for name in kinds]
    rows = [_row(name, group) for name, group in [*groups, ("all", list(outcomes))]]
    bad = [outcome for outcome in outcomes if not outcome.is_fine()]
    headings = (
        "fault", "runs", "struck", "past the deadline", "latest end", "first file, last",
        "invalid files", "tasks finished", "lost tasks", "wrong exit codes",
    )  # fmt: skip
    slow = sum(outcome.first_s > FIRST_FILE_S for outcome in outcomes)
    return Report(
        tables=(Table(f"{runs} runs with faults", headings, rows),),
        data={"runs": [_plain(outcome) for outcome in outcomes]},
        notes=(
            f"{len(outcomes) - len(bad)} of {len(outcomes)} runs kept every promise; "
            f"{slow} had no file within {FIRST_FILE_S:g} s",
            *(outcome.line() for outcome in bad),
        ),
        failed=bool(bad),
    )


def _row(name: str, group: Sequence[Outcome]) -> list[str]:
    seen = [outcome.first_s for outcome in group if outcome.first_s < float("inf")]
    return [
        name,
        str(len(group)),
        str(sum(outcome.struck for outcome in group)),
        str(sum(outcome.late_s > 0 for outcome in group)),
        f"{max(outcome.late_s for outcome in group):+.2f} s",
        f"{max(seen):.2f} s" if seen else "-",
        str(sum(bool(outcome.problems) for outcome in group)),
        str(sum(outcome.finished for outcome in group)),
        str(sum(len(outcome.lost) for outcome in group)),
        str(sum(not outcome.is_right_code() for outcome in group)),
    ]


def _plain(outcome: Outcome) -> dict[str, object]:
    """An outcome as JSON values."""
    return {
        "fault": outcome.trial.kind.name,
        "budget_s": outcome.trial.budget_s,
        "strike_s": round(outcome.trial.strike_s, 3),
        "struck": outcome.struck,
        "late_s": round(outcome.late_s, 3),
        "first_s": round(outcome.first_s, 3) if outcome.first_s < float("inf") else None,
        "finished": outcome.finished,
        "lost": list(outcome.lost),
        "problems": list(outcome.problems),
        "code": outcome.code,
    }
