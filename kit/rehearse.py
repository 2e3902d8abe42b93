"""`python -m kit rehearse`: the contest's run before it costs a submission, in minutes.

What it does: reads the options, plans the machine, swaps a placeholder and then hidden tasks into
simulated mounts of both layouts, rehearses once per seed and prints what came of it. What it does
not: rehearse itself (`kit.rehearsal`), or run real engines (`kit.rehearse_real`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.arguments import refuse_given
from kit.arc.exits import EXIT_REFUSED
from kit.contest import SMOKE_S, SMOKE_STEPS, SMOKE_TASKS
from kit.engine.cards import MACHINES
from kit.engine.known_shapes import SHAPES
from kit.rehearsal import Stage, rehearse, set_stage
from kit.rehearsal_mount import LAYOUTS, Mount, hidden_tasks
from kit.rehearsal_outcome import Outcome
from kit.rehearsal_report import outcome_line, stage_text, summary_text
from kit.rehearse_real import compare_real
from kit.solve.rehearsed_luck import Chances
from kit.validate.command import run_command

EXIT_OVER_TIME = 1

# What a rehearsal takes for what is not given; with --real none of it is read.
_DEFAULTS: Mapping[str, str | float | None] = {
    "like": "kaggle-l4x4",
    "hours": 12.0,
    "tasks": 240,
    "seeds": 1,
    "model": "qwen3-4b",
    "accuracy": "0.3,0.05,0.02",
    "costs": None,
    "speedup": 0.0,
}

_SHARED_MEMORY = Path("/dev/shm")


def main(argv: Sequence[str]) -> int:
    """Rehearse; the exit code: 1 where a run was over time or off its prediction."""
    about = "rehearse a contest's run on a machine that is not there"
    return run_command("rehearse", about, _add_arguments, _run, argv)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--like", metavar="M", help=f"one of {', '.join(MACHINES)} (default: kaggle-l4x4)")
    add("--hours", type=float, help="that the contest allows (default: 12)")
    add("--tasks", type=int, metavar="N", help="hidden tasks (default: 240)")
    add("--seeds", type=int, metavar="N", help="rehearsals (default: 1)")
    add(
        "--model", metavar="SHAPE",
        help=f"a model folder, or a shape: {', '.join(SHAPES)} (default: qwen3-4b)",
    )  # fmt: skip
    add(
        "--accuracy", metavar="A,B,C",
        help="assumed: of trained tasks, untrained ones, by search (default: 0.3,0.05,0.02)",
    )  # fmt: skip
    add(
        "--costs", type=Path, metavar="FILE",
        help='measured ones, e.g. {"train_token_s": 0.0004} (default: a card\'s table predicts)',
    )  # fmt: skip
    add(
        "--speedup", type=float, metavar="X",
        help="pass time X times as fast as it is (default: as fast as can be computed)",
    )  # fmt: skip
    add(
        "--real", type=int, metavar="N",
        help="instead: N tasks with this machine's own engines at real speed, against what a "
        "rehearsal predicts",
    )  # fmt: skip
    add(
        "--set", action="append", default=[], dest="overrides", metavar="key=value",
        help="any option of the run, e.g. budget.num_steps=64",
    )  # fmt: skip


def _run(args: argparse.Namespace) -> int:
    try:
        if args.real is not None:
            refuse_given(args, _DEFAULTS, "is not read with --real, which runs this machine")
            return compare_real(args.real, args.overrides)
        for name, value in _DEFAULTS.items():
            if getattr(args, name) is None:
                setattr(args, name, value)
        _check(args)
        return _rehearse(args)
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_REFUSED


def _rehearse(args: argparse.Namespace) -> int:
    chances = _chances(args.accuracy)
    stage = set_stage(args.like, args.model, args.hours, chances, args.overrides, args.costs)
    print(stage_text(stage), flush=True)
    outcomes = []
    for seed in range(args.seeds):
        outcomes.append(perform(stage, args.tasks, seed, args.speedup))
        print(outcome_line(outcomes[-1]), flush=True)
    print(summary_text(outcomes))
    return EXIT_OVER_TIME if any(outcome.over_time for outcome in outcomes) else 0


def _check(args: argparse.Namespace) -> None:
    """Refuse numbers that make no sense."""
    for name in ("tasks", "seeds"):
        if (value := getattr(args, name)) < 1:
            raise ValueError(f"--{name} must be 1 or more, got {value}")
    if not 0.05 <= args.hours <= 48:
        raise ValueError(f"--hours must be 0.05 to 48, got {args.hours:g}")
    if not 0 <= args.speedup < float("inf"):
        raise ValueError(f"--speedup must be 0 or more, got {args.speedup:g}")


def _chances(text: str) -> Chances:
    """Three probabilities.

    Raises:
        ValueError: something else.
    """
    what = f"--accuracy {text}: three numbers of 0 to 1 are needed, e.g. 0.3,0.05,0.02"
    try:
        trained, base, search = map(float, text.split(","))
    except ValueError as error:
        raise ValueError(what) from error
    if not all(0 <= value <= 1 for value in (trained, base, search)):
        raise ValueError(what)
    return Chances(trained, base, search)


def perform(stage: Stage, tasks: int, seed: int, speedup: float = 0.0) -> Outcome:
    """Rehearse one seed: the placeholder first, in the smoke mode of the notebook, then the hidden
    tasks in its place; seeds take the layouts in turn.

    Raises:
        ValueError: a run wrote into its input.
    """
    # Forcing every answer to a real disk would take longer than all the rest.
    place = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="rehearsal-", dir=place) as name:
        folder = Path(name)
        mount = Mount(folder / "input", LAYOUTS[seed % len(LAYOUTS)])
        try:
            if seed < len(LAYOUTS):
                mount.put(hidden_tasks(SMOKE_TASKS, -1 - seed))
                budget = replace(stage.config.budget, time_s=SMOKE_S, num_steps=SMOKE_STEPS)
                smoke = replace(stage, config=replace(stage.config, budget=budget))
                _guarded(smoke, mount, folder / "smoke", seed, speedup)
            mount.put(hidden_tasks(tasks, seed))
            return _guarded(stage, mount, folder / "run", seed, speedup)
        finally:
            mount.release()


def _guarded(stage: Stage, mount: Mount, out: Path, seed: int, speedup: float) -> Outcome:
    """A rehearsal whose input must stay as it was."""
    before = mount.digest()
    outcome = rehearse(stage, mount.root, out, seed, speedup)
    if mount.digest() != before:
        raise ValueError(f"{mount.root}: the run has changed its input")
    return outcome
