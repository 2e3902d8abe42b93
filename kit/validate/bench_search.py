"""`python -m kit bench search`: what the search for programs solves, against CPU-seconds.

What it does: runs the main job with `solve.legs=search` at several budgets, scores it, and counts
by family; measures how long a worker takes to be ready with and without compiled code. Families
are totals: no task is named, so that an evaluation set stays unseen.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.datasets import resolve_tasks
from kit.arc.solutions import resolve_solutions
from kit.arc.task import Solutions
from kit.rank.programs import ProgramAnswer, program_answers
from kit.solve.work import WorkResult
from kit.submit.journal import Record, replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.records import last_predictions, last_results, pool_of, read_result
from kit.validate.answers import load_submission
from kit.validate.bench_main_job import MainJob, run_main_job
from kit.validate.bench_report import BenchSettings, Machine, Report, Table
from kit.validate.score import Score, score

PUBLISHED = (
    "measured with the C++ search of the 2020 contest's winner (pass@2, partial credit): depth 2 "
    "evaluation 113.0 in 153 CPU-s, training 172.0 in 79 CPU-s; with two flipped re-runs "
    "evaluation 118.0 in 956 CPU-s"
)

CURVE_POINTS = 12

_WARM_UP = (
    "from kit.budget.clock import SystemClock; from kit.solve.searching import warm_up; "
    "print(warm_up(SystemClock()))"
)


@dataclass(slots=True)
class FamilyCount:
    """What one family did over all test inputs.

    Attributes:
        answered: inputs for which it has a program that covers all pairs.
        right: of these, where its best answer is right.
        first, first_right: inputs whose attempt 1 it gave (alone or with others), and right ones.
        alone: right answers that no other family has.
    """

    answered: int = 0
    right: int = 0
    first: int = 0
    first_right: int = 0
    alone: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the benchmark."""
    add = parser.add_argument
    add("--tasks", default="arc1-train", help="a set, file or folder (default: arc1-train)")
    add("--solutions", metavar="PATH", help="their answers (default: as far as known)")
    add("--limit", type=int, help="work on N tasks at most")
    add("--budgets", default="60s,10m", help="wall times, one run each (default: 60s,10m)")
    add("--workers", type=int, default=2, help="worker processes (default: 2)")
    add("--keep", type=Path, metavar="DIR", help="new folder for the runs, kept")


def run(args: argparse.Namespace, settings: BenchSettings, machine: Machine) -> Report:
    """Run the budgets one after the other.

    Raises:
        ValueError: a limit below 1, tasks without solutions, or a run that failed.
    """
    if args.limit is not None and args.limit < 1:
        raise ValueError(f"--limit must be 1 or more, got {args.limit}")
    tasks = resolve_tasks(args.tasks)
    solutions = resolve_solutions(args.solutions, tasks)
    if solutions is None:
        raise ValueError(f"{tasks.source}: no solutions are known for these; use --solutions")
    chosen = list(tasks.tasks)[: args.limit]
    wanted = {name: solutions[name] for name in chosen if name in solutions}
    words = ["--tasks", args.tasks, "--limit", str(len(chosen)), *settings.options]
    words += ["solve.legs=search", f"workers.count={args.workers}"]
    budgets = [text.strip() for text in args.budgets.split(",") if text.strip()]
    if not budgets or not wanted:
        raise ValueError("--budgets and --tasks must leave something to do")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.keep or Path(temporary)).resolve()
        ready = [_ready_s(folder / "numba-cache") for _ in range(2)]
        runs = {
            text: run_main_job(folder / f"search-{text}", ["--time-budget", text, *words],
                               settings.seed)
            for text in budgets
        }  # fmt: skip
        return make_report(runs, wanted, ready, tasks.source)


