"""`python -m kit compute RUN...`: what runs solved against the operations it took, all in all.

What it does: counts the operations of training the model from nothing, of test-time training and
of sampling and scoring from a run's journal, scores what the model itself proposed (cheap guesses
and programs do not count), and puts published systems beside it, as a table, CSV and picture.
A run counts as solved of its own tasks, which may be fewer than the set has; then it says so.
What it does not: count program search, whose work is no product of matrices.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.arc.candidate import Prediction
from kit.arc.exits import EXIT_REFUSED
from kit.arc.task import Solutions
from kit.arc.whole_file import replace_file
from kit.engine.shape import ModelError, read_shape
from kit.pretrain.training_flops import known_flops
from kit.rank.programs import is_program
from kit.solve.work import WorkResult
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import last_predictions, last_results
from kit.validate.command import run_command
from kit.validate.compute_tasks import run_tasks
from kit.validate.pools_tasks import tasks_and_solutions
from kit.validate.scatter import Dot, draw_scatter

DESCRIPTION = "What runs solved against the operations they took, beside published systems."

BACKWARD = 3
"""Operations of a training step over those of its forward pass (Kaplan et al. 2020). Low-rank
adapters need a little less; this counts them in full."""

COLUMNS = (
    "system", "solved_percent", "flops", "training", "test_time_training", "answering", "tasks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Published:
    """A system trained from nothing: per cent of the public ARC-AGI-1 evaluation tasks it solves
    in two attempts, and its operations of training and of all tasks."""

    name: str
    percent: float
    flops: float


PUBLISHED = (
    # Operations are computed from published sizes, steps and hours; those at 1e20 are orders of
    # magnitude. CompressARC (Liao and Gu 2025) trains one network per task and nothing before.
    Published("mdlARC 75M", 44.0, 6e17),
    Published("mdlARC 28M", 27.5, 1e18),
    Published("CompressARC", 20.0, 2e18),
    Published("VARC (2511.14761)", 54.5, 8e18),
    Published("LPN (2411.08706)", 16.0, 1e20),
    Published("HRM (2506.21734)", 41.0, 1e20),
    Published("TRM (2510.04871)", 44.0, 1e20),
)


@dataclass(frozen=True, slots=True)
class Compute:
    """Operations of one run.

    Attributes:
        solved: tasks, with partial credit, by answers of the model; of `tasks`, the run's own.
        set_tasks: how many the set has that they are from.
        remarks: lines about what could not be counted.
    """

    name: str
    solved: float
    tasks: int
    training: float
    tuning: float
    answering: float
    set_tasks: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def flops(self) -> float:
        """All of them."""
        return self.training + self.tuning + self.answering

    @property
    def percent(self) -> float:
        """Solved of the run's tasks."""
        return 100 * self.solved / self.tasks

    @property
    def part(self) -> str:
        """Which part of the set the run had; empty for all of it."""
        return f"{self.tasks} of {self.set_tasks} tasks" if self.tasks < self.set_tasks else ""


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    return run_command("compute", DESCRIPTION, _add_arguments, _run, argv)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs on the same tasks")
    add(
        "--tasks", default="arc1-eval", metavar="SET",
        help="what they ran on, or a set that has all of it (arc1-eval)",
    )  # fmt: skip
    add("--solutions", metavar="SET", help="answers, where the tasks have none of their own")
    add(
        "--training-flops", type=float, metavar="X",
        help="of training the model from nothing (default: what its model card says)",
    )  # fmt: skip
    add("--csv", type=Path, metavar="FILE", help="write the table there too")
    add("--svg", type=Path, metavar="FILE", help="draw it")


