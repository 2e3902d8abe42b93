"""`python -m kit rules`: procedural tasks in the terminal, as the corpus draws them.

What it does: draws tasks of the rules that a word names, or of random programs, and shows them
with the last pair as the question. What it does not: train, or look at any task set.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence

from kit.arc.exits import EXIT_REFUSED
from kit.arc.seeds import derive_seed, python_rng
from kit.arc.task import Pair, Task
from kit.pretrain.rules.catalogue import all_rules, held_out_generators
from kit.pretrain.rules.programs import random_program_task
from kit.pretrain.rules.rule import Rule
from kit.pretrain.rules.tasks import make_task
from kit.validate.command import run_command
from kit.validate.show import show_task
from kit.validate.terminal import use_colour

DESCRIPTION = "Show tasks of the procedural rules that the bundled model is trained on."
PROGRAMS = "programs"
COLUMNS = 100  # where the output is no terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python -m kit rules`."""
    parser.add_argument(
        "name",
        nargs="?",
        default="",
        help=f"part of a concept or name, or {PROGRAMS!r} (default: any)",
    )
    parser.add_argument("--number", type=int, default=3, help="tasks to show (default: 3)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="print the names and show no task")
    parser.add_argument("--colour", "--color", choices=("auto", "always", "never"), default="auto")


def run(args: argparse.Namespace) -> int:
    """Print tasks, or names; the exit code: 0, or 2 where nothing has such a name."""
    if args.number < 1:
        print(f"error: --number must be 1 or more, got {args.number}", file=sys.stderr)
        return EXIT_REFUSED
    rules = [rule for rule in all_rules() if args.name in _label(rule)]
    if not rules and args.name != PROGRAMS:
        print(f"error: {args.name}: no rule has this in its name; --list", file=sys.stderr)
        return EXIT_REFUSED
    if args.list:
        print("\n".join(map(_label, rules)))
        print(f"{len(rules)} rules of {len({rule.generator for rule in rules})} generators")
        return 0
    tasks = _program_tasks(args) if args.name == PROGRAMS else _rule_tasks(rules, args)
    columns = shutil.get_terminal_size((COLUMNS, 24)).columns
    for title, pairs in tasks:
        *examples, last = pairs
        task = Task("procedural", tuple(examples), (last.input,))
        colour = use_colour(sys.stdout, args.colour)
        shown = show_task(task, None, (last.output,), colour=colour, columns=columns)
        print(f"{title}\n{shown}\n")
    return 0


def main(argv: Sequence[str]) -> int:
    """`python -m kit rules` with these arguments; the exit code."""
    return run_command("rules", DESCRIPTION, add_arguments, run, argv)


def _label(rule: Rule) -> str:
    """Concept and name of a rule, and whether it is for validation only."""
    return f"{rule.concept}: {rule.name}" + (
        " (held out)" if rule.generator in held_out_generators() else ""
    )


def _rule_tasks(
    rules: Sequence[Rule], args: argparse.Namespace
) -> Iterator[tuple[str, tuple[Pair, ...]]]:
    """Tasks of rules in random order, every rule once before one comes again."""
    rng = python_rng(args.seed, "show rules")
    order = rng.sample(rules, len(rules))
    for index in range(args.number):
        rule = order[index % len(order)]
        pairs = make_task(rule, derive_seed(args.seed, "show", index))
        if pairs is not None:
            yield _label(rule), pairs


def _program_tasks(args: argparse.Namespace) -> Iterator[tuple[str, tuple[Pair, ...]]]:
    """Tasks of random programs with their text."""
    for index in range(args.number):
        task = random_program_task(derive_seed(args.seed, "show", index))
        if task is not None:
            yield task.text, task.pairs
