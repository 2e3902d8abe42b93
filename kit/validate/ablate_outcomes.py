"""What an ablation's entries are worth: answers chosen from pools and compared with solutions.

What it does: one outcome per entry and way of choosing. What it does not: count or compare methods
(`kit.validate.ablate_tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kit.arc.grid import Grid
from kit.arc.task import Solutions, Task
from kit.rank.choose import RankConfig, join
from kit.rank.guess import guess_outputs
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry
from kit.rank.rules import Rule

Amounts = dict[tuple[str, int], float]
"""(task id, seed) -> share of its outputs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How good one entry's answers are.

    Attributes:
        solved, proposed: one flag per test input: an attempt is right, or any candidate.
        seconds: of its work.
    """

    name: str
    task_id: str
    seed: int
    solved: tuple[bool, ...]
    proposed: tuple[bool, ...]
    seconds: float
    failure: str | None = None

    @property
    def share(self) -> float:
        """Solved outputs over outputs, 0..1."""
        return sum(self.solved) / len(self.solved)

    @property
    def oracle(self) -> float:
        """Outputs that some candidate has right over outputs, 0..1."""
        return sum(self.proposed) / len(self.proposed)


def config_rule(config: RankConfig) -> Rule:
    """The rule that options name."""
    return lambda pool: join(pool, config)


def judge(entry: PoolEntry, task: Task, right: Sequence[Grid], rule: Rule, name: str) -> Outcome:
    """Choose two attempts per test input and compare.

    An attempt that a submission would fill with a cheap guess stays empty: guesses are no method's
    own, and the fewer distinct answers a method has, the more of them it would be given.

    Args:
        name: of the outcome.
    """
    solved, proposed = [], []
    for index, grid in enumerate(right):
        pool = entry.pool.at(task.task_id, index)
        solved.append(grid in rule(pool).grids[:2])
        # Votes can put rows together, so an attempt need be no candidate.
        proposed.append(solved[-1] or grid in pool.grids())
    return Outcome(
        name,
        task.task_id,
        entry.seed,
        tuple(solved),
        tuple(proposed),
        entry.seconds,
        entry.failure,
    )


def judge_all(
    entries: Iterable[PoolEntry],
    tasks: Mapping[str, Task],
    solutions: Solutions,
    rule_of: Callable[[PoolEntry], tuple[str, Rule] | None],
) -> list[Outcome]:
    """Outcomes of all entries whose task is there and for which `rule_of` names a rule."""
    outcomes = []
    for entry in entries:
        chosen = rule_of(entry)
        if chosen is not None and entry.task_id in tasks and entry.task_id in solutions:
            name, rule = chosen
            task, right = tasks[entry.task_id], solutions[entry.task_id]
            outcomes.append(judge(entry, task, right, rule, name))
    return outcomes


def guessed(tasks: Iterable[Task], solutions: Solutions) -> float:
    """Tasks (partial credit) that cheap guesses solve alone."""
    total = 0.0
    for task in tasks:
        right = solutions[task.task_id]
        hits = [grid in guess_outputs(task, index) for index, grid in enumerate(right)]
        total += sum(hits) / len(hits)
    return total


def shares(outcomes: Iterable[Outcome], oracle: bool = False) -> Amounts:
    """Share of each (task, seed) that is solved, or that is among the candidates."""
    return {(o.task_id, o.seed): o.oracle if oracle else o.share for o in outcomes}


def joined_entry(entries: Sequence[PoolEntry], run: str) -> PoolEntry:
    """One entry of one task and seed with the candidates of several methods behind each other."""
    pool = CandidatePool()
    for entry in entries:
        pool = pool.merge(entry.pool)
    stage_s: dict[str, float] = {}
    for entry in entries:
        for stage, seconds in entry.stage_s.items():
            stage_s[stage] = stage_s.get(stage, 0.0) + seconds
    first = entries[0]
    return PoolEntry(first.task_id, run, first.seed, pool, first.model, stage_s)
