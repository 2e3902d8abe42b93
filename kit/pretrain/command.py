"""`python -m kit pretrain`: train the bundled model and write it as a Hugging Face folder.

Example: python -m kit pretrain --re-arc path/to/re-arc --minutes 60
With --base a model that exists is fine-tuned instead: `kit.pretrain.base_command`.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path

import torch

from kit.arc.datasets import load_dataset
from kit.arc.task import Task
from kit.augment.views import View
from kit.engine.machine import keep_freed_memory
from kit.pretrain import base_command
from kit.pretrain.corpus import (
    Corpus,
    CorpusConfig,
    RecordedRule,
    load_re_arc,
    rules_of_pairs,
    view_tokens,
)
from kit.pretrain.dev_tasks import DEV_TASKS
from kit.pretrain.export import Source, export_run
from kit.pretrain.procedural import held_out_views
from kit.pretrain.recipe import Limits, resume, train
from kit.pretrain.rules.catalogue import held_out_rules, training_rules
from kit.pretrain.rules.rule import Rule
from kit.pretrain.run import CHECKPOINT, Run
from kit.pretrain.settings import SIZES, PretrainConfig

MAX_HELD_OUT_TOKENS = 1500
NUM_HELD_OUT_RULES = 100
"""Questions of held-out rules: about two of each."""

DEFAULT_OUT = Path("checkpoints/pretrain")
DEFAULT_MINUTES = 60.0
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--minutes", type=float, help="train for so long (default 60)")
    parser.add_argument("--steps", type=int, help="train so many steps in all, instead")
    parser.add_argument("--out", type=Path, help=f"new folder to write to (default {DEFAULT_OUT})")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in DIR")
    parser.add_argument("--re-arc", type=Path, help="folder with re_arc*.jsonl[.xz] files")
    parser.add_argument("--size", choices=SIZES, default="4m", help="weights, about")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    base_command.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train, save, export; a signal ends the run in good order. Exit code 0, 2 or 128 + signal."""
    if args.base is not None:
        return base_command.run(args)
    keep_freed_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    state = Run(SIZES[args.size], PretrainConfig(seed=args.seed), args.threads, device)
    out = args.resume or args.out or DEFAULT_OUT
    try:
        _take_up(state, args, out)
        generated, original, rules = sources(args.re_arc)
        limits = _limits(args, state)
    except (FileNotFoundError, FileExistsError, ValueError) as error:
        print(f"error: {error}")
        return EXIT_REFUSED
    source = Source(len(generated), len(original), len(rules))
    corpus = Corpus(generated, original, CorpusConfig(), rules, programs=True)
    print(f"corpus: {source.text()}")
    print(
        f"model: {state.shape.num_parameters():,} weights, on {device}, from step {state.step}, "
        f"to {out}"
    )
    stop, caught = threading.Event(), []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: (caught.append(got), stop.set()))
    over = train(state, corpus, held_out_questions(args.seed), limits, out, stop)
    export_run(state, source, out / "model")
    if over:
        print(f"wrote {out / 'model'}")
        return 0
    print(f"stopped at step {state.step}; --resume {out} goes on")
    return 128 + caught[0]


def _take_up(state: Run, args: argparse.Namespace, out: Path) -> None:
    if args.resume:
        resume(state, args.resume)
    elif (out / CHECKPOINT).exists():
        raise FileExistsError(
            f"{out / CHECKPOINT}: there is a run already; --resume {out} goes on with it, "
            f"--out names another folder"
        )


def _limits(args: argparse.Namespace, state: Run) -> Limits:
    if args.steps is not None and args.minutes is not None:
        raise ValueError("from nothing a run ends after --steps or after --minutes, got both")
    if args.steps is not None:
        if args.steps <= state.step:
            raise ValueError(f"--steps must be more than the {state.step} done, got {args.steps}")
        return Limits(num_steps=args.steps)
    minutes = DEFAULT_MINUTES if args.minutes is None else args.minutes
    if minutes <= 0:
        raise ValueError(f"--minutes must be more than 0, got {minutes:g}")
    return Limits(seconds=60 * minutes)


def sources(re_arc: Path | None) -> tuple[list[RecordedRule], list[RecordedRule], list[Rule]]:
    """What there is to train on: re-arc if given, ARC-AGI-1's training tasks, procedural rules."""
    tasks = load_dataset("arc1-train").tasks
    original = rules_of_pairs({i: task.train for i, task in tasks.items()})
    return load_re_arc(re_arc) if re_arc else [], original, list(training_rules())


def held_out_questions(seed: int) -> dict[str, list[View]]:
    """Questions about what nothing is trained on: development tasks, and whole generators."""
    tasks = load_dataset("arc1-train").tasks
    questions = [view for i in DEV_TASKS if (view := _held_out_view(tasks[i])) is not None]
    return {
        "development tasks": questions,
        "held-out rules": held_out_views(held_out_rules(), NUM_HELD_OUT_RULES, seed),
    }


def _held_out_view(task: Task) -> View | None:
    """The last demonstration of a development task, asked behind the others; None if too long."""
    *examples, last = task.train
    view = View(task.task_id, None, tuple(examples), last.input, last.output)
    return view if view_tokens(view) <= MAX_HELD_OUT_TOKENS else None
