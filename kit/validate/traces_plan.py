"""What a recorder does to every task: levels, the plans behind them, in which order, at what cost.

Pure: values in, values out. What it does not: run plans (`kit.validate.traces_record`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from kit.arc.datasets import DATASETS, dataset_entries, resolve_tasks
from kit.arc.files import TaskSet
from kit.arc.json_file import TaskFileError
from kit.arc.seeds import derive_seed
from kit.arc.solutions import resolve_solutions
from kit.arc.task import Task
from kit.budget.cost import Rates, measure_task, plan_units
from kit.budget.plan import Leg, Plan
from kit.pretrain.dev_tasks import DEV_TASKS, DEVELOPMENT
from kit.validate.traces import Piece, TracedTask

EVALUATION = tuple(name for name in DATASETS if "eval" in name)


@dataclass(frozen=True, slots=True)
class Levels:
    """The pieces of work that are recorded of every task.

    Attributes:
        steps: optimiser steps under the first seed; 0 asks the base model.
        again: of these, under a second seed; other numbers mean nothing.
        views: test views of each of these adapters.
        score_views: under which candidates are scored; 0 for none.
        slices: seconds of searches, each begun anew.
    Raises:
        ValueError: nothing to do, or a level that cannot be.
    """

    steps: tuple[int, ...] = (0, 30, 60, 120)
    again: tuple[int, ...] = (60,)
    views: tuple[int, ...] = (8, 16)
    score_views: int = 8
    slices: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3, 0.75, 1.7, 3.8, 8.6, 19.4)

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("again", 0), ("views", 1), ("slices", 0.05)):
            values = getattr(self, name)
            if list(values) != sorted(set(values)) or min(values, default=least) < least:
                raise ValueError(
                    f"--{name} must be ascending, each {least} or more, got "
                    f"{','.join(map(str, values)) or 'nothing'}"
                )
        if self.steps and not self.views:
            raise ValueError("--views must not be empty where there are --steps")
        if not (self.steps or self.slices):
            raise ValueError("--steps and --slices are both empty: there is nothing to record")
        if self.score_views < 0:
            raise ValueError(f"--score-views must be 0 or more, got {self.score_views}")

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Those that have levels."""
        return (*(("search",) if self.slices else ()), *(("ttt",) if self.steps else ()))

    @property
    def adapters(self) -> tuple[tuple[int, int], ...]:
        """(Index of the seed, steps) of every training."""
        again = [steps for steps in self.again if steps in self.steps]
        return (*((0, steps) for steps in self.steps), *((1, steps) for steps in again))


@dataclass(frozen=True, slots=True)
class Job:
    """Plans of one task that are worked on one after the other, by increasing slice of a search or
    by decreasing views of one adapter."""

    task_id: str
    plans: tuple[Plan, ...]


def jobs_of(task: Task, levels: Levels, seed: int, batch_views: int) -> list[Job]:
    """Everything that is recorded of one task; seeds of plans are those of a run's rounds.

    Args:
        batch_views: training views per optimiser step.
    """
    name = task.task_id
    slices = tuple(
        Plan(name, place, seed=derive_seed(seed, name, "search", place), leg="search", search_s=s)
        for place, s in enumerate(levels.slices)
    )
    jobs = [Job(name, slices)] if slices else []
    for index, steps in levels.adapters:
        plans = tuple(
            Plan(
                name,
                index,
                num_train_views=steps * batch_views,
                num_steps=steps,
                num_test_views=views,
                num_score_views=levels.score_views,
                seed=derive_seed(seed, name, "plan", index),
            )
            for views in reversed(levels.views)
        )
        jobs.append(Job(name, plans))
    return jobs


def missing(job: Job, pieces: Iterable[Piece]) -> tuple[Plan, ...]:
    """The plans of a job that still have to run; of a search none behind one that was finished."""
    held = {piece.key: piece for piece in pieces}
    left = []
    for plan in job.plans:
        piece = held.get(key_of(plan))
        if piece is None:
            left.append(plan)
        elif piece.counts.get("search_over"):
            return ()
    return tuple(left)


