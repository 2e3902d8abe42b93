"""The work behind `python -m kit ablate`: one variant, task and seed at a time, in processes.

What it does: runs the product's own solver on every job and appends what it proposed to a pool file
(`kit.rank.pool_file`), one line per job, forced to disk, so that a call after any kind of death
goes on where the last one stopped. What it does not: show solutions to what answers, or choose
answers; the pools hold everything that is needed for that.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from kit.arc.seeds import derive_seed
from kit.arc.task import Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.budget.settings import BudgetConfig
from kit.finetune.adapter_dir import open_adapter
from kit.finetune.trainer import Adapter
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry
from kit.solve.searching import warm_up
from kit.solve.solver import TaskSolver
from kit.solve.toolbox import ToolboxSettings
from kit.solve.work import WorkItem, WorkResult, discard
from kit.validate.ablate_store import SharedFit, read_fit, write_fit
from kit.validate.ablate_variants import Variant


class CpuClock:
    """CPU time of this process, all threads together."""

    def now_s(self) -> float:
        """Seconds of `time.process_time`."""
        return time.process_time()


@dataclass(frozen=True, slots=True)
class Method:
    """A variant with its options resolved.

    Attributes:
        rank: how answers are chosen from what it proposes.
        cpu_time: seconds are CPU time of the worker, not wall time, so that what else the machine
            does costs nobody anything; for work that no GPU and no server does.
    """

    variant: Variant
    toolbox: ToolboxSettings
    budget: BudgetConfig
    rank: RankConfig
    cpu_time: bool = True

    @property
    def uses_model(self) -> bool:
        """Whether the base model answers."""
        return self.variant.work in ("ttt", "shared")


@dataclass(frozen=True, slots=True)
class Job:
    """One task under one seed by one method; with `union`, the adapter that all tasks share.

    Attributes:
        limit_s: most seconds that it may take.
        adapter_at: folder of the shared adapter, to be written or used.
    """

    method: Method
    seed: int
    task: Task
    scratch: Path
    limit_s: float = math.inf
    union: tuple[Task, ...] = ()
    adapter_at: Path | None = None

    @property
    def name(self) -> tuple[str, str, int]:
        """The name of its entry in the pool file."""
        return self.task.task_id, self.method.variant.name, self.seed


def full_plan(task: Task, budget: BudgetConfig, samples_per_view: int, seed: int) -> Plan:
    """The plan of a run without time limit; its seed is the same for every variant."""
    steps = budget.num_steps
    return Plan(
        task.task_id,
        num_train_views=budget.num_train_views if steps else 0,
        num_steps=steps,
        num_test_views=budget.num_test_views,
        samples_per_view=samples_per_view,
        num_score_views=budget.num_score_views,
        seed=derive_seed(seed, task.task_id, "plan", 0),
    )


def job_plan(job: Job) -> Plan:
    """What a job's solver is asked to do."""
    work, budget = job.method.variant.work, job.method.budget
    samples = job.method.toolbox.generate.samples_per_view
    plan = full_plan(job.task, budget, samples, job.seed)
    if work in ("search", "write"):
        seconds = 0.0 if job.limit_s == math.inf else job.limit_s
        return Plan(job.task.task_id, seed=plan.seed, leg=work, search_s=seconds)
    if not job.union:
        return replace(plan, num_steps=0, num_train_views=0) if work == "shared" else plan
    return Plan(
        "shared",
        num_train_views=plan.num_train_views,
        num_steps=plan.num_steps * len(job.union),
        seed=derive_seed(job.seed, "shared"),
    )


def do_job(job: Job) -> PoolEntry | None:
    """Work a job off; None for a shared adapter, which is left in its folder.

    Never raises for a task that fails: the entry says so.
    """
    solver = _solver(job.method.toolbox, job.scratch)
    if job.method.uses_model:
        solver.open_model()
    elif job.method.variant.work == "search":
        _warm()
    clock = CpuClock() if job.method.cpu_time else SystemClock()
    fit = None if job.union or job.adapter_at is None else read_fit(job.adapter_at)
    item = WorkItem(
        job.task,
        job_plan(job),
        clock.now_s() + job.limit_s,
        adapter=_shared_adapter(job),
        union=job.union,
        adapter_out=job.adapter_at if job.union else None,
    )
    result = solver.solve(item, clock, discard)
    if not job.union:
        return _entry(job, result, fit)
    assert job.adapter_at is not None
    counts = {**result.counts, "tasks": len(job.union)}
    write_fit(job.adapter_at, SharedFit(dict(result.stage_s), counts, result.failure))
    return None


def _shared_adapter(job: Job) -> Adapter | None:
    """The adapter of all tasks, where this job uses one and its training left one."""
    if job.union or job.adapter_at is None or not job.adapter_at.is_dir():
        return None
    return open_adapter(job.adapter_at, "shared", job.method.toolbox.finetune.method)


def _entry(job: Job, result: WorkResult, fit: SharedFit | None) -> PoolEntry:
    """The job's line in the pool file; a shared adapter's cost is spread over its tasks."""
    stage_s, failure = dict(result.stage_s), result.failure
    if fit is not None:
        stage_s["train"] = fit.stage_s.get("train", 0.0) / fit.counts.get("tasks", 1)
        failure = failure or fit.failure
    return PoolEntry(
        job.task.task_id,
        job.method.variant.name,
        job.seed,
        CandidatePool(result.candidates, result.scores),
        str(job.method.toolbox.solve.model) if job.method.uses_model else "",
        {stage: round(seconds, 4) for stage, seconds in stage_s.items()},
        result.counts,
        failure,
    )


@lru_cache(maxsize=1)
def _solver(settings: ToolboxSettings, scratch: Path) -> TaskSolver:
    """One open model per process: the next variant's takes its place."""
    return TaskSolver(settings, 1, scratch)


@lru_cache(maxsize=1)
def _warm() -> None:
    """Compile the search's kernels once, outside of what is timed."""
    warm_up(SystemClock())


def work_off(
    jobs: Sequence[Job], workers: int, more: Callable[[], bool]
) -> Iterator[tuple[Job, PoolEntry | None]]:
    """Jobs and their entries as they come; with one worker in this process.

    Args:
        more: whether another job may begin; those that have begun are waited for.
    Raises:
        OSError: a worker process died; what had come before counts.
    """
    if workers == 1:
        yield from ((job, do_job(job)) for job in jobs if more())
        return
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    waiting = list(reversed(jobs))
    running: dict[Future[PoolEntry | None], Job] = {}
    try:
        while True:
            while waiting and len(running) < workers and more():
                job = waiting.pop()
                running[executor.submit(do_job, job)] = job
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    except BrokenProcessPool as error:
        raise OSError("a worker process died; what was done is kept, run it again") from error
    finally:
        executor.shutdown(cancel_futures=True)