def _ready_s(cache: Path) -> float:
    """Seconds until a new worker could search, its compiled code kept in `cache`.

    Raises:
        ValueError: the search does not start.
    """
    ran = subprocess.run(
        [sys.executable, "-c", _WARM_UP],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise ValueError(f"the search does not start: {ran.stderr.strip().splitlines()[-1]}")
    return float(ran.stdout)


def make_report(
    runs: Mapping[str, MainJob], solutions: Solutions, ready: Sequence[float], source: str
) -> Report:
    """Tables of finished runs."""
    rows, data = [], {}
    records: Sequence[Record] = ()
    results: list[WorkResult] = []
    for text, job in runs.items():
        records = replay(job.folder / JOURNAL_NAME).records
        results = last_results(records)
        reached = _score(job, solutions)
        peak = max((r.peak_rss_bytes for r in results), default=0) / 2**20
        search_s = sum(r.stage_s.get("search", 0.0) for r in results)
        data[text] = {
            "points": reached.points,
            "whole": reached.strict,
            "cpu_s": job.cpu_s,
            "wall_s": job.wall_s,
            "search_s": search_s,
            "peak_mib": peak,
        }
        rows.append([
            text, f"{reached.points:.2f}", str(reached.strict), f"{job.cpu_s:.0f}",
            f"{search_s:.0f}", f"{job.wall_s:.0f}", f"{peak:.0f}",
        ])  # fmt: skip
    families = count_families(results, solutions)
    tables = (
        Table(
            f"{len(solutions)} tasks: {source}",
            ("budget", "solved (partial)", "whole", "CPU-s", "search s", "wall s", "MiB a worker"),
            rows,
        ),
        Table(
            "solved against seconds of search, longest run",
            ("search s", "tasks searched", "solved (partial)"),
            [[f"{s:.0f}", str(n), f"{p:.2f}"] for s, n, p in curve(records, solutions)],
        ),
        _family_table(families),
    )
    cold = f"a worker is ready after {ready[0]:.1f} s, with compiled code after {ready[1]:.1f} s"
    data |= {"families": {name: vars_of(count) for name, count in families.items()}}
    data |= {"ready_s": list(ready)}
    return Report(tables, data, (cold, PUBLISHED))


def _score(job: MainJob, solutions: Solutions) -> Score:
    answers = load_submission(job.folder / SUBMISSION_NAME)
    return score({name: answers[name] for name in solutions}, solutions)


def curve(records: Sequence[Record], solutions: Solutions) -> list[tuple[float, int, float]]:
    """(Seconds of search so far, tasks searched, tasks solved with partial credit), about a dozen
    points in the order of the journal."""
    spent_s, searched, solved = 0.0, set(), dict[str, float]()
    points = []
    for record in records:
        if record.kind == "result":
            result = read_result(record.data)
            spent_s += result.stage_s.get("search", 0.0)
            searched.add(result.task_id)
        elif record.kind == "prediction" and record.key in solutions:
            right = solutions[record.key]
            hits = [right[p.test_index] in p.attempts for p in last_predictions([record])]
            solved[record.key] = sum(hits) / len(right)
            points.append((spent_s, len(searched), sum(solved.values())))
    step = max(1, -(-len(points) // CURVE_POINTS))
    return points[::-step][::-1]


def count_families(results: Sequence[WorkResult], solutions: Solutions) -> dict[str, FamilyCount]:
    """Family -> what it did, most right answers first."""
    by_task: dict[str, list[WorkResult]] = {}
    for result in results:
        by_task.setdefault(result.task_id, []).append(result)
    counts: dict[str, FamilyCount] = {}
    for name, outputs in solutions.items():
        pool = pool_of(by_task.get(name, ()))
        for index, right in enumerate(outputs):
            answers = program_answers(pool.at(name, index).candidates)
            _count_input([a for a in answers if a.covers], right, counts)
    return dict(sorted(counts.items(), key=lambda item: (-item[1].right, item[0])))


def _count_input(
    answers: Sequence[ProgramAnswer], right: object, counts: dict[str, FamilyCount]
) -> None:
    """Count one test input's answers that cover all pairs, best first."""
    best: dict[str, bool] = {}
    for answer in answers:
        for family in answer.families:
            best.setdefault(family, answer.grid == right)
    hits = [family for family, hit in best.items() if hit]
    for family, hit in best.items():
        count = counts.setdefault(family, FamilyCount())
        is_first = family in answers[0].families
        count.answered += 1
        count.right += hit
        count.first += is_first
        count.first_right += is_first and answers[0].grid == right
        count.alone += hits == [family]


def vars_of(count: FamilyCount) -> dict[str, int]:
    """The numbers of a count by name."""
    return {name: getattr(count, name) for name in FamilyCount.__slots__}


def _family_table(families: Mapping[str, FamilyCount]) -> Table:
    rows = [
        [name, str(c.answered), str(c.right), f"{c.right / c.answered:.0%}", str(c.alone),
         str(c.first), f"{c.first_right / c.first:.0%}" if c.first else "-"]
        for name, c in families.items()
    ]  # fmt: skip
    return Table(
        "families, test inputs (programs that cover all pairs), longest run",
        ("family", "answered", "right", "precision", "alone right", "attempt 1", "precision"),
        rows,
    )
