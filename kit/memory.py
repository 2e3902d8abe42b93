"""What a run knows so far: results of every task, what was chosen from them, what went wrong.

What it does: replaces older results of a plan, and gathers a task's pool from them. What it does
not: choose answers or write files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kit.arc.candidate import Prediction
from kit.budget.plan import Leg
from kit.rank.pool import CandidatePool
from kit.solve.work import WorkResult
from kit.submit.records import plan_key, pool_of


@dataclass(slots=True)
class RunMemory:
    """What a run knows so far.

    Attributes:
        results: task id -> plan key -> newest result; answers are chosen from all of a task's.
        failures: task id -> what its legs lost in their last rounds, in one line.
        cut: tasks that a deadline shortened in such a round.
        problems: lines about the run itself.
        saved: whether the submission file holds the newest answers.
    """

    results: dict[str, dict[str, WorkResult]] = field(default_factory=dict)
    predictions: dict[str, tuple[Prediction, ...]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    cut: dict[str, None] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)
    saved: bool = True

    def keep(self, result: WorkResult) -> bool:
        """Remember a result in place of an older one of the same plan.

        Returns whether the task's answers have to be chosen anew: not where it proposed nothing,
        as most searches do, and there is a good choice already.
        """
        name, key = result.task_id, plan_key(result.plan)
        older = self.results.setdefault(name, {}).get(key)
        proposed = any(r.candidates or r.scores for r in (result, older) if r is not None)
        is_new = proposed or name not in self.predictions
        self.results[name][key] = result
        newest: dict[Leg, WorkResult] = {}
        for held in sorted(self.results[name].values(), key=lambda r: r.plan.round):
            newest[held.plan.leg] = held
        failures = [held.failure for held in newest.values() if held.failure is not None]
        self.failures.pop(name, None)
        self.cut.pop(name, None)
        if failures:
            self.failures[name] = "; ".join(failures)
        if any(held.cut for held in newest.values()):
            self.cut[name] = None
        return is_new

    def pool(self, task_id: str) -> CandidatePool:
        """Everything that was proposed for a task."""
        return pool_of(self.results[task_id].values())

    def observed(self, task_id: str) -> dict[str, float]:
        """What the newest training of a task saw of itself."""
        held = sorted(self.results[task_id].values(), key=lambda result: result.plan.round)
        return dict(next((r.observed for r in reversed(held) if r.observed), {}))
