"""`python -m kit trace FILE`: record what every amount of work on many tasks brings and costs.

What it does: reads the options, opens workers, records until all is there or the time is up; a
second call goes on. Packs a finished trace, and says what a recording would cost. What it does not:
decide what is worth recording by itself, or replay (`python -m kit replay`).
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from kit.arc.exits import EXIT_REFUSED
from kit.budget.clock import SystemClock
from kit.budget.cost import unmeasured_rates
from kit.config import PRESETS, Config, format_duration, make_config, parse_duration
from kit.pretrain.dev_tasks import DEVELOPMENT
from kit.solve.toolbox import ToolboxSettings
from kit.solve.wire import to_plain
from kit.solve.work import SolverSpec
from kit.staff import check_model, model_bytes
from kit.validate.command import run_command
from kit.validate.traces_file import PACKED, TraceFile, pack, read_trace
from kit.validate.traces_head import make_head
from kit.validate.traces_plan import Levels, find_tasks
from kit.validate.traces_record import Recorder, Recording
from kit.validate.traces_solver import FACTORY, Seconds
from kit.workers.executor import Staffing, WorkersLost, open_executor

_LEVELS = Levels()


def main(argv: Sequence[str]) -> int:
    """Record, pack or describe a trace; its exit code."""
    text = "record what every amount of work on many tasks brings and costs"
    return run_command("trace", text, _add_arguments, _run, argv)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, help="the trace, .jsonl; what is in it is gone on with")
    add(
        "--tasks", action="append", metavar="SET",
        help=f"{DEVELOPMENT} (the 40 development tasks, the default), a set, a file or a folder; "
        "may be given several times",
    )  # fmt: skip
    add("--limit", type=int, metavar="N", help="the N cheapest of them")
    _add_levels(parser)
    add("--time-limit", metavar="T", help="stop after this long, e.g. 2h; call again to go on")
    add("--workers", type=int, default=1, help="processes of one thread each (default: 1)")
    add(
        "--clock", choices=get_args(Seconds), default="cpu",
        help="cpu: other users of the machine do not count; wall: for GPUs (default: cpu)",
    )  # fmt: skip
    add("--estimate", action="store_true", help="only say what it would cost")
    add("--pack", type=Path, metavar=f"FILE{PACKED}", help="only write a checked, compressed copy")
    add("--evaluation", action="store_true", help="allow public evaluation tasks: reporting only")
    add("--preset", default="cpu", help=f"one of {', '.join(PRESETS)} (default: cpu)")
    add("--seed", type=int, default=0, help="of every draw (default: 0)")
    add("overrides", nargs="*", metavar="key=value", help="any option, e.g. finetune.lr=1e-3")


def _add_levels(parser: argparse.ArgumentParser) -> None:
    """What is recorded of every task."""
    for name, kind, text in (
        ("steps", _whole, "of training; 0 asks the base model as it is"),
        ("again", _whole, "of these, under a second seed"),
        ("views", _whole, "that each adapter is asked under"),
        ("slices", _seconds, "of searches"),
    ):
        values = getattr(_LEVELS, name)
        parser.add_argument(
            f"--{name}", type=kind, default=values, metavar="N,N",
            help=f'{text}; "" for none (default: {_said(values)})',
        )  # fmt: skip
    parser.add_argument(
        "--score-views", type=int, default=_LEVELS.score_views, metavar="N",
        help="that candidates are scored under; 0 for none (default: 8)",
    )  # fmt: skip


def _whole(text: str) -> tuple[int, ...]:
    """Whole numbers behind each other.

    Raises:
        ArgumentTypeError: something else.
    """
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"whole numbers like 0,30,60, got {text!r}") from error


def _seconds(text: str) -> tuple[float, ...]:
    """Seconds behind each other.

    Raises:
        ArgumentTypeError: something else.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"seconds like 0.3,3,30, got {text!r}") from error


def _said(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _run(args: argparse.Namespace) -> int:
    try:
        if args.pack is not None:
            return _pack(args.file, args.pack)
        return _record(args)
    except (ValueError, OSError, WorkersLost) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED if not isinstance(error, WorkersLost) else 1


def _pack(path: Path, out: Path) -> int:
    """Write a packed copy."""
    if out.suffix != PACKED:
        raise ValueError(f"--pack {out}: its name must end in {PACKED}")
    size = pack(path, out)
    trace = read_trace(out)
    pieces = sum(len(held.pieces) for held in trace.tasks.values())
    print(f"{out}: {len(trace.tasks)} tasks, {pieces} pieces, {size / 2**20:.2f} MiB")
    return 0


def _record(args: argparse.Namespace) -> int:
    """Record, or say what that would cost."""
    levels = Levels(args.steps, args.again, args.views, args.score_views, args.slices)
    if args.workers < 1 or (args.limit is not None and args.limit < 1):
        raise ValueError("--workers and --limit must be 1 or more")
    limit_s = parse_duration(args.time_limit, "--time-limit") if args.time_limit else math.inf
    config = make_config(args.preset, [f"seed={args.seed}", *args.overrides])
    if levels.steps:
        check_model(config.solve.model)
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="trace-") as temporary:
        recording = Recording(
            tasks=find_tasks(args.tasks or [DEVELOPMENT], args.evaluation)[: args.limit],
            levels=levels,
            rank=config.rank,
            seed=config.seed,
            batch_views=config.finetune.batch_views,
            memo=Path(temporary) / "kept",
            clock=clock,
            stop_s=clock.now_s() + limit_s,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
        toolbox = _toolbox(config)
        head = make_head(toolbox, config.rank, levels, config.seed, args.clock)
        file = TraceFile(args.file, head, keep=not args.estimate)
        recorder = Recorder(recording, file, unmeasured_rates(model_bytes(config), 1))
        print(_cost_text(recording, recorder))
        if not args.estimate:
            done = _work(args, toolbox, recording, recorder, Path(temporary))
            print(f"{args.file}: {done} of {len(recording.tasks)} tasks are whole")
    return 0


def _toolbox(config: Config) -> ToolboxSettings:
    return ToolboxSettings(
        config.solve, config.augment, config.finetune, config.generate, config.programs
    )


def _cost_text(recording: Recording, recorder: Recorder) -> str:
    """What is left to do, and what it will take."""
    left_s = recorder.estimate_s()
    return (
        f"{len(recording.tasks)} tasks, {recorder.num_open()} of them not whole yet: at most "
        f"{format_duration(left_s)} of one worker ({left_s / 3600:.1f} CPU-hours)"
    )


def _work(
    args: argparse.Namespace,
    toolbox: ToolboxSettings,
    recording: Recording,
    recorder: Recorder,
    folder: Path,
) -> int:
    """Record with open workers; tasks that are whole.

    Raises:
        WorkersLost: none can be started.
    """
    settings = {
        "toolbox": to_plain(toolbox), "memo": str(recording.memo), "seconds": args.clock,
    }  # fmt: skip
    config = make_config(args.preset, args.overrides).workers
    spec = SolverSpec(FACTORY, settings)
    executor = open_executor(config, spec, Staffing(args.workers, 1), folder, recording.clock)
    try:
        return recorder.record(executor)
    finally:
        executor.close()
