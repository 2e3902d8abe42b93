"""Solved against budget for several policies over one trace, with intervals over tasks.

What it does: splits the tasks in halves by a stable hash, fits on one (the value table, the best
fixed amount of work), plays every policy on the other at every budget, draws tasks again for
intervals. What it does not: print (`kit.validate.replay_report`).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kit.arc.seeds import derive_seed, numpy_rng
from kit.arc.task import Task
from kit.budget.policy import Policy
from kit.budget.value import Table
from kit.validate.replay import Play, Player
from kit.validate.replay_fixed import (
    Amount,
    Amounts,
    Oracle,
    amounts_of,
    id_order,
    play_fixed,
    shortest_first,
)
from kit.validate.replay_world import World
from kit.validate.traces import Trace, TracedTask

IDS, SHORTEST, OURS, ORACLE = POLICIES = ("id", "shortest", "ours", "oracle")
"""id: by id, and shortest: by tokens, each with the fixed amount of work that is best on the other
half; ours: the budget scheduler; oracle: knows all outcomes."""

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)
"""Percentiles."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for at one budget.

    Attributes:
        stop_s: instant after which nothing counts.
        table: of values, fitted on other tasks; None for the one that is shipped.
    """

    tasks: Sequence[Task]
    budget_s: float
    stop_s: float
    workers: int
    seed: int
    table: Table | None


Ours = Callable[[Request], Policy]
"""Makes the scheduler of a run for tasks and a budget."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared.

    Attributes:
        world: with all tasks.
        fitted, tested: the halves.
        budgets_s: wall seconds for the tested half, ascending.
        levels: of the recording.
        stop_after: budget -> seconds after which a run stops.
        table: for the scheduler, see Request.
    """

    world: World
    fitted: Sequence[TracedTask]
    tested: Sequence[TracedTask]
    levels: Mapping[str, Sequence[float]]
    budgets_s: Sequence[float]
    stop_after: Callable[[float], float]
    workers: int = 2
    seeds: int = 1
    table: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One policy.

    Attributes:
        shares: (budgets, tasks), mean over seeds of the share of outputs that are right; of the
            oracle, whose bound knows no single tasks, one column with their sum.
        notes: one text per budget: the fixed amount of work, or how many plans there were.
    """

    shares: np.ndarray
    notes: tuple[str, ...]

    @property
    def solved(self) -> np.ndarray:
        """(budgets,) tasks solved, with partial credit."""
        return self.shares.sum(axis=1)


def whole_tasks(trace: Trace) -> list[TracedTask]:
    """Tasks of which everything was recorded, in the order of their ids."""
    legs = {leg for leg, name in (("search", "slices"), ("ttt", "steps"))
            if trace.head["levels"][name]}  # fmt: skip
    return [held for _, held in sorted(trace.tasks.items()) if legs <= held.done]


def halves(tasks: Sequence[TracedTask]) -> tuple[list[TracedTask], list[TracedTask]]:
    """(To fit on, to compare on), by a hash of the id that never changes."""
    side = {held.task.task_id: derive_seed(0, held.task.task_id, "half") % 2 for held in tasks}
    first = [held for held in tasks if side[held.task.task_id] == 0]
    return first, [held for held in tasks if side[held.task.task_id] == 1]


def usual_budgets(tasks: Sequence[TracedTask], workers: int, count: int = 9) -> list[float]:
    """Wall seconds in even ratios: from a hundredth of all recorded work to all of it."""
    whole_s = sum(_most_s(held) for held in tasks) / workers
    return [float(s) for s in np.geomspace(max(whole_s / 100, 5.0), max(whole_s, 10.0), count)]


def _most_s(held: TracedTask) -> float:
    """Seconds of a task's longest search, all its trainings and their widest sampling."""
    search = max((p.seconds for p in held.pieces if p.leg == "search"), default=0.0)
    widest: dict[tuple[int, int], float] = {}
    for piece in held.pieces:
        if piece.leg == "ttt":
            place = piece.seed, piece.steps
            widest[place] = max(widest.get(place, 0.0), piece.seconds)
    return search + sum(widest.values())


