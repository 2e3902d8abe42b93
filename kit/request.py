"""The command line of a run, read into one value.

What it does: knows the options of `submission.py` and `python -m kit solve`, and answers a wrong
one with the nearest right one. What it does not: touch files or start anything.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.arguments import ArgumentsError, RaisingParser
from kit.config import PRESETS, Config, ConfigError, make_config, nearest, parse_duration

DEFAULT_OUT = Path("runs/latest")

DESCRIPTION = """\
Solve ARC tasks by program search and test-time training and write submission.json.

With no arguments: the tasks of the contest on Kaggle, else the 400 public ARC-AGI-1 evaluation
tasks, with the bundled model. submission.json is written to the current folder, or to --out when
it is given; everything else of a run lies in --out."""

EXAMPLES = """\
examples:
  python submission.py --time-budget 10m
  python submission.py --tasks arc2-eval --limit 20 --preset smoke
  python submission.py --tasks my_tasks/ --out runs/mine finetune.lr=5e-4 rank.method=vote
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for.

    Attributes:
        tasks: name, file or folder; None for the default of this machine.
        solutions: name or path of the answers, only ever shown to the progress display.
        out: run folder.
        out_given: whether `submission.json` belongs into `out` too.
        ids: tasks to work on, in the given order; empty for all.
        limit: work on this many tasks at most; None for all.
        budget_given: whether the user or the preset chose the time (else the machine's default
            counts).
    """

    config: Config
    preset: str
    tasks: str | None
    solutions: str | None
    out: Path
    out_given: bool
    ids: tuple[str, ...]
    limit: int | None
    resume: bool
    plan_only: bool
    budget_given: bool


def parse_request(argv: Sequence[str], prog: str = "submission.py") -> Request:
    """The request spelled by command-line arguments.

    Raises:
        ConfigError: an unknown option or a bad value, in one line.
        SystemExit: --help was asked for (code 0).
    """
    parser = _make_parser(prog)
    try:
        known, rest = parser.parse_known_intermixed_args(list(argv))
    except ArgumentsError as error:
        raise ConfigError(str(error)) from error
    for word in (*known.overrides, *rest):
        if word.startswith("-"):
            options = re.findall(r"--[a-z-]+", parser.format_usage())
            name = word.partition("=")[0]
            raise ConfigError(
                f"{name}: no such option{nearest(name, options)}; --help lists them all"
            )
    return _to_request(known)


def _to_request(known: argparse.Namespace) -> Request:
    """The request held by parsed arguments; named options become overrides, so that there is one
    way to set a value, and `key=value` wins over them."""
    overrides = []
    if known.time_budget is not None:
        overrides.append(f"budget.time_s={parse_duration(known.time_budget)!r}")
    if known.seed is not None:
        overrides.append(f"seed={known.seed}")
    if known.model is not None:
        overrides.append(f"solve.model={known.model}")
    if known.format is not None:
        overrides.append(f"solve.format={known.format}")
    if known.program_server is not None:
        overrides.append(f"programs.server={known.program_server}")
    if known.allow_weak_sandbox:
        overrides.append("programs.allow_weak_sandbox=true")
    if known.executor is not None:
        overrides.append(f"workers.executor={known.executor}")
    if known.ray_address is not None:
        if known.executor != "ray":
            raise ConfigError(f"--ray-address {known.ray_address}: needs --executor ray")
        overrides.append(f"workers.ray_address={known.ray_address}")
    overrides += known.overrides
    if known.limit is not None and known.limit < 1:
        raise ConfigError(f"--limit {known.limit}: must be at least 1")
    return Request(
        config=make_config(known.preset, overrides),
        preset=known.preset,
        tasks=known.tasks,
        solutions=known.solutions,
        out=known.out or DEFAULT_OUT,
        out_given=known.out is not None,
        ids=_split_ids(known.ids),
        limit=known.limit,
        resume=known.resume,
        plan_only=known.plan_only,
        budget_given=any(
            word.startswith("budget.time_s=") for word in (*PRESETS[known.preset], *overrides)
        ),
    )


def _split_ids(text: str | None) -> tuple[str, ...]:
    """Task ids separated by commas, each once."""
    if text is None:
        return ()
    ids = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not ids:
        raise ConfigError(f"--ids {text!r}: no task id in it; write them as a1b2c3d4,e5f6a7b8")
    return ids


def _make_parser(prog: str) -> argparse.ArgumentParser:
    """The options of part "Running", with help."""
    parser = RaisingParser(
        prog=prog,
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--time-budget", metavar="T", help="wall time of the whole process: 90s, 10m, 12h, 1h30m")
    add("--tasks", metavar="WHAT", help="a name (arc1-eval, arc2-eval ...), a JSON file, a folder")
    add("--solutions", metavar="PATH", help="answers, to show what is solved so far")
    add("--model", metavar="PATH", help="folder of a Hugging Face causal LM (default: bundled)")
    add("--format", metavar="NAME", help="how grids become text for that model (solve.format)")
    add("--program-server", metavar="URL", help="a language model's server that writes programs")
    add(
        "--allow-weak-sandbox",
        action="store_true",
        help="run such programs where no strong sandbox works (see python -m kit doctor)",
    )
    add("--executor", metavar="NAME", help="who works: pool (default), inline, or ray: a cluster")
    add("--ray-address", metavar="A", help="the cluster: HOST:PORT, auto (default) or local")
    add("--out", metavar="DIR", type=Path, help=f"run folder (default: {DEFAULT_OUT})")
    add("--preset", metavar="NAME", default="cpu", help=f"one of {', '.join(PRESETS)}")
    add("--ids", metavar="A,B", help="work on these tasks only; the others keep a cheap guess")
    add("--limit", metavar="N", type=int, help="work on N tasks at most")
    add("--seed", metavar="N", type=int, help="of every draw in the run (default 0)")
    add("--resume", action="store_true", help="go on in --out; what is done is not repeated")
    add("--plan-only", action="store_true", help="print what would be done, then stop")
    add("overrides", nargs="*", metavar="key=value", help="any option, e.g. finetune.lr=5e-4")
    return parser
