"""`python -m kit pretrain`: train the bundled model and write it as a Hugging Face folder.

Example: python -m kit pretrain --re-arc path/to/re-arc --minutes 60
With --base a model that exists is fine-tuned instead: `kit.pretrain.base_command`.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from kit.arc.arguments import refuse_given
from kit.arc.exits import EXIT_REFUSED
from kit.engine.machine import keep_freed_memory
from kit.engine.shape import ModelShape
from kit.pretrain import base_command
from kit.pretrain.corpus import Corpus
from kit.pretrain.export import export_run
from kit.pretrain.re_arc import add_re_arc_option
from kit.pretrain.recipe import Limits, resume, train
from kit.pretrain.run import CHECKPOINT, CheckpointError, Run, read_record
from kit.pretrain.settings import (
    CPU_BATCH_TOKENS,
    GPU_BATCH_TOKENS,
    SIZES,
    Data,
    PretrainConfig,
)
from kit.pretrain.sources import DEFAULT_MIXTURE, Sources, held_out_questions, read_sources
from kit.pretrain.stopping import caught_signals

DEFAULT_OUT = Path("checkpoints/pretrain")
DEFAULT_MINUTES = 60.0
DEFAULT_SIZE = "4m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--minutes", type=float, help="train for so long (default 60)")
    parser.add_argument("--steps", type=int, help="train so many steps in all, instead")
    parser.add_argument("--out", type=Path, help=f"new folder to write to (default {DEFAULT_OUT})")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in DIR")
    parser.add_argument(
        "--no-decay", action="store_true",
        help="keep the learning rate up at the end, for a run that is gone on with (--resume)",
    )  # fmt: skip
    add_re_arc_option(parser)
    parser.add_argument("--size", choices=SIZES, help=f"weights, about (default {DEFAULT_SIZE})")
    parser.add_argument("--seed", type=int, help="(default 0)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    base_command.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train, save, export; a signal ends the run in good order. Exit code 0, 2 or 128 + signal;
    with --base those of `base_command.run`."""
    try:
        _refuse_unread(args)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    if args.base is not None:
        return base_command.run(args)
    keep_freed_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    out = args.resume or args.out or DEFAULT_OUT
    try:
        if args.threads < 1:
            raise ValueError(f"--threads must be 1 or more, got {args.threads}")
        state = _open_run(args, out, device)
        limits = _limits(args, state)
        sources = read_sources(args.re_arc)
        corpus = _feed(state, sources)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    print(f"corpus: {sources.text()}")
    print(
        f"model: {state.shape.num_parameters():,} weights, on {device}, from step {state.step}, "
        f"to {out}"
    )
    with caught_signals() as (stop, caught):
        # The same questions for every seed, so that runs compare.
        held_out = held_out_questions(0)
        over = train(state, corpus, held_out, limits, out, stop)
    export_run(state, sources, out / "model", held_out)
    print(f"wrote {out / 'model'}")
    if over:
        return 0
    re_arc = "" if args.re_arc is None else f" --re-arc {args.re_arc}"
    print(f"stopped at step {state.step}; python -m kit pretrain --resume {out}{re_arc} goes on")
    return 128 + caught[0]


def _refuse_unread(args: argparse.Namespace) -> None:
    """Refuse options of the other way to train, and of a folder that --resume names already."""
    if args.base is None:
        refuse_given(args, base_command.OPTIONS, "only --base FOLDER, fine-tuning, reads it")
    else:
        refuse_given(args, ["size"], "a model of --base has a size already; leave it out")
        refuse_given(args, ["no_decay"], "fine-tuning (--base) always ends decayed; leave it out")
    if args.resume is not None:
        refuse_given(args, ["out"], f"--resume {args.resume} goes on in its folder; leave it out")


def _open_run(args: argparse.Namespace, out: Path, device: str) -> Run:
    """A run from nothing, or the one that is gone on with, as it was made.

    Raises:
        OSError, ValueError: it cannot be read, is of another size or seed, or would be overwritten.
    """
    if args.resume is None:
        if (out / CHECKPOINT).exists():
            raise FileExistsError(
                f"{out / CHECKPOINT}: there is a run already; --resume {out} goes on with it, "
                f"--out names another folder"
            )
        tokens = CPU_BATCH_TOKENS if device == "cpu" else GPU_BATCH_TOKENS
        config = PretrainConfig(batch_tokens=tokens, seed=args.seed or 0)
        shape = SIZES[args.size or DEFAULT_SIZE]
        return Run(shape, config, args.threads, device)
    record = read_record(out / CHECKPOINT)
    shape, config = ModelShape(**record["shape"]), PretrainConfig(**record["config"])
    if args.size is not None and SIZES[args.size] != shape:
        raise ValueError(
            f"--size {args.size}: the run in {out} has {shape.num_parameters():,} weights; "
            "leave it out"
        )
    if args.seed is not None and args.seed != config.seed:
        raise ValueError(f"--seed {args.seed}: the run in {out} has seed {config.seed}")
    run = Run(shape, config, args.threads, device)
    resume(run, out)
    return run


def _feed(state: Run, sources: Sources) -> Corpus:
    """The corpus, put down in the run as what it is trained on from here on.

    Raises:
        CheckpointError: the run was trained on something else so far.
    """
    mixture = asdict(DEFAULT_MIXTURE)
    data = Data(state.step, sources.text(), sources.digest(), mixture)
    if state.data and state.data[-1].digest != data.digest:
        raise CheckpointError(
            f"this run was trained on {state.data[-1].sources}; now there are {data.sources}, or "
            "other pairs of them: give the same --re-arc as before"
        )
    if not state.data or state.data[-1].mixture != data.mixture:
        state.data = (*state.data, data)
    return sources.corpus()


def _limits(args: argparse.Namespace, state: Run) -> Limits:
    """When this start ends; a resumed run of which nothing is said keeps the end it had."""
    if args.steps is not None and args.minutes is not None:
        raise ValueError("from nothing a run ends after --steps or after --minutes, got both")
    begin = state.schedule.decay_begin
    if args.no_decay and begin is not None and state.step > begin:
        raise ValueError(
            f"--no-decay: the decay began at step {begin} and {state.step} are done; let it end, "
            "then a further --resume goes on from before it"
        )
    if args.steps is not None:
        if args.steps <= state.step:
            raise ValueError(f"--steps must be more than the {state.step} done, got {args.steps}")
        end = None if begin is None else begin + state.schedule.decay_steps
        if begin is not None and state.step > begin and args.steps != end:
            raise ValueError(
                f"--steps {args.steps}: the decay began at step {begin} and ends at {end}; let it "
                "end, then a further --resume goes on from before it"
            )
        return Limits(num_steps=args.steps, decays=not args.no_decay)
    if args.minutes is None and state.schedule.decay_begin is not None and not args.no_decay:
        return Limits()
    minutes = DEFAULT_MINUTES if args.minutes is None else args.minutes
    if not 0 < minutes < math.inf:
        raise ValueError(f"--minutes must be a number above 0, got {minutes:g}")
    return Limits(seconds=60 * minutes, decays=not args.no_decay)
