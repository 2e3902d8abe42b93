"""`python -m kit few-shot`: the same test-time training on text tasks, scored by exact match.

python -m kit few-shot --make tasks.jsonl                    # three kinds x 60 items
python -m kit few-shot tasks.jsonl --model path/to/model     # the table
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.exits import EXIT_REFUSED
from kit.budget.clock import Deadline, SystemClock
from kit.finetune.trainer import FinetuneConfig
from kit.texts.encoding import (
    DEFAULT_MAX_TOKENS,
    STOP,
    STOP_GAPPED,
    STOP_REASONING,
    TextPairEncoding,
)
from kit.texts.made import KINDS, write_tasks
from kit.texts.solve import (
    MODES,
    Asking,
    Mode,
    TaskAnswers,
    TextTools,
    answer_task,
    can_match,
)
from kit.texts.task import TextTask, items, read_lines, read_tasks, text
from kit.validate.command import run_command

NUM_TRAIN, NUM_ITEMS = 10, 60
"""Demonstrations and items of a made task; ten demonstrations as in the paper's second
benchmark."""
DESCRIPTION = "Test-time training on tasks of text, scored by exact match."


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    return run_command("few-shot", DESCRIPTION, _add_arguments, _run, argv)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tasks", type=Path, nargs="?", help="JSONL file, one task a line")
    parser.add_argument("--make", type=Path, metavar="FILE", help="write made tasks and end")
    parser.add_argument("--model", type=Path, help="Hugging Face folder of a causal LM")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--steps", type=int, default=40, help="of training on each task")
    parser.add_argument("--batch", type=int, default=2, help="views of a step")
    parser.add_argument("--rank", type=int, default=64, help="of the LoRA adapters")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--limit", type=int, help="test items of a task, at most")
    parser.add_argument("--minutes", type=float, default=math.inf, help="of all work together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def _run(args: argparse.Namespace) -> int:
    """Write tasks, or answer and score them."""
    try:
        if args.make:
            write_tasks(args.make, NUM_TRAIN, NUM_ITEMS, args.seed)
            tested = NUM_ITEMS - NUM_TRAIN
            print(
                f"wrote {args.make}: {len(KINDS)} tasks of {NUM_TRAIN} demonstrations and "
                f"{tested} test items"
            )
            return 0
        _check(args)
        if args.tasks is None or args.model is None:
            raise ValueError("needs a file of tasks and --model FOLDER; --make writes such a file")
        tasks = [_cut(task, args.limit) for task in read_tasks(args.tasks)]
        truth = read_outputs(args.tasks)
        with tempfile.TemporaryDirectory(prefix="kit-texts-") as scratch:
            tools = _open(args, Path(scratch))
            for task in tasks:
                _note_unmatched(task, truth[task.task_id], tools, args.modes)
            _table(tasks, truth, tools, args)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse numbers that nothing can be done with."""
    for name in ("steps", "batch", "rank", "threads", "limit"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be 1 or more, got {value}")
    if not args.lr > 0 or not args.minutes > 0:
        raise ValueError(f"--lr and --minutes must be above 0, got {args.lr:g}, {args.minutes:g}")


def read_outputs(path: Path) -> dict[str, list[str]]:
    """Outputs of the test items by task id, for scoring alone.

    Raises:
        FileNotFoundError, TextTaskError: the file holds no outputs.
    """
    return {
        text(place, value, "id"): [
            text(place, item, "output") for item in items(place, value, "test")
        ]
        for place, value in read_lines(path)
    }


def num_right(answers: Sequence[str], truth: Sequence[str]) -> int:
    """Exact matches, white space around an answer aside."""
    return sum(a.strip() == b.strip() for a, b in zip(answers, truth, strict=True))


def _cut(task: TextTask, limit: int | None) -> TextTask:
    return TextTask(task.task_id, task.instruction, task.train, task.test[:limit])


def _open(args: argparse.Namespace, scratch: Path) -> TextTools:
    """The kit's own trainer and samplers on one copy of the weights."""
    from kit.engine.machine import choose_device
    from kit.engine.model import open_model
    from kit.engine.threads import set_threads
    from kit.finetune.torch_trainer import TorchTrainer
    from kit.generate.torch_sampler import TorchSampler

    set_threads(args.threads)
    model = open_model(args.model, "auto", choose_device("auto"))
    stops = (STOP, STOP_GAPPED, STOP_REASONING)
    encodings = [TextPairEncoding(args.model, DEFAULT_MAX_TOKENS, stop) for stop in stops]
    config = FinetuneConfig(
        rank=args.rank, alpha=float(args.rank), lr=args.lr, batch_views=args.batch
    )
    # Training looks at views alone, and not at what stops an answer.
    trainer = TorchTrainer(model, encodings[0], config)  # type: ignore[arg-type]
    askings = (Asking(how, TorchSampler(model, how)) for how in encodings)
    return TextTools(trainer, *askings, args.steps, args.batch, scratch)


def _note_unmatched(
    task: TextTask, truth: Sequence[str], tools: TextTools, modes: Sequence[Mode]
) -> None:
    """Say before any work what scores nothing whatever a model writes."""
    asked = truth[: len(task.test)]
    lost = {mode: sum(not can_match(o, task, mode, tools) for o in asked) for mode in modes}
    if any(lost.values()):
        counts = ", ".join(f"{n} of {len(asked)} in {mode}" for mode, n in lost.items() if n)
        print(
            f"note: {task.task_id}: outputs that no answer can match: {counts}; they are longer "
            "than the room for answers, or not read back as they are",
            file=sys.stderr,
            flush=True,
        )


@dataclass(slots=True)
class _Total:
    """What one mode came to over all tasks."""

    right: int = 0
    unfit: int = 0
    seconds: float = 0.0


def _table(
    tasks: Sequence[TextTask],
    truth: dict[str, list[str]],
    tools: TextTools,
    args: argparse.Namespace,
) -> None:
    """Print right answers by task and mode, with the seconds that they took."""
    end_s = SystemClock().now_s() + 60 * args.minutes
    print(f"| task | items | {' | '.join(args.modes)} |")
    print("|---|---|" + "---|" * len(args.modes), flush=True)
    totals: dict[Mode, _Total] = {mode: _Total() for mode in args.modes}
    for task in tasks:
        cells = []
        for mode in args.modes:
            total, begin = totals[mode], time.monotonic()
            answers = answer_task(task, mode, tools, args.seed, Deadline(end_s, SystemClock()))
            right = num_right(answers.texts, truth[task.task_id][: len(task.test)])
            total.right += right
            total.unfit += len(answers.unfit)
            total.seconds += time.monotonic() - begin
            cells.append(f"{right} ({100 * right / len(answers.texts):.0f}%)")
            _note_unfit(task.task_id, mode, answers)
        print(f"| {task.task_id} | {len(task.test)} | {' | '.join(cells)} |", flush=True)
    _print_totals([totals[mode] for mode in args.modes], sum(len(task.test) for task in tasks))


def _note_unfit(task_id: str, mode: Mode, answers: TaskAnswers) -> None:
    """Say at once what was never asked for: it looks like wrong answers in the table."""
    if answers.unfit:
        print(
            f"note: {task_id}, {mode}: {len(answers.unfit)} of {len(answers.texts)} items did not "
            f"fit and count as wrong: {answers.unfit[0]}",
            file=sys.stderr,
            flush=True,
        )


def _print_totals(totals: Sequence[_Total], count: int) -> None:
    right = [f"{total.right} ({100 * total.right / count:.0f}%)" for total in totals]
    print(f"| all | {count} | {' | '.join(right)} |")
    if any(total.unfit for total in totals):
        print(f"| did not fit | | {' | '.join(str(total.unfit) for total in totals)} |")
    print(f"| seconds | | {' | '.join(f'{total.seconds:.0f}' for total in totals)} |")
