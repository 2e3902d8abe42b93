"""Recording traces: every task at every level, by workers that run the product's own code.

What it does: hands jobs out, the cheapest task first, keeps each piece as it comes, goes on where
an earlier recording stopped. What it does not: open workers (the command does), show answers to
them, or choose what is recorded (`kit.validate.traces_plan`).
"""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from kit.budget.clock import Clock
from kit.budget.cost import Rates, measure_task, plan_units
from kit.budget.plan import Plan
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.solve.wire import to_plain
from kit.solve.work import WorkItem, WorkResult
from kit.validate.traces import Piece, TracedTask, evidence_of, right_of
from kit.validate.traces_file import TraceFile
from kit.validate.traces_plan import Job, Levels, jobs_of, key_of, missing, predicted_s
from kit.validate.traces_solver import kept_folder, training_s, training_seed

POLL_S = 0.5

ITEM_LIMIT_S = 1800.0
"""A piece that takes longer is cut, and kept as such."""


class Workers(Protocol):
    """What a recorder needs of an executor (`kit.workers.executor`)."""

    def submit(self, item: WorkItem) -> None:
        """Start an item."""
        ...

    def idle(self) -> int:
        """Workers without one."""
        ...

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """Results that have come."""
        ...


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded and how.

    Attributes:
        batch_views: training views per optimiser step.
        memo: folder in which workers keep adapters until their job is done.
        stop_s: instant on `clock` after which nothing is started.
        say: takes a line on progress.
    """

    tasks: Sequence[TracedTask]
    levels: Levels
    rank: RankConfig
    seed: int
    batch_views: int
    memo: Path
    clock: Clock
    stop_s: float = math.inf
    say: Callable[[str], None] = print


class Recorder:
    """One recording into one file; `record` does it all."""

    def __init__(self, recording: Recording, file: TraceFile, rates: Rates) -> None:
        """Start with what is in the file.

        Args:
            rates: to assume before anything was measured.
        """
        self._recording = recording
        self._file = file
        self._rates = rates
        self._tasks = {traced.task.task_id: traced for traced in recording.tasks}
        self._open: dict[str, list[Job]] = {}
        self._waiting: deque[Job] = deque()
        for traced in recording.tasks:
            self._plan(traced)
        self._running: dict[tuple[str, tuple[object, ...]], Job] = {}

    def _plan(self, traced: TracedTask) -> None:
        """Note what is missing of a task."""
        recording, name = self._recording, traced.task.task_id
        self._file.add_task(traced)
        held = self._file.tasks[name]
        for piece in held.pieces:
            self._rates = observed(self._rates, piece, traced, recording)
        jobs = jobs_of(traced.task, recording.levels, recording.seed, recording.batch_views)
        left = [Job(name, plans) for job in jobs if (plans := missing(job, held.pieces))]
        if left:
            self._open[name] = left
            self._waiting.extend(left)
        elif not set(recording.levels.legs) <= held.done:
            self._file.finish(name, recording.levels.legs)

    def num_open(self) -> int:
        """Tasks that are not whole."""
        return len(self._open)

    def estimate_s(self) -> float:
        """Seconds of work that are left, of one worker."""
        batch = self._recording.batch_views
        return sum(
            predicted_s(self._tasks[name].task, job.plans, self._rates, batch)
            for name, jobs in self._open.items()
            for job in jobs
        )

    def record(self, workers: Workers) -> int:
        """Work until everything is recorded or the time is up; tasks that are whole now."""
        recording = self._recording
        while self._waiting or self._running:
            if recording.clock.now_s() >= recording.stop_s:
                break
            while self._waiting and workers.idle() > 0:
                self._submit(workers, self._waiting.popleft())
            for result in workers.poll(POLL_S):
                self._absorb(result)
        return len(self._tasks) - len(self._open)

    def _submit(self, workers: Workers, job: Job) -> None:
        """Start the first plan of a job."""
        plan = job.plans[0]
        self._running[job.task_id, key_of(plan)] = job
        deadline_s = self._recording.clock.now_s() + ITEM_LIMIT_S
        workers.submit(WorkItem(self._tasks[job.task_id].task, plan, deadline_s))

    def _absorb(self, result: WorkResult) -> None:
        """Keep a piece; go on with its job, or with the next one."""
        job = self._running.pop((result.task_id, key_of(result.plan)))
        traced = self._tasks[job.task_id]
        piece = make_piece(result, traced, self._recording)
        self._file.add_piece(piece)
        self._rates = observed(self._rates, piece, traced, self._recording)
        over = bool(piece.counts.get("search_over")) or result.failure is not None
        left = () if over and result.plan.leg == "search" else job.plans[1:]
        jobs = self._open[job.task_id]
        jobs.remove(job)
        if left:
            rest = Job(job.task_id, left)
            jobs.append(rest)
            self._waiting.appendleft(rest)
            return
        shutil.rmtree(_memo(self._recording, result.plan), ignore_errors=True)
        if not jobs:
            self._finish(traced)

    def _finish(self, traced: TracedTask) -> None:
        """All of a task is there."""
        name = traced.task.task_id
        del self._open[name]
        self._file.finish(name, self._recording.levels.legs)
        done, whole = len(self._tasks) - len(self._open), len(self._tasks)
        hours = self.estimate_s() / 3600
        left = f"at most {hours:.1f} CPU-hours left"
        self._recording.say(f"{done} of {whole} tasks are whole, {left}: {name}")


def _memo(recording: Recording, plan: Plan) -> Path:
    seed = training_seed(plan.seed, plan.task_id)
    return kept_folder(recording.memo, plan.task_id, seed, plan.num_steps)


def make_piece(result: WorkResult, traced: TracedTask, recording: Recording) -> Piece:
    """A result as a piece: judged, and charged for its training wherever that happened."""
    plan, stages = result.plan, dict(result.stage_s)
    if plan.num_steps > 0:
        stages["train"] = max(stages.get("train", 0.0), training_s(_memo(recording, plan)))
    pool = CandidatePool(result.candidates, result.scores)
    evidence = evidence_of(traced.task, pool, recording.rank, result.observed)
    piece = Piece(
        task_id=result.task_id,
        leg=plan.leg,
        seed=plan.round if plan.leg == "ttt" else 0,
        steps=plan.num_steps,
        views=plan.num_test_views,
        search_s=plan.search_s,
        stage_s=stages,
        counts=dict(result.counts),
        observed=dict(result.observed),
        pool=pool,
        evidence=to_plain(evidence),
        failure=result.failure,
        cut=result.cut,
        peak_rss_bytes=result.peak_rss_bytes,
    )
    return replace(
        piece,
        right=right_of(traced, pool, recording.rank),
        right_votes=right_of(traced, CandidatePool(result.candidates), recording.rank),
    )


def observed(rates: Rates, piece: Piece, traced: TracedTask, recording: Recording) -> Rates:
    """Rates with what one piece shows."""
    if piece.leg != "ttt" or piece.failure is not None or piece.cut:
        return rates
    plan = Plan(
        piece.task_id,
        num_steps=piece.steps,
        num_test_views=piece.views,
        num_score_views=recording.levels.score_views,
    )
    units = plan_units(measure_task(traced.task), plan, recording.batch_views)
    for stage, amount in units.items():
        if piece.stage_s.get(stage, 0.0) > 0:
            rates = rates.observe(stage, amount, piece.stage_s[stage])
    return rates