def _run(args: argparse.Namespace) -> int:
    try:
        _, solutions = tasks_and_solutions(args.tasks, args.solutions)
        if not solutions:
            raise ValueError(f"{args.tasks}: no solutions are known for these; use --solutions")
        rows = [compute_of(folder, solutions, args.training_flops) for folder in args.runs]
        if args.csv is not None:
            _write_csv(args.csv, rows)
        if args.svg is not None:
            replace_file(args.svg, picture(rows).encode())
    except (OSError, ValueError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    for row in rows:
        for remark in row.remarks:
            print(f"note: {row.name}: {remark}", file=sys.stderr)
    print(table_text(rows))
    return 0


def compute_of(folder: Path, solutions: Solutions, training: float | None = None) -> Compute:
    """Count one run.

    Args:
        training: operations of training the model; None for what its model card says.
    Raises:
        OSError: no journal.
        ValueError: a journal without results of a model, or one that was written before token
            counts were kept; other tasks than there are solutions for; a model card that does not
            say what training took.
        ModelError: the model's folder holds none.
    """
    journal = folder / JOURNAL_NAME
    if not journal.is_file():
        raise FileNotFoundError(f"{folder}: no {JOURNAL_NAME} in it; give the folder of a run")
    records = replay(journal).records
    results = [r for r in last_results(records) if r.plan.leg == "ttt"]
    if not any(result.counts.get("prompt_tokens") for result in results):
        raise ValueError(f"{journal}: no prompt of a model was counted in this run")
    starts = [record.data for record in records if record.kind == "run"]
    if not starts:
        raise ValueError(f"{journal}: it lost what the run was made with")
    config = starts[-1]["config"]
    model = Path(config["solve"]["model"])
    return Compute(
        folder.resolve().name,
        solved_by_model(last_predictions(records), results, solutions),
        len(run_tasks(records, solutions, journal)),
        card_flops(model) if training is None else training,
        *_operations(model, results),
        len(solutions),
        _uncounted(config, results),
    )


def _uncounted(config: Mapping[str, Any], results: Sequence[WorkResult]) -> tuple[str, ...]:
    """What took operations that the journal holds no count of."""
    remarks = []
    checked = [r for r in results if "held_chance" in r.observed]
    if not all("check_tokens" in result.counts for result in checked):
        remarks.append(
            "asking adapters about their own demonstrations is not counted (up to three prompts "
            "each); the journal is from before it was"
        )
    if config["finetune"].get("shared"):
        remarks.append("training the adapter that all tasks share is not counted")
    return tuple(remarks)


def _operations(model: Path, results: Sequence[WorkResult]) -> tuple[float, float]:
    """(Test-time training, sampling and scoring) of all results."""
    shape = read_shape(model)
    tuning = answering = 0.0
    for result in results:
        count = result.counts.get
        # Older journals count what was asked, which is the same for one sample of each view.
        prompts = count("read_prompts", count("prompts", 0)) or 1
        # A token sees half of its view on average while it is read, all of it when it answers.
        context = count("prompt_tokens", 0) / prompts
        reading, making = shape.flops_per_token(context / 2), shape.flops_per_token(context)
        tuning += BACKWARD * reading * count("train_tokens", 0)
        read = ("prompt_tokens", "scored_tokens", "check_tokens")
        answering += reading * sum(count(name, 0) for name in read)
        answering += making * count("answer_tokens", 0)
    return tuning, answering


def solved_by_model(
    predictions: Sequence[Prediction], results: Sequence[WorkResult], solutions: Solutions
) -> float:
    """Tasks solved with partial credit by attempts that a model's answer proposed."""
    proposed = {
        (c.task_id, c.test_index, c.grid)
        for r in results
        for c in r.candidates
        if not is_program(c)
    }
    solved = 0.0
    for p in predictions:
        outputs = solutions.get(p.task_id, ())
        if p.test_index < len(outputs):
            right = outputs[p.test_index]
            is_right = right in p.attempts and (p.task_id, p.test_index, right) in proposed
            solved += is_right / len(outputs)
    return solved


def card_flops(model: Path) -> float:
    """Operations of training as the model card beside the weights says them.

    Raises:
        ValueError: it says nothing of the kind.
    """
    flops = known_flops(model)
    if flops is None:
        raise ValueError(
            f"{model / 'README.md'}: does not say what training took ('about X FLOPs'; of a "
            "fine-tuned base 'in all about X FLOPs', the base's own included); give "
            "--training-flops"
        )
    return flops


def table_text(rows: Sequence[Compute]) -> str:
    """Runs and published systems, least operations first."""
    lines = [(row.flops, row.name, row.percent, _parts_text(row)) for row in rows]
    lines += [(system.flops, system.name, system.percent, "published") for system in PUBLISHED]
    head = f"{'':<24}{'solved':>8}{'FLOPs':>10}  training, test-time training, answering"
    told = [f"{name:<24}{p:>7.1f}%{flops:>10.1e}  {how}" for flops, name, p, how in sorted(lines)]
    return "\n".join([head, *told])


def _parts_text(row: Compute) -> str:
    parts = f"{row.training:.1e}, {row.tuning:.1e}, {row.answering:.1e}"
    return f"{parts}; {row.part}" if row.part else parts


def picture(rows: Sequence[Compute]) -> str:
    """The same as SVG."""
    own = [Dot(_dot_name(row), row.flops, row.percent, True) for row in rows]
    others = [Dot(system.name, system.flops, system.percent, False) for system in PUBLISHED]
    return draw_scatter(
        "Solved against all operations",
        [*own, *others],
        "floating-point operations of training and of all tasks",
        "% of tasks, two attempts",
    )


def _dot_name(row: Compute) -> str:
    return f"{row.name} ({row.part})" if row.part else row.name


def _write_csv(path: Path, rows: Sequence[Compute]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for row in rows:
            parts = (row.training, row.tuning, row.answering)
            writer.writerow([row.name, row.percent, row.flops, *parts, row.tasks])
        for system in PUBLISHED:
            writer.writerow([system.name, system.percent, system.flops, "", "", "", ""])