def key_of(plan: Plan) -> tuple[str, int, int, int, float]:
    """The key of the piece that a plan makes."""
    if plan.leg == "search":
        return plan.leg, 0, 0, 0, plan.search_s
    return plan.leg, plan.round, plan.num_steps, plan.num_test_views, 0.0


def predicted_s(task: Task, plans: Sequence[Plan], rates: Rates, batch_views: int) -> float:
    """Seconds of plans of one job; an adapter is trained once. A search counts whole, though most
    end early."""
    size, whole, trained = measure_task(task), 0.0, False
    for plan in plans:
        units = plan_units(size, plan, batch_views) if plan.leg == "ttt" else {}
        if trained:
            units.pop("train", None)
        trained |= plan.num_steps > 0
        whole += plan.search_s + (rates.p50_s(units) if units else 0.0)
    return whole


def find_tasks(specs: Sequence[str], evaluation: bool = False) -> list[TracedTask]:
    """The tasks of all sets that were asked for, with their answers, cheapest first.

    Args:
        specs: "dev" for the development tasks, names of sets, or paths.
        evaluation: public evaluation tasks are allowed, for reporting only.
    Raises:
        ValueError: an evaluation task, one task twice, or one without answers.
    """
    found: dict[str, TracedTask] = {}
    for spec in specs:
        tasks = resolve_tasks("arc1-train" if spec == DEVELOPMENT else spec)
        chosen = tasks.pick(DEV_TASKS if spec == DEVELOPMENT else tasks.tasks)
        if not evaluation:
            _refuse_evaluation(spec, tasks, chosen)
        answers = resolve_solutions(None, tasks) or {}
        for task in chosen:
            if task.task_id in found:
                raise ValueError(f"--tasks {spec}: task {task.task_id} is in another set too")
            if task.task_id not in answers:
                raise ValueError(f"--tasks {spec}: no answer is known to task {task.task_id}")
            source = DEVELOPMENT if spec == DEVELOPMENT else _name(tasks)
            found[task.task_id] = TracedTask(task, answers[task.task_id], source)
    return sorted(found.values(), key=lambda held: (_tokens(held.task), held.task.task_id))


def _name(tasks: TaskSet) -> str:
    """A set's name, or a file's without its folder."""
    return tasks.dataset or (tasks.path.name if tasks.path else tasks.source)


def _tokens(task: Task) -> int:
    size = measure_task(task)
    return size.train_view_tokens + sum(size.prompt_tokens)


def _refuse_evaluation(spec: str, tasks: TaskSet, chosen: Sequence[Task]) -> None:
    """Refuse tasks of the public evaluation sets, also under other names.

    Raises:
        ValueError: there is one.
    """
    if tasks.dataset in EVALUATION:
        hidden = list(chosen)
    else:
        ids, contents = _evaluation_tasks()
        hidden = [t for t in chosen if t.task_id in ids or _content(t) in contents]
    if hidden:
        raise ValueError(
            f"--tasks {spec}: {len(hidden)} public evaluation tasks in it, {hidden[0].task_id} "
            "for one; nothing is fitted to these. --evaluation allows them, for reporting only"
        )


@cache
def _evaluation_tasks() -> tuple[frozenset[str], frozenset[str]]:
    """Ids and contents; none where the package with the sets is not installed."""
    try:
        held = [entry for name in EVALUATION for entry in dataset_entries(name)]
    except TaskFileError:
        return frozenset(), frozenset()
    contents = (
        _digest([[p["input"], p["output"]] for p in e.content["train"]],
                [item["input"] for item in e.content["test"]])
        for e in held
    )  # fmt: skip
    return frozenset(e.task_id for e in held), frozenset(contents)


def _content(task: Task) -> str:
    return _digest([[pair.input, pair.output] for pair in task.train], task.test)


def _digest(train: Sequence[object], test: Sequence[object]) -> str:
    """A name of a task's grids."""
    return hashlib.blake2b(json.dumps([train, test]).encode(), digest_size=8).hexdigest()
