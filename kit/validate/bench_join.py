"""`python -m kit bench join`: what programs, training and each rule that joins them solve.

What it does: takes the journal of a run of both legs (or makes one), chooses its answers again by
every rule, and counts. No task is named. What it does not: search or train anything again.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.arc.arguments import refuse_given
from kit.arc.datasets import resolve_tasks
from kit.arc.files import TaskSet
from kit.arc.grid import Grid
from kit.arc.solutions import resolve_solutions
from kit.arc.task import Solutions
from kit.rank.arbitrate import answer_log_odds, arbitrate, most_probable
from kit.rank.choose import RankConfig, legs_of, two_attempts
from kit.rank.pool import CandidatePool
from kit.solve.work import WorkResult
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import last_results, pool_of
from kit.validate.bench_join_fit import Case, cross_fitted, fit_weights
from kit.validate.bench_main_job import run_main_job
from kit.validate.bench_report import BenchSettings, Machine, Report, Table

RULES = ("program_only", "ttt_only", "press", "induction_first", "calibrated")
PROGRAMS, TTT = RULES[:2]
DEFAULT_BUDGET = "10m"
ORACLE, POOL, FITTED = "either leg (oracle)", "any candidate (oracle)", "calibrated, cross-fitted"

Order = Callable[[Case], Sequence[Grid]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--run", type=Path, metavar="DIR", help="a run of both legs that is done (its --out)")
    add("--tasks", default="arc1-train", help="what that run worked on (default: arc1-train)")
    add("--solutions", metavar="PATH", help="their answers (default: as far as known)")
    add("--time-budget", help=f"of the run made without --run (default: {DEFAULT_BUDGET})")
    add("--limit", type=int, help="tasks of the run that is made")
    add("--fit", action="store_true", help="fit the weights of the calibrated rule to this run")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Read (or make) the run and count.

    Raises:
        ValueError: a limit below 1, an option that --run does not read, a run without results, or
            tasks without solutions.
    """
    if args.run is not None:
        refuse_given(args, ["time_budget", "limit"], "--run names a run that is done; leave it out")
    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit must be 1 or more, got {args.limit}")
    tasks = resolve_tasks(args.tasks)
    solutions = resolve_solutions(args.solutions, tasks)
    if solutions is None:
        raise ValueError(f"{tasks.source}: no solutions are known for these; use --solutions")
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.run or Path(temporary) / "run"
        if args.run is None:
            limit = [] if args.limit is None else ["--limit", str(args.limit)]
            budget = args.time_budget or DEFAULT_BUDGET
            words = ["--tasks", args.tasks, "--time-budget", budget, *limit]
            run_main_job(folder, [*words, *settings.options, "solve.legs=both"], settings.seed)
        results = last_results(replay(folder / JOURNAL_NAME).records)
    if not results:
        raise ValueError(f"{folder}: no results in its {JOURNAL_NAME}")
    return make_report(results, tasks, solutions, settings.rank, args.fit)


def make_report(
    results: Sequence[WorkResult],
    tasks: TaskSet,
    solutions: Solutions,
    config: RankConfig,
    fit: bool = False,
) -> Report:
    """Tables of everything that was tried and has a solution."""
    by_task: dict[str, list[WorkResult]] = {}
    for result in results:
        if result.task_id in tasks.tasks and result.task_id in solutions:
            by_task.setdefault(result.task_id, []).append(result)
    pools = {name: pool_of(held) for name, held in by_task.items()}
    cases = _cases(pools, solutions, config)
    if not cases:
        raise ValueError("none of the tasks of the run has a solution")
    solved = {rule: _solved(cases, tasks, _by_rule(rule, config)) for rule in RULES}
    solved[ORACLE] = [a or b for a, b in zip(solved[PROGRAMS], solved[TTT], strict=True)]
    solved[POOL] = [_is_proposed(case) for case in cases]
    notes = [_overlap_text(solved)]
    if fit:
        orders = [_fitted(case, weights) for case, weights in cross_fitted(cases)]
        solved[FITTED] = _hits(cases, tasks, orders)
        provenance = f"fitted to {len(pools)} tasks of {tasks.source}"
        notes.append(f"fitted: {fit_weights(cases, provenance)}")
    counts = {name: _scores(cases, flags) for name, flags in solved.items()}
    table = Table(
        f"{len(pools)} tasks, {len(cases)} outputs: {tasks.source}",
        ("answers of", "tasks, partial credit", "whole tasks", "outputs"),
        [[name, f"{p:.2f}", str(w), str(o)] for name, (p, w, o) in counts.items()],
    )
    return Report((table,), {"solved": counts, "tasks": len(pools)}, tuple(notes))


def _cases(
    pools: Mapping[str, CandidatePool], solutions: Solutions, config: RankConfig
) -> list[Case]:
    return [
        Case(name, legs_of(pool.at(name, index), config), right)
        for name, pool in pools.items()
        for index, right in enumerate(solutions[name])
    ]


def _by_rule(rule: str, config: RankConfig) -> Order:
    """Grids as the rule orders them."""
    chosen = replace(config, arbitration=rule)  # type: ignore[arg-type]
    return lambda case: arbitrate(case.legs, chosen.arbitration).grids


def _fitted(case: Case, weights: object) -> Sequence[Grid]:
    return most_probable(answer_log_odds(case.legs, weights))  # type: ignore[arg-type]


def _solved(cases: Sequence[Case], tasks: TaskSet, order: Order) -> list[bool]:
    return _hits(cases, tasks, [order(case) for case in cases])


def _hits(cases: Sequence[Case], tasks: TaskSet, orders: Sequence[Sequence[Grid]]) -> list[bool]:
    """Whether one of two attempts is right, for every case; cheap guesses fill up."""
    seen: dict[str, int] = {}
    hits = []
    for case, grids in zip(cases, orders, strict=True):
        index = seen[case.task_id] = seen.get(case.task_id, -1) + 1
        hits.append(case.right in two_attempts(grids, tasks.tasks[case.task_id], index))
    return hits


def _is_proposed(case: Case) -> bool:
    return case.right in case.legs.votes or any(
        answer.grid == case.right for answer in case.legs.programs
    )


def _scores(cases: Sequence[Case], flags: Sequence[bool]) -> tuple[float, int, int]:
    """(Tasks with partial credit, whole tasks, outputs)."""
    by_task: dict[str, list[bool]] = {}
    for case, flag in zip(cases, flags, strict=True):
        by_task.setdefault(case.task_id, []).append(flag)
    partial = sum(sum(held) / len(held) for held in by_task.values())
    return round(partial, 2), sum(map(all, by_task.values())), sum(flags)


def _overlap_text(solved: Mapping[str, Sequence[bool]]) -> str:
    """How much of what programs solve the model solves too."""
    both = sum(a and b for a, b in zip(solved[PROGRAMS], solved[TTT], strict=True))
    whole = sum(solved[PROGRAMS])
    share = f"{both / whole:.1%}" if whole else "none"
    return (
        f"of {whole} outputs that programs (and cheap guesses) solve, the model solves {both} too: "
        f"{share} (published for fine-tuned 8B models: 42.2% without, 73.5% with training)"
    )
