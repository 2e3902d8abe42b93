"""Weights of the learned way of choosing (`kit.rank.selector`), fitted on saved pools.

What it does: fits on one half of the tasks and judges on the other, both ways round, so that every
task is judged by weights that never saw it; then fits on all of them. What it does not: install
weights; a file of them is used with `python -m kit pools choose --selector FILE`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kit.arc.seeds import python_rng
from kit.arc.task import Solutions, Task
from kit.rank.pool_file import PoolEntry
from kit.rank.programs import is_program
from kit.rank.rules import SAMPLE_RULES, samples_of
from kit.rank.selector import Selector, grid_features
from kit.validate.ablate_outcomes import Outcome, judge, judge_all, shares
from kit.validate.ablate_tables import Row, make_row
from kit.validate.bench_join_fit import logistic
from kit.validate.paired import Difference, paired_difference

LEARNED = "learned"

COMPARED = ("flat", "two_level", "two_level_released", "experts", "views_minus_nll")
"""The fixed rules that the learned one must beat."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came of a fit.

    Attributes:
        selector: fitted on all tasks.
        rows: fixed rules, and the learned one on tasks that its weights had not seen.
        best: the fixed rule that solves most.
        gain: learned minus best.
        contested: test inputs (of all entries) with a right and a wrong candidate; nothing can be
            learned from the others.
    """

    selector: Selector
    rows: tuple[Row, ...]
    best: str
    gain: Difference
    contested: int

    @property
    def is_better(self) -> bool:
        """Whether the learned rule beats the best fixed one beyond chance."""
        return self.gain.low > 0


def fit(
    entries: Sequence[PoolEntry], tasks: Mapping[str, Task], solutions: Solutions, seed: int
) -> Fitted:
    """Fit and judge; see the module docstring.

    Args:
        seed: of the halves and the interval.
    Raises:
        ValueError: fewer than two tasks with solutions.
    """
    held = _one_run_each([e for e in entries if e.task_id in tasks and e.task_id in solutions])
    names = sorted({entry.task_id for entry in held})
    if len(names) < 2:
        raise ValueError(f"a fit needs pools of at least 2 tasks with solutions, got {len(names)}")
    python_rng(seed, "halves").shuffle(names)
    halves = (set(names[::2]), set(names[1::2]))
    learned: list[Outcome] = []
    for half in halves:
        others = [entry for entry in held if entry.task_id not in half]
        weights = fit_selector(others, solutions, "the other half")
        learned += [
            judge(e, tasks[e.task_id], solutions[e.task_id], weights.rank, LEARNED)
            for e in held
            if e.task_id in half
        ]
    fixed = {
        name: judge_all(held, tasks, solutions, lambda _, pair=(name, SAMPLE_RULES[name]): pair)
        for name in COMPARED
    }
    best = max(COMPARED, key=lambda name: sum(o.share for o in fixed[name]))
    rows = [
        make_row(name, "", found, seed, best, fixed[best] if name != best else (), timed=False)
        for name, found in {**fixed, LEARNED: learned}.items()
    ]
    return Fitted(
        fit_selector(held, solutions, f"{len(names)} tasks, {len(held)} pools"),
        tuple(rows),
        best,
        paired_difference(shares(learned), shares(fixed[best]), seed),
        sum(_is_contested(rows_) for entry in held for rows_ in _labelled(entry, solutions)),
    )


def _one_run_each(entries: Sequence[PoolEntry]) -> list[PoolEntry]:
    """The samples of entries that have any, every run and seed under a number of its own as its
    seed, so that different runs of one task stay apart."""
    sampled = [e for e in entries if not all(map(is_program, e.pool.candidates))]
    number = {key: i for i, key in enumerate(sorted({(e.run, e.seed) for e in sampled}))}
    return [
        replace(entry, seed=number[entry.run, entry.seed], pool=samples_of(entry.pool))
        for entry in sampled
    ]


def fit_selector(entries: Sequence[PoolEntry], solutions: Solutions, provenance: str) -> Selector:
    """Weights fitted on entries with solutions; on none of them, a bias alone."""
    rows = [
        row
        for entry in entries
        for labelled in _labelled(entry, solutions)
        if _is_contested(labelled)
        for row in labelled
    ]
    return Selector(logistic(rows), provenance)


def _labelled(
    entry: PoolEntry, solutions: Solutions
) -> list[list[tuple[Mapping[str, float], bool]]]:
    """(features, is right) of every grid, per test input."""
    return [
        [
            (features, grid == right)
            for grid, features in grid_features(entry.pool.at(entry.task_id, index)).items()
        ]
        for index, right in enumerate(solutions[entry.task_id])
    ]


def _is_contested(rows: Sequence[tuple[Mapping[str, float], bool]]) -> bool:
    return 0 < sum(right for _, right in rows) < len(rows)
