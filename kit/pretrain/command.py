"""`python -m kit pretrain`: train the bundled model and write it as a Hugging Face folder.

Example: python -m kit pretrain --re-arc path/to/re-arc --out checkpoints/first --steps 3000
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from kit.arc.datasets import load_dataset
from kit.arc.task import Task
from kit.augment.views import View
from kit.engine.machine import keep_freed_memory
from kit.pretrain.corpus import Corpus, CorpusConfig, load_re_arc, rules_of_pairs, view_tokens
from kit.pretrain.dev_tasks import DEV_TASKS
from kit.pretrain.export import export_model, model_card
from kit.pretrain.procedural import held_out_views
from kit.pretrain.recipe import train
from kit.pretrain.rules.catalogue import held_out_rules, training_rules
from kit.pretrain.run import BUNDLED_SHAPE, CHECKPOINT, PretrainConfig, Run

MAX_HELD_OUT_TOKENS = 1500
NUM_HELD_OUT_RULES = 100
"""Questions of held-out rules: about two of each."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and model")
    parser.add_argument("--re-arc", type=Path, help="folder with re_arc*.jsonl[.xz] files")
    parser.add_argument("--steps", type=int, default=3000, help="optimiser steps in all")
    parser.add_argument("--minutes", type=float, help="stop after so long; resume later")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def run(args: argparse.Namespace) -> int:
    """Train, save, and export when all steps are done. Exit code 0 (also when time was up)."""
    keep_freed_memory()
    tasks = load_dataset("arc1-train").tasks
    generated = load_re_arc(args.re_arc) if args.re_arc else []
    original = rules_of_pairs({i: task.train for i, task in tasks.items()})
    rules = training_rules()
    print(
        f"corpus: {len(generated)} re-arc rules, {len(original)} ARC-AGI-1 training tasks, "
        f"{len(rules)} procedural rules, random programs"
    )
    config = PretrainConfig(seed=args.seed)
    state = Run(BUNDLED_SHAPE, config, args.threads)
    if args.resume and (args.out / CHECKPOINT).is_file():
        state.load(args.out)
    elif (args.out / CHECKPOINT).is_file():
        raise FileExistsError(f"{args.out / CHECKPOINT} is there already: --resume goes on from it")
    print(f"model: {BUNDLED_SHAPE.num_parameters():,} weights, step {state.step} of {args.steps}")
    questions = [view for i in DEV_TASKS if (view := _held_out_view(tasks[i])) is not None]
    held_out = {
        "tasks": questions,
        "rules": held_out_views(held_out_rules(), NUM_HELD_OUT_RULES, args.seed),
    }
    seconds = float("inf") if args.minutes is None else 60 * args.minutes
    corpus = Corpus(generated, original, CorpusConfig(), rules, programs=True)
    if train(state, corpus, held_out, args.steps, args.out, seconds):
        card = model_card(state, len(generated), len(original), len(rules))
        export_model(state.weights, state.shape, args.out / "model", card)
        print(f"wrote {args.out / 'model'}")
    else:
        print(f"time is up at step {state.step} of {args.steps}; --resume goes on")
    return 0


def _held_out_view(task: Task) -> View | None:
    """The last demonstration of a development task, asked behind the others; None if too long."""
    *examples, last = task.train
    view = View(task.task_id, None, tuple(examples), last.input, last.output)
    return view if view_tokens(view) <= MAX_HELD_OUT_TOKENS else None
