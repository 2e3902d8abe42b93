"""What is seen of one rehearsal: how far every task came, and what was right by assumption."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.arc.task import Task
from kit.solve.work import WorkResult
from kit.submit.observer import RunReport, SilentObserver


@dataclass(frozen=True, slots=True)
class End:
    """When and with what a rehearsal ended.

    Attributes:
        finish_s: since the notebook's start.
        solved: tasks, with partial credit, by the assumed accuracy.
        took_s: real seconds.
    """

    seed: int
    finish_s: float
    limit_s: float
    solved: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one rehearsal went.

    Attributes:
        tasks: in all.
        per_stage: stage -> tasks that had it.
        stage_s: stage -> worker-seconds.
        results: plans that ended.
        cut: tasks that a deadline shortened.
        untrained: tasks whose adapter was never trained.
        unasked: tasks that no model answered.
        failures: task -> line.
        problems: of the run itself.
    """

    end: End
    tasks: int
    per_stage: Mapping[str, int]
    stage_s: Mapping[str, float]
    results: int
    cut: int
    untrained: int
    unasked: int
    failures: Mapping[str, str]
    problems: tuple[str, ...]

    @property
    def over_time(self) -> bool:
        """Whether the contest would have ended it."""
        return self.end.finish_s > self.end.limit_s


@dataclass(slots=True)
class Watcher(SilentObserver):
    """Counts what a rehearsal does."""

    stages: dict[str, set[str]] = field(default_factory=dict)
    stage_s: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)
    proposed: set[tuple[str, int]] = field(default_factory=set)
    results: int = 0

    def on_result(self, result: WorkResult, fresh: bool) -> None:
        """Count it."""
        self.results += 1
        for name, seconds in result.stage_s.items():
            self.stages.setdefault(name, set()).add(result.task_id)
            self.stage_s[name] += seconds
        self.steps[result.task_id] += result.counts.get("steps", 0)
        if result.counts.get("completions"):
            self.asked.add(result.task_id)
        for candidate in result.candidates:
            self.proposed.add((result.task_id, candidate.test_index))

    def right(self, tasks: Sequence[Task], answers: Path) -> float:
        """Tasks solved, with partial credit: a right answer is the test input itself; guesses made
        before the run do not count."""
        content = json.loads(answers.read_text(encoding="utf-8"))
        total = 0.0
        for task in tasks:
            hits = [
                (task.task_id, index) in self.proposed
                and list(map(list, grid)) in list(content[task.task_id][index].values())
                for index, grid in enumerate(task.test)
            ]
            total += sum(hits) / len(hits)
        return total


def make_outcome(end: End, report: RunReport, watcher: Watcher, tasks: Sequence[Task]) -> Outcome:
    """Everything about one rehearsal."""
    names = [task.task_id for task in tasks]
    return Outcome(
        end=end,
        tasks=len(tasks),
        per_stage={name: len(held) for name, held in sorted(watcher.stages.items())},
        stage_s=dict(sorted(watcher.stage_s.items())),
        results=watcher.results,
        cut=len(report.cut),
        untrained=sum(not watcher.steps[name] for name in names),
        unasked=sum(name not in watcher.asked for name in names),
        failures=report.failures,
        problems=report.problems,
    )
