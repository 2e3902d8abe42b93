"""The run: plans to workers, results to answers, until nothing is left or the time is up.

What it does: asks the scheduler what to do next, hands it to the executor, keeps every result in
the journal, chooses answers and saves the submission after each task. What it does not: import
torch, see solutions, parse arguments, or decide anything by itself that the scheduler decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.task import Task
from kit.budget.clock import Clock
from kit.budget.plan import SHARED, Plan
from kit.budget.policy import Policy
from kit.config import Config
from kit.finetune.trainer import Adapter
from kit.interrupt import StopGuard, Stopped
from kit.memory import RunMemory
from kit.rank.choose import choose
from kit.rank.outlook import task_outlook
from kit.shared_adapter import DamagedAdapterError, note_adapter, take_over_adapter
from kit.solve.work import WorkItem, WorkResult
from kit.submit.journal import Journal, Record
from kit.submit.observer import RunObserver, RunReport, StopCause
from kit.submit.records import (
    failure_record,
    plan_key,
    plan_record,
    prediction_record,
    result_record,
)
from kit.submit.submission import SubmissionFile
from kit.workers.executor import Executor, WorkersLost, describe

POLL_S = 0.25
"""How long one look for results may wait: the bars move, and the clock is asked, this often."""


@dataclass(frozen=True, slots=True)
class RunSetup:
    """What a run works on and with.

    Attributes:
        tasks: those to work on; the submission may hold more.
        stop_at_s: instant on `clock` after which no work is waited for.
        started_s: instant on `clock` at which the process began.
        earlier: results of an earlier start that still count.
        adapter_out: where one adapter for all tasks goes; None for one adapter per task.
        poll_s: see POLL_S.
    """

    tasks: tuple[Task, ...]
    config: Config
    clock: Clock
    started_s: float
    stop_at_s: float
    earlier: tuple[WorkResult, ...] = ()
    adapter_out: Path | None = None
    poll_s: float = POLL_S


def shared_item(plan: Plan, tasks: Sequence[Task], out: Path, deadline_s: float) -> WorkItem:
    """The item that trains one adapter on all tasks: as many steps as they would have had."""
    return WorkItem(tasks[0], plan, deadline_s, union=tuple(tasks), adapter_out=out)


class Run:
    """One run over open files and an open executor; `work` does it all."""

    def __init__(
        self,
        setup: RunSetup,
        scheduler: Policy,
        executor: Executor,
        journal: Journal,
        submission: SubmissionFile,
        observer: RunObserver,
        guard: StopGuard,
    ) -> None:
        self._setup = setup
        self._scheduler = scheduler
        self._executor = executor
        self._journal = journal
        self._submission = submission
        self._observer = observer
        self._guard = guard
        self._tasks = {task.task_id: task for task in setup.tasks}
        self._memory = RunMemory()
        self._shared: Adapter | None = None

    def work(self) -> RunReport:
        """Work until all plans are done or the run is stopped; the files are final on return.

        Never raises for failed tasks, full disks or lost workers: they are in the report.
        """
        stopped: StopCause = "done"
        self._observer.on_start(self._setup.tasks)
        try:
            self._take_over()
            stopped = self._loop()
        except Stopped as stop:
            stopped = stop.cause
        except WorkersLost as lost:
            stopped = "lost"
            self._problem(f"no worker can be started: {lost}")
        report = self._finish(stopped)
        self._observer.on_end(report)
        return report

    def _take_over(self) -> None:
        """Count what an earlier start has done; its answers are chosen again from its results.

        What was cut or failed still counts for the answers, but is planned again.
        """
        for result in self._setup.earlier:
            self._memory.keep(result)
            if not result.cut and result.failure is None:
                self._tell_scheduler(result)
            self._observer.on_result(result, fresh=False)
        for task_id in self._memory.results:
            self._decide(self._tasks[task_id], journaled=False)
        if self._memory.results:
            self._save()
        if self._setup.adapter_out is not None:
            self._take_over_shared(self._setup.adapter_out)

    def _take_over_shared(self, out: Path) -> None:
        """Use the adapter that an earlier start has written, if it is still the same."""
        try:
            self._shared = take_over_adapter(out, SHARED, self._setup.config.finetune.method)
        except DamagedAdapterError as error:
            self._problem(f"{error}; it is trained again")
        if self._shared is not None:
            self._scheduler.finish(Plan(SHARED), {}, {})

    def _loop(self) -> StopCause:
        """Plans out, results in."""
        running: set[str] = set()
        while True:
            now_s = self._setup.clock.now_s()
            if now_s >= self._setup.stop_at_s:
                return "time"
            idle, idle_search = self._executor.idle(), self._executor.idle_search()
            for plan in self._scheduler.next_plans(now_s, idle, idle_search):
                running.add(plan_key(plan))
                self._submit(plan, now_s)
            if not running:
                return "done" if self._is_complete() else "time"
            left_s = self._setup.stop_at_s - now_s
            self._observer.on_tick(left_s)
            for result in self._executor.poll(min(self._setup.poll_s, left_s)):
                with self._guard.shielded():
                    running.discard(plan_key(result.plan))
                    self._absorb(result)
            for text in self._executor.problems():
                self._problem(text)

    def _is_complete(self) -> bool:
        """Whether every task had a plan; else the rest of the time was too short for one."""
        return all(task_id in self._memory.results for task_id in self._tasks)

    def _submit(self, plan: Plan, now_s: float) -> None:
        """Journal a plan, then start it; of the shared adapter its folder is the record."""
        deadline_s = self._scheduler.deadline_s(plan, now_s)
        if plan.task_id == SHARED:
            assert self._setup.adapter_out is not None
            tasks, out = self._setup.tasks, self._setup.adapter_out
            self._observer.on_plan(plan)
            self._executor.submit(shared_item(plan, tasks, out, deadline_s))
            return
        with self._guard.shielded():
            self._write(plan_record(plan), synced=False)
        self._observer.on_plan(plan)
        shared = self._shared if plan.leg == "ttt" else None
        self._executor.submit(WorkItem(self._tasks[plan.task_id], plan, deadline_s, shared))

    def _absorb(self, result: WorkResult) -> None:
        """Keep a result, choose its task's answers anew and save them."""
        if result.plan.task_id == SHARED:
            self._absorb_shared(result)
            return
        at_s = self._setup.clock.now_s() - self._setup.started_s
        # Forced to disk together with the prediction, if it changes one.
        self._write(result_record(result, at_s), synced=False)
        if result.failure is not None:
            self._write(failure_record(result), synced=False)
        is_new = self._memory.keep(result)
        self._tell_scheduler(result)
        self._observer.on_result(result, fresh=True)
        task = self._tasks[result.task_id]
        if is_new:
            self._decide(task, journaled=True)
        else:
            self._judge(task)
        if not self._memory.saved:
            self._save()

    def _absorb_shared(self, result: WorkResult) -> None:
        """Keep the adapter that all tasks share; without one the base model answers."""
        self._shared = result.adapter
        if result.adapter is not None:
            try:
                note_adapter(result.adapter)
            except OSError as error:
                self._problem(f"{result.adapter.path}: {error.strerror}; --resume trains it again")
        if result.failure is not None:
            self._problem(f"the shared adapter: {result.failure}")
        self._scheduler.finish(result.plan, result.stage_s, result.counts)

    def _tell_scheduler(self, result: WorkResult) -> None:
        """Let the scheduler count a result."""
        # What was cut has not failed: it may bring answers when it has more time.
        lost = result.failure is not None and not result.candidates and not result.cut
        self._scheduler.finish(result.plan, result.stage_s, result.counts, result.cut, lost)

    def _decide(self, task: Task, journaled: bool) -> None:
        """Choose a task's answers from all its results; a failure here costs this task only."""
        try:
            predictions = choose(self._memory.pool(task.task_id), task, self._setup.config.rank)
            if self._submission.update(predictions):
                self._memory.saved = False
        except Exception as error:
            self._memory.failures[task.task_id] = f"choosing an answer: {describe(error)}"
            # The file keeps the older answer; the next result makes the choice again.
            self._memory.predictions.pop(task.task_id, None)
            return
        self._memory.predictions[task.task_id] = predictions
        self._judge(task)
        if journaled:
            self._write(prediction_record(predictions))
        self._observer.on_prediction(predictions)

    def _judge(self, task: Task) -> None:
        """Let the scheduler know how a task stands."""
        name, memory = task.task_id, self._memory
        outlook = task_outlook(
            task, memory.pool(name), memory.predictions[name], memory.observed(name)
        )
        self._scheduler.judge(name, outlook)

    def _save(self) -> None:
        """Save the submission; a full disk is a problem to report, the old file stays valid."""
        try:
            self._submission.save()
        except OSError as error:
            self._memory.saved = False
            self._problem(f"{self._submission.path}: {error.strerror}; older answers stay in it")
        else:
            self._memory.saved = True

    def _write(self, record: Record, synced: bool = True) -> None:
        """Journal a record; a failure is a problem to report."""
        if not self._journal.append(record, synced=synced):
            self._problem(f"{self._journal.failure}; --resume will repeat what is not in it")

    def _problem(self, text: str) -> None:
        """Remember a line about the run itself, once."""
        self._memory.problems.setdefault(text)

    def _finish(self, stopped: StopCause) -> RunReport:
        """Stop the workers, save once more where that failed, and write the last record."""
        self._guard.disarm()
        self._executor.close()
        memory = self._memory
        if not memory.saved:
            self._save()
        report = RunReport(
            stopped=stopped,
            predictions=dict(memory.predictions),
            failures=dict(memory.failures),
            cut=tuple(memory.cut),
            resumed=len(self._setup.earlier),
            wall_s=self._setup.clock.now_s() - self._setup.started_s,
            problems=tuple(memory.problems),
            saved=memory.saved,
        )
        end = {"stopped": stopped, "wall_s": report.wall_s, "tasks": len(memory.predictions)}
        self._write(Record("end", "", end))
        self._journal.close()
        return report
