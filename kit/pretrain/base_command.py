"""`python -m kit pretrain --base FOLDER`: fine-tune any Hugging Face causal LM on ARC-like tasks.

The step before test-time training: `OUT/model` is an ordinary folder that the main job takes as
`--model`. Llama-family models train in the kit's engine, others (and 4-bit ones) through
transformers and peft. Options that training from nothing has too (`--out`, `--resume`, `--steps`,
`--minutes`, `--re-arc`, `--seed`, `--threads`) are read from the same arguments.

    python -m kit pretrain --base MODEL --out OUT --format chat --re-arc FILES --steps 300
    python -m kit pretrain --base MODEL --out BASELINE --format chat --without-fine-tuning
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import torch

from kit.arc.exits import EXIT_FAILED, EXIT_REFUSED
from kit.encode import FORMATS, open_encoding
from kit.encode.encoding import Encoding
from kit.engine.machine import DTYPES
from kit.engine.shape import ModelError, read_shape
from kit.engine.threads import set_threads
from kit.pretrain.base_card import base_card
from kit.pretrain.base_export import MergeError, export
from kit.pretrain.base_learner import CHECKPOINT, Diverged, Learner, Trainable, read_checkpoint
from kit.pretrain.base_origin import FORMAT, HELD_OUT, Notes, check_same, origin
from kit.pretrain.base_run import Questions, fine_tune
from kit.pretrain.base_settings import PRESETS, BaseConfig, Method, with_steps
from kit.pretrain.base_tasks import BaseTasks, encoded_questions
from kit.pretrain.sources import read_sources
from kit.pretrain.stopping import caught_signals

HELD_OUT_DEFAULT = 16

# Options that only `--base` reads; None or False where they are not given.
OPTIONS = (
    "preset", "method", "format", "max_tokens", "tasks", "epochs", "batch", "lr", "warmup", "rank",
    "recompute", "engine", "dtype", "device", "held_out", "without_fine_tuning", "without_geometry",
)  # fmt: skip

_ENGINES = ("auto", "torch", "transformers")

# Option -> field of BaseConfig; left out, the preset's value counts.
_FIELDS = {
    "method": "method",
    "steps": "max_steps",
    "tasks": "num_tasks",
    "epochs": "epochs",
    "batch": "batch_tasks",
    "lr": "lr",
    "warmup": "warmup_steps",
    "rank": "rank",
    "max_tokens": "max_tokens",
    "recompute": "recompute",
    "seed": "seed",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that only `--base` has, as a group of their own."""
    group = parser.add_argument_group("fine-tuning a model that there is already")
    group.add_argument("--base", type=Path, metavar="FOLDER", help="Hugging Face causal LM folder")
    group.add_argument("--preset", choices=PRESETS, help="where the other values come from")
    group.add_argument("--method", choices=get_args(Method), help="what is trained")
    group.add_argument("--format", choices=("auto", *FORMATS), help="text format of the tasks")
    group.add_argument("--max-tokens", type=int, help="of one task, in tokens of the model")
    group.add_argument("--tasks", type=int, help="different tasks in all (default with --steps: "
                       "as many as these take)")  # fmt: skip
    group.add_argument("--epochs", type=int, help="how often each task is seen")
    group.add_argument("--batch", type=int, help="tasks per optimiser step")
    group.add_argument("--lr", type=float, help="peak learning rate")
    group.add_argument("--warmup", type=int, help="steps of linear warm-up")
    group.add_argument("--rank", type=int, help="of LoRA; alpha is the same")
    group.add_argument("--recompute", action="store_true", default=None, help="save memory: keep "
                       "no activations, compute them again in the backward pass")  # fmt: skip
    group.add_argument("--engine", choices=_ENGINES, help="what trains (default auto)")
    group.add_argument("--dtype", choices=("auto", *DTYPES), help="of frozen weights and of "
                       "products (default auto)")  # fmt: skip
    group.add_argument("--device", help="cpu, cuda, cuda:1 ... (default: a GPU if there is one)")
    group.add_argument("--held-out", type=int, help="questions of each kind, asked "
                       f"before, during and after (default {HELD_OUT_DEFAULT})")  # fmt: skip
    group.add_argument("--without-fine-tuning", action="store_true", help="ask the held-out "
                       "questions, write the base as it is: the row to compare with")  # fmt: skip
    group.add_argument("--without-geometry", action="store_true", help="no symmetries")


@dataclass(frozen=True, slots=True)
class _Job:
    """Everything that was asked for, checked and opened."""

    learner: Learner
    tasks: BaseTasks
    encoding: Encoding
    out: Path
    notes: Notes


def run(args: argparse.Namespace) -> int:
    """Fine-tune, save, write the model. Exit code 0, 1 where training diverged or the adapter could
    not be merged, 2 for what is refused before anything is begun, 128 + signal."""
    try:
        job = _open_job(args)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    held_out = _ask_about(args, job)
    seconds = math.inf if args.minutes is None else 60 * args.minutes
    with caught_signals() as (stop, caught):
        try:
            over = fine_tune(job.learner, job.tasks, held_out, job.out, job.notes, seconds, stop)
        except Diverged as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_FAILED
    card = base_card(job.learner, args.base, job.encoding.name, job.notes, job.out)
    try:
        written = export(job.learner, args.base, job.encoding.name, job.out, card)
    except MergeError as error:
        print(f"error: {error}; the adapter itself is in {job.out / 'adapter'}", file=sys.stderr)
        return EXIT_FAILED
    print(f"wrote {written.model}" + (f" and {written.adapter}" if written.adapter else ""))
    if over:
        return 0
    print(f"stopped at step {job.learner.step}; --resume {job.out} goes on")
    return 128 + caught[0] if caught else 0


