"""What the budget scheduler is compared with: fixed work in a fixed order, and an oracle.

What it does: lists the plans of "id order" (what other kits do) and "shortest first", picks the
fixed amount that is best on other tasks, and bounds what any order of the recorded work can solve.
What it does not: carry plans out (`kit.validate.replay`).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kit.arc.seeds import derive_seed
from kit.arc.task import Task
from kit.budget.cost import measure_task
from kit.budget.plan import Plan
from kit.budget.policy import Level, OrderedPolicy
from kit.validate.replay import Play, Player
from kit.validate.replay_world import World
from kit.validate.traces import Piece


@dataclass(frozen=True, slots=True)
class Amount:
    """The same work for every task: a search, then the model; one of them may be left out."""

    search_s: float = 0.0
    level: Level | None = None

    def text(self) -> str:
        """For tables: "0.3 s + 60 steps x 8 views, scored"."""
        parts = [f"{self.search_s:g} s"] if self.search_s else []
        if self.level is not None:
            scored = ", scored" if self.level.num_score_views else ""
            parts.append(
                f"{self.level.num_steps} steps x {self.level.num_test_views} views{scored}"
            )
        return " + ".join(parts)

    def plans(self, task_id: str) -> list[Plan]:
        """Of one task."""
        plans = []
        if self.search_s:
            plans.append(Plan(task_id, leg="search", search_s=self.search_s))
        if self.level is not None:
            level = self.level
            plans.append(
                Plan(
                    task_id,
                    num_steps=level.num_steps,
                    num_test_views=level.num_test_views,
                    num_score_views=level.num_score_views,
                )
            )
        return plans


def amounts_of(levels: Mapping[str, Sequence[float]], score_views: int) -> list[Amount]:
    """Every fixed amount that a trace has recorded.

    Args:
        levels: steps, views and slices.
        score_views: 0 where nothing was scored.
    """
    scores = sorted({0, score_views})
    grid = itertools.product(levels["steps"], levels["views"], scores)
    model = [None, *(Level(int(s), int(v), n) for s, v, n in grid)]
    return [
        Amount(search_s, level)
        for search_s in (0.0, *levels["slices"])
        for level in model
        if search_s or level is not None
    ]


def id_order(tasks: Sequence[Task], seed: int) -> list[str]:
    """Tasks by id; for another seed than 0 as if they had other ids, which say nothing."""
    names = sorted(task.task_id for task in tasks)
    return sorted(names, key=lambda name: derive_seed(seed, name, "id")) if seed else names


def shortest_first(tasks: Sequence[Task]) -> list[str]:
    """Tasks by their tokens."""
    return [t.task_id for t in sorted(tasks, key=lambda t: (measure_task(t).tokens, t.task_id))]


def play_fixed(
    order: Iterable[str], amount: Amount, world: World, stop_s: float, workers: int
) -> Play:
    """A fixed amount of work in a fixed order."""
    plans = [plan for name in order for plan in amount.plans(name)]
    return Player(OrderedPolicy(plans, stop_s), world, stop_s, workers).play()


class Amounts:
    """All fixed amounts of work on the tasks of a world, looked up once."""

    def __init__(self, amounts: Sequence[Amount], world: World) -> None:
        self._amounts = amounts
        self._world = world
        self._free = {t.task_id: world.worth(t.task_id, ()).share for t in world.tasks}
        self._known: dict[tuple[Amount, str], tuple[tuple[float, ...], float]] = {}

    def best(self, order: Sequence[str], stop_s: float, workers: int) -> Amount:
        """The amount that solves most within the budget; of equal ones the first. Work that does
        not end in time counts nothing here."""
        solved = [self.solved(a, order, stop_s, workers) for a in self._amounts]
        return self._amounts[max(range(len(solved)), key=solved.__getitem__)]

    def solved(self, amount: Amount, order: Sequence[str], stop_s: float, workers: int) -> float:
        """Tasks solved by what ends in time."""
        free = [0.0] * workers
        gained = 0.0
        for name in order:
            if free[0] >= stop_s:
                break
            seconds, share = self._look_up(amount, name)
            ends_s = [heapq.heapreplace(free, free[0] + s) + s for s in seconds]
            if max(ends_s) <= stop_s:
                gained += share - self._free[name]
        return sum(self._free.values()) + gained

    def _look_up(self, amount: Amount, name: str) -> tuple[tuple[float, ...], float]:
        """(Seconds of each plan, share that is right in the end)."""
        place = amount, name
        if place not in self._known:
            outcomes = [self._world.outcome(p, math.inf, ()) for p in amount.plans(name)]
            pieces = [o.piece for o in outcomes if o.piece is not None]
            share = self._world.worth(name, pieces).share
            self._known[place] = tuple(o.seconds for o in outcomes), share
        return self._known[place]


@dataclass(frozen=True, slots=True)
class _Offer:
    """A part of what a task offers: more seconds for a larger share."""

    seconds: float
    gain: float

    @property
    def rate(self) -> float:
        return self.gain / self.seconds


class Oracle:
    """What an order that knows all outcomes would solve: the best gain per second first.

    A task offers its pieces, alone or a search and one of the model's together, and whatever
    another policy did with it. Only offers on the upper concave hull are taken, and the last one in
    part, which makes this a bound that no order of the offers exceeds, at any number of workers.
    Source: the linear relaxation of the multiple-choice knapsack problem; Sinha and Zoltners 1979.
    """

    def __init__(self, world: World) -> None:
        """Collect what the tasks offer."""
        self._world = world
        self._free = {t.task_id: world.worth(t.task_id, ()).share for t in world.tasks}
        self._offers: dict[str, set[tuple[float, float]]] = {}
        for task in world.tasks:
            name = task.task_id
            self._offers[name] = set()
            for pieces in _sets(world, name):
                self._add(name, sum(p.seconds for p in pieces), pieces)

    def _add(self, name: str, seconds: float, pieces: Sequence[Piece]) -> None:
        share = self._world.worth(name, pieces).share
        if share > self._free[name]:
            self._offers[name].add((seconds, share - self._free[name]))

    def learn(self, play: Play) -> None:
        """Offer what another policy has done with its tasks, at what it took."""
        spent: dict[str, float] = {}
        for step in play.steps:
            name = step.plan.task_id
            spent[name] = spent.get(name, 0.0) + step.ended_s - step.began_s
            gain = step.share - self._free[name]
            if gain > 0:
                self._offers[name].add((spent[name], gain))

    def solved(self, stop_s: float, workers: int) -> float:
        """Tasks solved within a budget, with partial credit."""
        left_s = stop_s * workers
        solved = sum(self._free.values())
        offers = [o for held in self._offers.values() for o in _hull(held)]
        for offer in sorted(offers, key=lambda o: -o.rate):
            part = min(1.0, left_s / offer.seconds)
            solved += part * offer.gain
            left_s -= part * offer.seconds
            if left_s <= 0:
                break
        return solved


def _sets(world: World, name: str) -> Iterator[tuple[Piece, ...]]:
    """Single pieces, and pairs of both legs where neither alone solves the whole task."""
    slices = world.slices(name)
    samples = [*world.samples(name), *world.samples(name, scored=False)]
    for piece in (*slices, *samples):
        yield (piece,)
    free = world.worth(name, ()).share
    pairs = [
        [p for p in held if free < world.worth(name, (p,)).share < 1.0]
        for held in (slices, samples)
    ]
    yield from itertools.product(*pairs)


def _hull(offers: Iterable[tuple[float, float]]) -> list[_Offer]:
    """Steps along the upper concave hull from (0, 0): falling gain per second."""
    hull: list[tuple[float, float]] = [(0.0, 0.0)]
    for seconds, gain in sorted(offers, key=lambda o: (o[0], -o[1])):
        if gain <= hull[-1][1]:
            continue
        while len(hull) > 1 and _turns_up(hull[-2], hull[-1], (seconds, gain)):
            hull.pop()
        hull.append((seconds, gain))
    return [_Offer(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(hull)]


def _turns_up(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or below the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])
