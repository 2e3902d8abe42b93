"""`python -m kit bench NAME`: what the kit is worth, measured.

What it does: reads the options that all benchmarks share, measures the machine, runs one of them
and prints its report. What it does not: measure anything else itself.
"""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from kit.arc.exits import EXIT_REFUSED
from kit.arc.names import did_you_mean
from kit.config import PRESETS, Config, make_config
from kit.solve.toolbox import ToolboxSettings
from kit.validate.command import run_command

# Benchmark -> (its module, the preset it starts from, one line of help).
BENCHES = {
    "train": (
        "kit.validate.bench_train",
        "cpu",
        "tokens/s of training, beside transformers + peft",
    ),
    "sample": ("kit.validate.bench_sample", "cpu", "tokens/s of sampling, beside generate()"),
    "effect": ("kit.validate.bench_effect", "cpu", "what training adds on the development tasks"),
    "search": ("kit.validate.bench_search", "cpu", "tasks that the search solves, by CPU-seconds"),
    "join": ("kit.validate.bench_join", "cpu", "programs, training, and the rules that join them"),
    "faults": ("kit.validate.bench_faults", "smoke", "short runs with random faults, a table"),
    "kills": ("kit.validate.bench_kills", "smoke", "kill -9 at random moments, then --resume"),
    "workers": ("kit.validate.bench_workers", "smoke", "what two workers cost beside two runs"),
}


def main(argv: Sequence[str]) -> int:
    """Run the benchmark named by the first argument; its exit code."""
    name, *rest = argv or ["--help"]
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name not in BENCHES:
        hint = did_you_mean(name, BENCHES)
        print(f"error: {name}: no such benchmark{hint}; bench --help lists them", file=sys.stderr)
        return EXIT_REFUSED
    module_name, preset, text = BENCHES[name]
    module = importlib.import_module(module_name)

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        _add_shared_arguments(parser, preset)
        module.add_arguments(parser)

    def run(args: argparse.Namespace) -> int:
        try:
            return _run(module, args, shlex.join(["python", "-m", "kit", "bench", *argv]))
        except (ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_REFUSED

    return run_command(f"bench {name}", text, add_arguments, run, rest)


def _add_shared_arguments(parser: argparse.ArgumentParser, preset: str) -> None:
    """Options of every benchmark."""
    add = parser.add_argument
    add("--preset", default=preset, help=f"one of {', '.join(PRESETS)} (default: {preset})")
    add("--threads", type=int, default=1, help="of torch; 0 for all cores (default: 1)")
    add("--seed", type=int, default=0, help="of every draw (default: 0)")
    add("--json", action="store_true", help="print one line of JSON with all measurements")
    add("overrides", nargs="*", metavar="key=value", help="any option, e.g. solve.dtype=float32")


def _run(module: Any, args: argparse.Namespace, command: str) -> int:
    """Measure and print; exit code 0, or 1 when a promise was broken."""
    from kit.validate.bench_report import (
        BenchSettings,
        measure_machine,
        report_json,
        report_text,
        usable_threads,
    )

    if args.threads < 0:
        raise ValueError(f"--threads must be 1 or more, or 0 for all cores, got {args.threads}")
    config = make_config(args.preset, [f"seed={args.seed}", *args.overrides])
    settings = BenchSettings(
        toolbox=_toolbox(config),
        budget=config.budget,
        rank=config.rank,
        seed=config.seed,
        options=("--preset", args.preset, *args.overrides),
        threads=args.threads or usable_threads(),
    )
    machine = measure_machine(settings.threads)
    report = module.run(args, settings, machine)
    show = report_json if args.json else report_text
    print(show(machine, command, config.seed, report))
    return 1 if report.failed else 0


def _toolbox(config: Config) -> ToolboxSettings:
    return ToolboxSettings(
        config.solve, config.augment, config.finetune, config.generate, config.programs
    )


def _help() -> str:
    """All benchmarks."""
    lines = [f"  {name:<8} {text}" for name, (_, _, text) in BENCHES.items()]
    return "\n".join(["usage: python -m kit bench NAME [...]; NAME --help says more", *lines])
