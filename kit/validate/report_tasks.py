"""All tasks of a report, from a run's story, its tasks and (where they are known) the solutions.

What it does: decides what became of every task, and keeps what a page shows of it as JSON values of
a bounded size. What it does not: know HTML, or read files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kit.arc.files import TaskSet
from kit.arc.grid import Grid
from kit.arc.task import Solutions, Task
from kit.budget.plan import Plan
from kit.rank.pool import CandidatePool
from kit.validate.answers import Answers
from kit.validate.report_entry import (
    GridTable,
    Status,
    TestAnswer,
    answer_of,
    status_of,
    task_cells,
    task_grids,
    test_entry,
)
from kit.validate.report_journal import RunStory, Step, stage_seconds

MOST_CANDIDATES = (8, 4, 2)
"""Proposals shown for a test input; fewer where the file would become larger than this:"""
MOST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        name: of the run, for people.
        tasks: the set that the run was started with; None where nobody knows it.
        solutions: None where they are not known or not wanted.
        guesses: the run's submission; it answers the tasks that were not tried.
        problems: lines for people.
    """

    name: str
    story: RunStory
    tasks: TaskSet | None = None
    solutions: Solutions | None = None
    guesses: Answers = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task as the page knows it.

    Attributes:
        tried: a plan for it has ended.
        cells: of its largest grid; 0 where the task is not known.
        seconds: of work, all stages.
        margin: of its least certain test input; None without an answer of the run.
        errors: what it lost.
        record: what is shown when it is opened, as JSON values.
    """

    task_id: str
    status: Status
    answers: tuple[TestAnswer, ...]
    tried: bool
    cells: int
    seconds: float
    margin: float | None
    errors: tuple[str, ...]
    record: Mapping[str, Any]

    @property
    def legs(self) -> tuple[str, ...]:
        """What proposed its answers."""
        return tuple(sorted({leg for answer in self.answers for leg in answer.legs}))

    @property
    def share(self) -> float:
        """Test inputs solved over test inputs, 0..1."""
        return sum(bool(a.right) for a in self.answers) / max(1, len(self.answers))

    @property
    def is_known(self) -> bool:
        """Whether its solution is known."""
        return any(answer.right is not None for answer in self.answers)


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything that a page shows.

    Attributes:
        tasks: those that were worked on in the order in which that began, then the others.
        data: JSON text of all records and grids.
    """

    subject: Subject
    tasks: tuple[TaskView, ...]
    data: str
    problems: tuple[str, ...]


def view_run(subject: Subject) -> RunView:
    """What a page shows of a run; the file stays small whatever the run has proposed."""
    story = subject.story
    known = subject.tasks.tasks if subject.tasks else {}
    names = list(dict.fromkeys((*story.steps, *story.predictions, *story.failures, *known)))
    for most in MOST_CANDIDATES:
        table, problems = GridTable(), [*subject.problems, *story.problems]
        views = tuple(_view(name, subject, table, problems, most) for name in names)
        content = {"grids": table.texts(), "tasks": [view.record for view in views]}
        data = json.dumps(content, separators=(",", ":"))
        if len(data) <= MOST_BYTES:
            break
    return RunView(subject, views, data, tuple(problems))


def _view(
    task_id: str, subject: Subject, table: GridTable, problems: list[str], most: int
) -> TaskView:
    """One task; what cannot be shown of it is a problem."""
    story = subject.story
    task = subject.tasks.tasks.get(task_id) if subject.tasks else None
    pool, results = story.pool(task_id), story.results(task_id)
    answers = _answers(task_id, task, pool, subject)
    margins = [p.margin for p in story.predictions.get(task_id, {}).values()]
    errors = tuple(story.failures.get(task_id, ()))
    record: dict[str, Any] = {"id": task_id, "errors": list(errors)}
    if task is not None:
        record |= task_grids(task, table)
    record["tests"] = [
        _test(task_id, index, answer, pool, subject, table, problems, most)
        for index, answer in enumerate(answers)
    ]
    record["steps"] = [_step(step) for step in story.steps.get(task_id, ())]
    return TaskView(
        task_id=task_id,
        status=status_of(answers, bool(results)),
        answers=answers,
        tried=bool(results),
        cells=task_cells(task),
        seconds=sum(stage_seconds(results).values()),
        margin=min(margins, default=None),
        errors=errors,
        record=record,
    )


def _answers(
    task_id: str, task: Task | None, pool: CandidatePool, subject: Subject
) -> tuple[TestAnswer, ...]:
    """What became of every test input of a task."""
    predictions = subject.story.predictions.get(task_id, {})
    truths = _truths(task_id, subject)
    guessed = subject.guesses.get(task_id, ())
    last = max([*predictions, *(c.test_index for c in pool.candidates)], default=-1)
    count = len(task.test) if task else max(last + 1, len(truths), len(guessed))
    found = []
    for index in range(count):
        attempts: Sequence[Grid] = guessed[index] if index < len(guessed) else ()
        if index in predictions:
            attempts = predictions[index].attempts
        truth = truths[index] if index < len(truths) else None
        found.append(answer_of(attempts, pool.at(task_id, index), truth))
    return tuple(found)


def _truths(task_id: str, subject: Subject) -> Sequence[Grid]:
    return (subject.solutions or {}).get(task_id, ())


def _test(
    task_id: str,
    index: int,
    answer: TestAnswer,
    pool: CandidatePool,
    subject: Subject,
    table: GridTable,
    problems: list[str],
    most: int,
) -> dict[str, Any]:
    """What is shown of one test input."""
    truths = _truths(task_id, subject)
    truth = truths[index] if index < len(truths) else None
    prediction = subject.story.predictions.get(task_id, {}).get(index)
    config, own = subject.story.rank_config(), pool.at(task_id, index)
    try:
        return test_entry(answer, prediction, own, truth, config, table, most)
    except Exception as error:
        # As in the run itself: what the rules make of one task's pool must not cost the others.
        problems.append(
            f"task {task_id}, test {index + 1}: its proposals cannot be ordered: "
            f"{type(error).__name__}: {error}"
        )
        nothing = CandidatePool()
        return test_entry(answer, prediction, nothing, truth, config, table, most)


def _step(step: Step) -> dict[str, Any]:
    """One plan and what came of it; fields of a plan that are at their default are left out."""
    result = step.result
    plain = {f.name: f.default for f in fields(Plan)}
    plan = {key: value for key, value in asdict(step.plan).items() if value != plain[key]}
    plan.pop("task_id")
    plan.pop("reason", None)
    record: dict[str, Any] = {
        "leg": step.plan.leg,
        "round": step.plan.round,
        "plan": plan,
        "why": step.plan.reason,
        "before": step.before,
        "at": step.at_s,
        "after": step.after,
        "reasons": list(step.reasons),
        "done": result is not None,
    }
    if result is not None:
        seconds = {stage: round(float(value), 3) for stage, value in result.stage_s.items()}
        record |= {
            "seconds": seconds,
            "counts": dict(result.counts),
            "found": len(result.candidates),
            "failure": result.failure,
            "cut": result.cut,
        }
    return record
