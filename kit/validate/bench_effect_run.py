"""The work behind `python -m kit bench effect`: tasks with and without training, in processes.

What it does: runs the product's own code on every (seed, task), scores the answers, and appends
one line of JSON per arm to a file, so that a second call goes on where the first one stopped.
What it does not: show solutions to what answers; they are looked at in the parent only.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from kit.arc.grid import Grid
from kit.arc.task import Solutions, Task
from kit.budget.clock import SystemClock
from kit.budget.legs import open_legs
from kit.budget.plan import Plan
from kit.budget.settings import BudgetConfig
from kit.budget.setup import LegsSetup, measure_tasks
from kit.rank.choose import RankConfig, join
from kit.rank.guess import guess_outputs
from kit.rank.pool import CandidatePool
from kit.solve.phases import solve_item
from kit.solve.toolbox import Toolbox, ToolboxSettings, open_toolbox
from kit.solve.wire import to_plain
from kit.solve.work import WorkItem

BASE, TTT = "without training", "with training"
ARMS = (BASE, TTT)


@dataclass(frozen=True, slots=True)
class Method:
    """How tasks are worked on."""

    toolbox: ToolboxSettings
    budget: BudgetConfig
    rank: RankConfig


@dataclass(frozen=True, slots=True)
class Job:
    """One task under one seed, both arms."""

    seed: int
    task: Task
    method: Method
    scratch: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What one arm answered.

    Attributes:
        attempts: two grids per test input, or fewer.
        pool: distinct candidates per test input.
    """

    arm: str
    attempts: tuple[tuple[Grid, ...], ...]
    pool: tuple[tuple[Grid, ...], ...]
    seconds: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How good an answer was.

    Attributes:
        solved, oracle: one flag per test input: an attempt, or any candidate, was right.
        seconds: of the whole task.
        failure: what went wrong, in one line.
    """

    seed: int
    task_id: str
    arm: str
    solved: tuple[bool, ...]
    oracle: tuple[bool, ...]
    seconds: float
    failure: str | None = None

    @property
    def share(self) -> float:
        """Solved outputs over outputs, 0..1."""
        return sum(self.solved) / len(self.solved)


def full_plan(task: Task, method: Method, seed: int) -> Plan:
    """The plan that a run without time limit makes for a task."""
    budget = replace(method.budget, unit="work", rounds=1)
    setup = LegsSetup(
        budget,
        measure_tasks([task]),
        seed,
        math.inf,
        has_search=False,
        batch_views=method.toolbox.finetune.batch_views,
        samples_per_view=method.toolbox.generate.samples_per_view,
    )
    (plan,) = open_legs(setup).next_plans(0.0, 1)
    return plan


def answer_both(job: Job) -> tuple[Answer, ...]:
    """Both arms of a job: the same plan and views, once without any optimiser step."""
    plan = full_plan(job.task, job.method, job.seed)
    plans = {BASE: replace(plan, num_steps=0, num_train_views=0), TTT: plan}
    toolbox = _toolbox(job.method.toolbox, job.scratch)
    return tuple(_answer(arm, job, plans[arm], toolbox) for arm in ARMS)


@cache
def _toolbox(settings: ToolboxSettings, scratch: Path) -> Toolbox:
    """Opened once per process."""
    return open_toolbox(settings, 1, scratch)


def _answer(arm: str, job: Job, plan: Plan, toolbox: Toolbox) -> Answer:
    began_s = time.perf_counter()
    result = solve_item(WorkItem(job.task, plan), toolbox, SystemClock())
    pool = CandidatePool(result.candidates, result.scores)
    # Not what a submission holds: cheap guesses in it are no arm's own.
    attempts = tuple(
        tuple(join(pool.at(job.task.task_id, index), job.method.rank).grids[:2])
        for index in range(len(job.task.test))
    )
    grids = [
        tuple(dict.fromkeys(c.grid for c in result.candidates if c.test_index == index))
        for index in range(len(job.task.test))
    ]
    return Answer(
        arm,
        attempts,
        tuple(grids),
        time.perf_counter() - began_s,
        result.failure,
    )


def judge(answer: Answer, job: Job, solutions: Solutions) -> Outcome:
    """Compare an answer with the solutions."""
    right = solutions[job.task.task_id]
    return Outcome(
        job.seed,
        job.task.task_id,
        answer.arm,
        tuple(grid in held for grid, held in zip(right, answer.attempts, strict=True)),
        tuple(grid in held for grid, held in zip(right, answer.pool, strict=True)),
        round(answer.seconds, 3),
        answer.failure,
    )


def cheap_outcomes(tasks: Iterable[Task], solutions: Solutions) -> list[Outcome]:
    """What the cheap guesses alone are worth; they depend on no seed."""
    outcomes = []
    for task in tasks:
        guesses = [guess_outputs(task, index) for index in range(len(task.test))]
        solved = tuple(
            grid in held for grid, held in zip(solutions[task.task_id], guesses, strict=True)
        )
        outcomes.append(Outcome(0, task.task_id, "cheap guesses", solved, solved, 0.0))
    return outcomes


def work_off(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, tuple[Answer, ...]]]:
    """Answers as they come; with one worker in this process.

    Raises:
        OSError: a worker process died.
    """
    if workers == 1:
        yield from ((job, answer_both(job)) for job in jobs)
        return
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    try:
        futures = {executor.submit(answer_both, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise OSError("a worker process died; what was done is kept, run it again") from error
    finally:
        executor.shutdown(cancel_futures=True)


class OutcomeFile:
    """Outcomes in a file of JSON lines; the first line says what they were made with.

    Raises:
        ValueError: the file was made with something else.
    """

    def __init__(self, path: Path, made_with: Mapping[str, Any]) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        values = [value for line in lines if (value := _parsed(line)) is not None]
        if values and values[0] != {"made_with": made_with}:
            raise ValueError(f"{path}: made with other options or another model; use another --out")
        self.outcomes = [_read_outcome(value) for value in values[1:]]
        # A line that a dying process left half written must not swallow the next one.
        if lines and lines[-1]:
            self._append("")
        if not values:
            self._append(json.dumps({"made_with": made_with}))

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Keep the outcomes of one job: all of its arms or none."""
        new = list(outcomes)
        self._append("\n".join(json.dumps(asdict(outcome)) for outcome in new))
        self.outcomes += new

    def has(self, seed: int, task_id: str) -> bool:
        """Whether all arms of a job are there."""
        arms = {o.arm for o in self.outcomes if (o.seed, o.task_id) == (seed, task_id)}
        return arms == set(ARMS)

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(text + "\n")


def _parsed(line: str) -> dict[str, Any] | None:
    """The object on a line; None for an empty or torn one."""
    try:
        value = json.loads(line) if line.strip() else None
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _read_outcome(value: Mapping[str, Any]) -> Outcome:
    known = {f.name: value[f.name] for f in fields(Outcome)}
    return Outcome(**known | {"solved": tuple(value["solved"]), "oracle": tuple(value["oracle"])})


def made_with(method: Method) -> dict[str, Any]:
    """What outcomes depend on besides seed and task: options and weights."""
    budget = {name: value for name, value in asdict(method.budget).items() if "num_" in name}
    folder = method.toolbox.solve.model
    digests = {
        path.name: hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
        for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")])
    }
    parts = {"options": to_plain(method.toolbox), "rank": to_plain(method.rank)}
    return json.loads(json.dumps({**parts, "budget": budget, "model": digests}))