def _open_job(args: argparse.Namespace) -> _Job:
    """Check the request and open what it names.

    Raises:
        OSError, ValueError: it cannot be met; says why.
    """
    base, out = args.base, args.resume or args.out
    if out is None:
        raise ValueError("--base needs --out FOLDER to write to, or --resume FOLDER")
    if args.minutes is not None and not args.minutes > 0:
        raise ValueError(f"--minutes must be more than 0, got {args.minutes:g}")
    if args.held_out is not None and args.held_out < 0:
        raise ValueError(f"--held-out must be 0 or more, got {args.held_out}")
    if not args.resume and (out / CHECKPOINT).exists():
        raise FileExistsError(
            f"{out / CHECKPOINT}: there is a run already; --resume {out} goes on with it, "
            f"--out names another folder"
        )
    config, device = _config(args), _device(args)
    engine = _engine(args, config)
    there = read_checkpoint(out).notes if args.resume else {}
    encoding = open_encoding(base, args.format or str(there.get(FORMAT, "auto")))
    if args.held_out is None:
        args.held_out = there.get(HELD_OUT, HELD_OUT_DEFAULT)
    sources = read_sources(args.re_arc)
    notes = origin(base, encoding.name, args.held_out, sources.counts())
    if args.resume:
        check_same(there, notes, out / CHECKPOINT)
    set_threads(args.threads)
    tasks = BaseTasks(sources.generated, sources.original, sources.rules, encoding, config)
    learner = Learner(_open_base(args, config, engine, device), config, device)
    if args.resume:
        learner.load(out)
    print(
        f"base: {base}, {learner.trained.num_weights:,} weights, {config.method} on "
        f"{learner.device}, step {learner.step} of {config.num_steps()}, to {out}"
    )
    return _Job(learner, tasks, encoding, out, notes)


def _config(args: argparse.Namespace) -> BaseConfig:
    """The preset with what was said otherwise; in a resumed run nothing may be otherwise."""
    # Seed 0 is the default of the option, which cannot be told from nothing said.
    said = {option: getattr(args, option) for option in _FIELDS if option != "seed"}
    said["seed"] = args.seed or None
    fields = {_FIELDS[option]: value for option, value in said.items() if value is not None}
    if "rank" in fields:
        fields["alpha"] = float(fields["rank"])
    if args.without_geometry:
        fields |= {"wrap_share": 0.0, "symmetries": False}
    if args.without_fine_tuning and args.resume:
        raise ValueError("--without-fine-tuning has nothing to go on with, got --resume")
    if not args.resume:
        config = with_steps(replace(PRESETS[args.preset or "default"], **fields), fields)
        return replace(config, max_steps=0) if args.without_fine_tuning else config
    there = read_checkpoint(args.resume).config
    wanted = replace(there, **fields)
    if args.preset:
        wanted = with_steps(replace(PRESETS[args.preset], **fields), fields)
    differences = wanted.differences(there)
    if differences:
        raise ValueError(
            f"a resumed run keeps its settings, but these differ (wanted, there): "
            f"{'; '.join(differences)}"
        )
    return there


def _device(args: argparse.Namespace) -> str:
    if args.device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(args.device).type
    except RuntimeError:  # its text lists two dozen kinds of device that the kit cannot use
        kind = ""
    if kind not in ("cpu", "cuda") or (kind == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"--device must be cpu, or cuda where there is one, got {args.device}")
    return str(args.device)


def _engine(args: argparse.Namespace, config: BaseConfig) -> str:
    """What can train the base: the kit's engine where it knows the architecture."""
    if args.engine == "torch" and config.method == "4bit":
        raise ValueError("--method 4bit needs --engine transformers, got torch")
    try:
        read_shape(args.base)
    except ModelError:
        if args.engine == "torch":
            raise
        return "transformers"
    if args.engine in (None, "auto"):
        return "transformers" if config.method == "4bit" else "torch"
    return str(args.engine)


def _open_base(args: argparse.Namespace, config: BaseConfig, engine: str, device: str) -> Trainable:
    dtype = args.dtype or "auto"
    if engine == "torch":
        from kit.pretrain.base_engine import EngineBase

        return EngineBase(args.base, dtype, device, config)
    from kit.pretrain.base_transformers import TransformersBase

    return TransformersBase(args.base, dtype, device, config)


def _ask_about(args: argparse.Namespace, job: _Job) -> Questions:
    if not args.held_out:
        return {}
    found = encoded_questions(job.encoding, job.learner.config, args.held_out)
    print("held-out: " + (", ".join(f"{len(q)} of {n}" for n, q in found.items()) or "none fit"))
    return found