def compare(comparison: Comparison, ours: Ours, policies: Sequence[str]) -> dict[str, Curve]:
    """The curves of the policies that are asked for; the oracle learns from all others."""
    worlds = [comparison.world.part(comparison.tested)]
    worlds += [worlds[0].with_first_seed(seed) for seed in range(1, comparison.seeds)]
    oracle = Oracle(worlds[0])
    curves: dict[str, Curve] = {}
    choice = _Choice(comparison)
    for name in (name for name in policies if name != ORACLE):
        rows, notes = [], []
        for budget_s in comparison.budgets_s:
            amount = None if name == OURS else choice.best(name, budget_s)
            plays = [
                _play(name, comparison, budget_s, seed, world, amount, ours)
                for seed, world in enumerate(worlds)
            ]
            for play in plays:
                oracle.learn(play)
            rows.append(_mean_shares(plays, comparison.tested))
            notes.append(amount.text() if amount else f"{_most_plans(plays)} plans")
        curves[name] = Curve(np.array(rows), tuple(notes))
    if ORACLE in policies:
        solved = [
            [oracle.solved(comparison.stop_after(budget_s), comparison.workers)]
            for budget_s in comparison.budgets_s
        ]
        curves[ORACLE] = Curve(np.array(solved), ("bound",) * len(solved))
    return {name: curves[name] for name in policies}


def _play(
    name: str,
    comparison: Comparison,
    budget_s: float,
    seed: int,
    world: World,
    amount: Amount | None,
    ours: Ours,
) -> Play:
    """One policy at one budget under one seed."""
    stop_s, workers = comparison.stop_after(budget_s), comparison.workers
    if amount is not None:
        order = id_order(world.tasks, seed) if name == IDS else shortest_first(world.tasks)
        return play_fixed(order, amount, world, stop_s, workers)
    request = Request(world.tasks, budget_s, stop_s, workers, seed, comparison.table)
    return Player(ours(request), world, stop_s, workers).play()


class _Choice:
    """The best fixed amount of work at every budget, chosen on the half that is fitted on."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        levels = comparison.levels
        amounts = amounts_of(levels, int(levels["score_views"]))  # type: ignore[call-overload]
        self._world = comparison.world.part(comparison.fitted)
        self._amounts = Amounts(amounts, self._world)

    def best(self, name: str, budget_s: float) -> Amount:
        """The best amount in a policy's own order, at a budget in proportion to the halves."""
        comparison, tasks = self._comparison, self._world.tasks
        part = len(comparison.fitted) / max(1, len(comparison.tested))
        stop_s = comparison.stop_after(budget_s) * part
        order = id_order(tasks, 0) if name == IDS else shortest_first(tasks)
        return self._amounts.best(order, stop_s, comparison.workers)


def _mean_shares(plays: Sequence[Play], tasks: Sequence[TracedTask]) -> list[float]:
    """Share of every task, in the mean over plays."""
    names = [held.task.task_id for held in tasks]
    return [statistics.fmean(play.shares[name] for play in plays) for name in names]


def _most_plans(plays: Sequence[Play]) -> int:
    return max(len(play.steps) for play in plays)


def interval(shares: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95% bootstrap interval over tasks of the number solved.

    Args:
        shares: (tasks,).
    """
    drawn = shares[_draws(len(shares), seed)].sum(axis=1)
    low, high = np.percentile(drawn, INTERVAL)
    return float(low), float(high)


def ratio_interval(
    ours: np.ndarray, theirs: np.ndarray, seed: int = 0
) -> tuple[float, float, float]:
    """(Ratio of the numbers solved, low, high), tasks drawn in pairs.

    Args:
        ours, theirs: (tasks,). Draws in which theirs solves nothing count as an infinite ratio.
    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, percentile interval.
    """
    draws = _draws(len(ours), seed)
    whole = np.array([ours.sum(), theirs.sum()])
    sums = np.stack([ours[draws].sum(axis=1), theirs[draws].sum(axis=1)])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(sums[1] > 0, sums[0] / sums[1], np.inf)
        ratio = whole[0] / whole[1] if whole[1] > 0 else np.inf
    low, high = np.percentile(ratios, INTERVAL, method="nearest")
    return float(ratio), float(low), float(high)


def _draws(count: int, seed: int) -> np.ndarray:
    """(RESAMPLES, count) indices of tasks."""
    return numpy_rng(seed, "replay").integers(count, size=(RESAMPLES, count))


def area(curve: Curve) -> float:
    """Mean number solved over the budgets, which are in even ratios: the area under the curve over
    the logarithm of the budget, ends counted half."""
    solved = curve.solved
    if len(solved) < 2:
        return float(solved.mean())
    weights = np.ones(len(solved))
    weights[[0, -1]] = 0.5
    return float(np.average(solved, weights=weights))
