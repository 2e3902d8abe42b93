"""`python -m kit bench train`: useful tokens per second of test-time training, side by side.

The same views, model, dtype, LoRA and threads go through the kit's trainer, through
`transformers.Trainer` with peft at several batch sizes, and through the kit's reference trainer,
in turn, several times. Useful tokens are those of views, without padding. The kit's trainers are
timed from views to adapter folder; of `transformers.Trainer` only its steps are.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kit.arc.seeds import derive_seed
from kit.augment.settings import AugmentConfig
from kit.augment.training import training_views
from kit.augment.views import View
from kit.budget.clock import Deadline, SystemClock
from kit.encode import open_encoding
from kit.encode.encoding import Encoding
from kit.engine.model import Model, open_model
from kit.finetune.batches import encode_views
from kit.finetune.peft_trainer import PeftTrainer
from kit.finetune.torch_trainer import TorchTrainer
from kit.finetune.trainer import Trainer
from kit.validate.bench_report import BenchSettings, Machine, Report, Spread, Table, ratio_text
from kit.validate.bench_tasks import development_tasks, spread_over_sizes

KIT, REFERENCE = "kit", "kit, solve.trainer=peft"
MAX_VIEW_TOKENS = 4096
WARMUP_VIEWS = 4

Epoch = Callable[[Sequence[View]], float]
"""Trains on every view once; seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--tasks", type=int, default=6, help="development tasks of mixed size (default: 6)")
    add("--views", type=int, default=24, help="training views of all tasks (default: 24)")
    add("--max-tokens", type=int, default=MAX_VIEW_TOKENS, help="of the longest task")
    add("--repeat", type=int, default=3, help="rounds in which everyone has a turn (default: 3)")
    add("--batches", default="2,4,8", help="batch sizes transformers.Trainer tries")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Measure everyone in turn.

    Raises:
        ValueError: options that leave nothing to measure.
    """
    toolbox = settings.toolbox
    if args.repeat < 1 or toolbox.finetune.method != "lora":
        raise ValueError("--repeat must be 1 or more, and finetune.method must be lora")
    solve = toolbox.solve
    encoding = open_encoding(solve.model, solve.format)
    views = mixed_views(args.tasks, args.views, args.max_tokens, settings.seed, toolbox.augment)
    model = open_model(solve.model, solve.dtype)
    systems = open_systems(settings, model, encoding, [int(b) for b in args.batches.split(",")])
    tokens = [len(e) for e in encode_views("bench", views, encoding)]
    seconds = measure(systems, views, tokens, args.repeat)
    rates = {name: Spread(tuple(sum(tokens) / s for s in held)) for name, held in seconds.items()}
    return _report(rates, tokens, model, machine)


def mixed_views(
    num_tasks: int, num_views: int, max_tokens: int, seed: int, augment: AugmentConfig
) -> list[View]:
    """Training views of several development tasks, one task after the other."""
    tasks = spread_over_sizes(development_tasks(), num_tasks, max_tokens)
    each = max(1, num_views // len(tasks))
    return [
        view
        for task in tasks
        for view in training_views(task, each, derive_seed(seed, "bench", task.task_id), augment)
    ]


def open_systems(
    settings: BenchSettings, model: Model, encoding: Encoding, batches: Sequence[int]
) -> dict[str, Epoch]:
    """Name -> one epoch with it, in the order in which they take turns."""
    # transformers.Trainer takes seconds to import.
    from kit.validate.bench_transformers import TransformersTraining

    solve, config, seed = settings.toolbox.solve, settings.toolbox.finetune, settings.seed
    theirs = TransformersTraining(solve.model, solve.dtype, config, seed)

    def transformers_epoch(batch_views: int) -> Epoch:
        return lambda views: theirs.time_epoch(
            encode_views("bench", views, encoding), batch_views, seed
        )

    ours = TorchTrainer(model, encoding, config)
    reference = PeftTrainer(solve.model, solve.dtype, encoding, config)
    return {
        KIT: _kit_epoch(ours, config.batch_views, seed),
        **{f"transformers.Trainer, batch {b}": transformers_epoch(b) for b in batches},
        REFERENCE: _kit_epoch(reference, config.batch_views, seed),
    }


def _kit_epoch(trainer: Trainer, batch_views: int, seed: int) -> Epoch:
    def epoch(views: Sequence[View]) -> float:
        never = Deadline(math.inf, SystemClock())
        num_steps = -(-len(views) // batch_views)
        with tempfile.TemporaryDirectory() as folder:
            began_s = time.perf_counter()
            _, report = trainer.fit("bench", views, num_steps, seed, Path(folder) / "a", never)
            took_s = time.perf_counter() - began_s
        if report.stopped != "done":
            raise ValueError(f"training stopped after {report.steps} steps: {report.stopped}")
        return took_s

    return epoch


def measure(
    systems: Mapping[str, Epoch], views: Sequence[View], tokens: Sequence[int], repeat: int
) -> dict[str, list[float]]:
    """Seconds of every epoch; A B C A B C, after a short warm-up of each on the longest views."""
    longest = sorted(range(len(views)), key=lambda i: -tokens[i])[:WARMUP_VIEWS]
    for epoch in systems.values():
        epoch([views[i] for i in longest])
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(repeat):
        for name, epoch in systems.items():
            seconds[name].append(epoch(views))
    return seconds


def _report(
    rates: Mapping[str, Spread], tokens: Sequence[int], model: Model, machine: Machine
) -> Report:
    total = sum(tokens)
    # A token of a causal sequence sees half of the sequence in the mean.
    context = round(sum(n * n / 2 for n in tokens) / total)
    flops = 3 * model.shape.flops_per_token(context)
    best = max((n for n in rates if n.startswith("transformers")), key=lambda n: rates[n].median)
    rows = [
        [
            name + (" (best)" if name == best else ""),
            rate.text(),
            f"{flops * rate.median / 1e9:.1f}",
            f"{flops * rate.median / machine.flops(model.dtype):.0%}",
            f"{flops * rate.median / machine.bfloat16_flops:.0%}",
        ]
        for name, rate in rates.items()
    ]
    ratios = {name: ratio_text(rates[KIT], rates[name]) for name in (best, REFERENCE)}
    dtype = str(model.dtype).removeprefix("torch.")
    return Report(
        tables=(
            Table(
                f"LoRA training in {dtype}, {len(tokens)} views of {min(tokens)} to {max(tokens)} "
                f"tokens, {total:,} tokens an epoch, mean context {context}",
                ("trainer", "useful tokens/s", "GFLOP/s", f"of {dtype} matmul", "of bfloat16"),
                rows,
            ),
            Table("speed-up of the kit", ("over", "ratio"), list(ratios.items())),
        ),
        data={
            "dtype": dtype,
            "view_tokens": list(tokens),
            "flops_per_token": flops,
            "tokens_per_s": {name: list(rate.values) for name, rate in rates.items()},
            "best_transformers": best,
            "ratio_of_medians": {n: rates[KIT].median / rates[n].median for n in ratios},
        },
        notes=(
            "median (min-max) over repetitions taken in turn; ratios: of medians (range of pairs)",
            "GFLOP/s counts 3 x forward per useful token, for every trainer alike",
        ),
    )
