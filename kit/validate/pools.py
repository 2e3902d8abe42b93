"""`python -m kit pools ACTION`: candidate pools of many runs, without a model.

    export RUN... --out FILE      what runs proposed, from their journals
    merge FILE... --out FILE      several files in one, in any order
    show FILE...                  what is in them
    choose FILE... --tasks SET    answers by any rule; with solutions, what every rule is worth
    fit FILE... --tasks SET       weights of a learned rule, judged on tasks they were not fitted on

The file's format is described in `kit.rank.pool_file`; one whose name ends in .xz is compressed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.arguments import refuse_given
from kit.arc.candidate import Prediction
from kit.arc.exits import EXIT_REFUSED
from kit.arc.names import did_you_mean
from kit.arc.task import Solutions, Task
from kit.rank.choose import two_attempts
from kit.rank.pool_file import PoolEntry, joined_pool, merge_entries, read_pools, write_pools
from kit.rank.programs import is_program
from kit.rank.rules import JOIN_RULES, RULES, SAMPLE_RULES, Rule, rule_named
from kit.rank.selector import read_selector
from kit.submit.submission import SubmissionFile
from kit.validate.ablate_choosing import BASE_JOIN, BASE_RULE, ORACLE, choosing_rows, usable_rules
from kit.validate.ablate_report import table_lines
from kit.validate.ablate_tables import Row
from kit.validate.command import run_command
from kit.validate.pools_export import entries_of_run
from kit.validate.pools_fit import LEARNED, fit
from kit.validate.pools_tasks import tasks_and_solutions

DEFAULT_RULE = "induction_first"

DESCRIPTION = (
    "Candidate pools as files: export, merge, choose again, fit a rule; no model is needed."
)


def main(argv: Sequence[str]) -> int:
    """Run the command; its exit code."""
    actions: Mapping[str, tuple[Callable[[argparse.ArgumentParser], None], Action, str]] = {
        "export": (_export_arguments, _export, "what runs proposed, from their journals"),
        "merge": (_merge_arguments, _merge, "several files in one"),
        "show": (_file_arguments, _show, "what is in files"),
        "choose": (_choose_arguments, _choose, "answers by any rule, and what rules are worth"),
        "fit": (_fit_arguments, _fit, "weights of a learned rule"),
    }
    name, *rest = argv or ["--help"]
    if name in ("-h", "--help"):
        lines = [f"  {key:<7} {text}" for key, (_, _, text) in actions.items()]
        usage = "usage: python -m kit pools ACTION [...]; ACTION --help says more"
        print("\n".join([usage, DESCRIPTION, *lines]))
        return 0
    if name not in actions:
        hint = did_you_mean(name, actions)
        print(f"error: {name}: not one of {', '.join(actions)}{hint}", file=sys.stderr)
        return EXIT_REFUSED
    add_arguments, action, text = actions[name]

    def run(args: argparse.Namespace) -> int:
        try:
            action(args)
        except (ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_REFUSED
        return 0

    return run_command(f"pools {name}", text, add_arguments, run, rest)


Action = Callable[[argparse.Namespace], None]


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs")
    parser.add_argument("--out", type=Path, required=True, help="file to write (.jsonl, .jsonl.xz)")
    parser.add_argument("--name", default="", help="of the run, if there is one (its folder's)")


def _file_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="pool files")


def _merge_arguments(parser: argparse.ArgumentParser) -> None:
    _file_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, help="file to write (.jsonl, .jsonl.xz)")


def _task_arguments(parser: argparse.ArgumentParser) -> None:
    _file_arguments(parser)
    add = parser.add_argument
    add("--tasks", required=True, help="a set, file or folder; dev for the development tasks")
    add("--solutions", metavar="PATH", help="their answers (default: as far as known)")
    add("--run", action="append", help="entries of this run only (may be repeated)")
    add("--seed", type=int, default=0, help="of intervals and halves (default: 0)")


def _choose_arguments(parser: argparse.ArgumentParser) -> None:
    _task_arguments(parser)
    add = parser.add_argument
    add("--rule", help=f"one of {', '.join(RULES)} (default: {DEFAULT_RULE})")
    add("--selector", type=Path, metavar="FILE", help="choose by the weights of `pools fit`")
    add("--out", type=Path, metavar="FILE", help="submission to write")


def _fit_arguments(parser: argparse.ArgumentParser) -> None:
    _task_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="file of weights to write")


def _export(args: argparse.Namespace) -> None:
    if args.name and len(args.runs) > 1:
        raise ValueError("--name names one run; without it each has its folder's name")
    entries = merge_entries([entries_of_run(folder, args.name) for folder in args.runs])
    write_pools(args.out, entries)
    print(f"{len(entries)} entries in {args.out}")


def _merge(args: argparse.Namespace) -> None:
    entries = _read(args.files)
    write_pools(args.out, entries)
    print(f"{len(entries)} entries of {len({e.task_id for e in entries})} tasks in {args.out}")


def _read(files: Sequence[Path], runs: Sequence[str] | None = None) -> list[PoolEntry]:
    """The entries of all files, of the named runs only.

    Raises:
        ValueError: a run that no entry is of, or no entry at all.
    """
    entries = merge_entries([read_pools(path) for path in files])
    known = sorted({entry.run for entry in entries})
    for name in runs or ():
        if name not in known:
            raise ValueError(f"--run {name}: not in these files; runs are {', '.join(known)}")
    kept = [entry for entry in entries if not runs or entry.run in runs]
    if not kept:
        raise ValueError("there is no entry in these files")
    return kept


def _show(args: argparse.Namespace) -> None:
    entries = _read(args.files)
    for run, seed in sorted({(entry.run, entry.seed) for entry in entries}):
        held = [e for e in entries if (e.run, e.seed) == (run, seed)]
        programs = sum(is_program(c) for e in held for c in e.pool.candidates)
        samples = sum(len(e.pool) for e in held) - programs
        scores = sum(len(s.logprobs_nats) for e in held for s in e.pool.scores)
        failures = sum(e.failure is not None for e in held)
        print(
            f"{run}, seed {seed}: {len(held)} tasks, {samples} samples, {programs} programs, "
            f"{scores} scores, {sum(e.seconds for e in held):.1f} s, {failures} failures, "
            f"model {held[0].model or 'none'}"
        )


def _joined(entries: Sequence[PoolEntry], tasks: Mapping[str, Task]) -> list[PoolEntry]:
    """One entry per task with what all runs propose."""
    by_task: dict[str, list[PoolEntry]] = {}
    for entry in entries:
        if entry.task_id in tasks:
            by_task.setdefault(entry.task_id, []).append(entry)
    return [
        replace(held[0], run="joined", seed=0, pool=joined_pool(held)) for held in by_task.values()
    ]


def _choose(args: argparse.Namespace) -> None:
    if args.selector is not None:
        refuse_given(args, ["rule"], "--selector names a rule of its own; give one of them")
    tasks, solutions = tasks_and_solutions(args.tasks, args.solutions)
    joined = _joined(_read(args.files, args.run), tasks)
    if not joined:
        raise ValueError(f"none of the tasks of {args.tasks} is in these files")
    if args.selector is not None:
        rule, name = read_selector(args.selector).rank, LEARNED
    else:
        name = args.rule or DEFAULT_RULE
        rule = rule_named(name)
        if not usable_rules(joined, {name: rule}):
            raise ValueError(f"--rule {name}: no candidate of these pools has that symmetry")
    if args.out is not None:
        _write_submission(args.out, tasks, joined, rule)
        print(f"answers by {name} in {args.out}")
    if solutions:
        _print_worth(joined, tasks, solutions, name, rule, args.seed)
    elif args.out is None:
        raise ValueError("no solutions are known for these tasks: give --solutions or --out")


def _write_submission(
    path: Path, tasks: Mapping[str, Task], entries: Sequence[PoolEntry], rule: Rule
) -> None:
    submission = SubmissionFile(path, tuple(tasks.values()))
    for entry in entries:
        task = tasks[entry.task_id]
        rankings = [rule(entry.pool.at(task.task_id, i)) for i in range(len(task.test))]
        submission.update(
            Prediction(
                task.task_id, i, two_attempts(found.grids, task, i), found.margin, found.reason
            )
            for i, found in enumerate(rankings)
        )
    submission.save()


def _print_worth(
    entries: Sequence[PoolEntry],
    tasks: Mapping[str, Task],
    solutions: Solutions,
    name: str,
    rule: Rule,
    seed: int,
) -> None:
    """Every rule in a table, then the gap between the chosen and the best possible."""
    has_programs = any(is_program(c) for e in entries for c in e.pool.candidates)
    rules = {**SAMPLE_RULES, **(JOIN_RULES if has_programs else {}), name: rule}
    base = BASE_JOIN if has_programs else BASE_RULE
    rows = choosing_rows(entries, tasks, solutions, seed, rules, base)
    if not rows:
        raise ValueError("none of these tasks has a solution")
    print("\n".join(table_lines(rows)))
    print(_gap_text(rows, name))


def _gap_text(rows: Sequence[Row], name: str) -> str:
    by_name = {row.name: row for row in rows}
    chosen, best = by_name[name].solved, by_name[ORACLE].solved
    return (
        f"{by_name[name].pairs} tasks: {name} solves {chosen:.2f}, a perfect choice {best:.2f}: "
        f"{best - chosen:.2f} lost by choosing"
    )


def _fit(args: argparse.Namespace) -> None:
    tasks, solutions = tasks_and_solutions(args.tasks, args.solutions)
    found = fit(_read(args.files, args.run), tasks, solutions or {}, args.seed)
    print("\n".join(table_lines(found.rows)))
    print(f"{found.contested} test inputs have both a right and a wrong candidate")
    print(f"{LEARNED} minus {found.best}, on tasks not fitted on: {found.gain.text()}")
    said = "better beyond chance" if found.is_better else f"no better than {found.best}: use that"
    print(f"the learned rule is {said}")
    if args.out is not None:
        args.out.write_text(found.selector.to_json() + "\n", encoding="utf-8")
        print(f"weights fitted on all of them in {args.out}")
