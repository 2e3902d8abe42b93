"""A request made concrete: tasks found, run folder taken, fallback answers written.

What it does: everything between the command line and the run that can be refused. What it does
not: start workers, import torch, or look at solutions (it only remembers where they are).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from kit.arc.datasets import resolve_tasks
from kit.arc.files import TaskSet
from kit.arc.kaggle import KAGGLE_ROOT
from kit.arc.task import Task
from kit.config import Config, ConfigError, format_duration
from kit.request import Request
from kit.resume import check_resumable, code_version, run_record
from kit.solve.work import WorkResult
from kit.staff import model_bytes, schedule, staff
from kit.submit.journal import Journal, Record, Replay, replay
from kit.submit.lock import (
    JOURNAL_NAME,
    SUBMISSION_NAME,
    FolderLock,
    holds_old_run,
    move_old_run,
)
from kit.submit.records import last_predictions, last_results
from kit.submit.submission import SubmissionFile

# Kaggle ends a notebook after 12 hours, and saving its output takes part of them.
KAGGLE_BUDGET_S = 11.5 * 3600

# Ending workers and saving the last answers takes this long on a busy machine.
LEAST_RESERVE_S = 1.0

KAGGLE_WORKING = Path("/kaggle/working")


@dataclass(frozen=True, slots=True)
class Job:
    """What will be done.

    Attributes:
        tasks: those to work on, a part of `task_set.tasks`; the submission holds all of them.
        started_s: instant on `time.monotonic` at which the process began.
    """

    request: Request
    config: Config
    task_set: TaskSet
    tasks: tuple[Task, ...]
    submission_path: Path
    started_s: float

    def stop_at_s(self) -> float:
        """Instant on `time.monotonic` at which no work is waited for any more."""
        budget = self.config.budget
        latest_s = budget.time_s - min(LEAST_RESERVE_S, budget.time_s / 2)
        return self.started_s + min(budget.stop_after_s(), latest_s)

    def end_s(self) -> float:
        """Instant at which the whole budget is used up."""
        return self.started_s + self.config.budget.time_s


def find_job(request: Request, started_s: float) -> Job:
    """Find the tasks of a request.

    Raises:
        ValueError, OSError: there are none, or not those that were asked for; one line says why.
    """
    task_set = resolve_tasks(request.tasks, KAGGLE_ROOT)
    config = request.config
    on_kaggle = task_set.path is not None and task_set.path.is_relative_to(KAGGLE_ROOT)
    if on_kaggle and not request.budget_given:
        longer = dataclasses.replace(config.budget, time_s=KAGGLE_BUDGET_S)
        config = dataclasses.replace(config, budget=longer)
    folder = KAGGLE_WORKING if on_kaggle and KAGGLE_WORKING.is_dir() else Path(".")
    if request.out_given:
        folder = request.out
    else:
        # The current folder may be the kit's own, which Kaggle mounts for reading only.
        request = dataclasses.replace(request, out=folder / request.out)
    return Job(
        request=request,
        config=config,
        task_set=task_set,
        tasks=_chosen(task_set, request),
        submission_path=folder / SUBMISSION_NAME,
        started_s=started_s,
    )


def _chosen(task_set: TaskSet, request: Request) -> tuple[Task, ...]:
    """The tasks that --ids and --limit leave."""
    return task_set.pick(request.ids or task_set.tasks)[: request.limit]


def announce(job: Job) -> str:
    """The first output: what was found, what will be used, for how long."""
    config, request = job.config, job.request
    part = "" if len(job.tasks) == len(job.task_set.tasks) else f"; works on {len(job.tasks)}"
    lines = [
        f"found  {len(job.task_set.tasks)} tasks, {job.task_set.num_tests} test inputs: "
        f"{job.task_set.source}{part}",
        f"uses   {_used_text(config)}, preset {request.preset}, {_workers_text(config)}",
        f"for    {format_duration(config.budget.time_s)} at most, answers in {job.submission_path}",
    ]
    return "\n".join(lines)


def _workers_text(config: Config) -> str:
    """Who will work; a cluster is not asked before the first answers are safe."""
    if config.workers.executor == "ray":
        return f"workers on the Ray cluster {config.workers.ray_address}"
    staffing = staff(config)
    more = f", {staffing.search} more that search" if staffing.search else ""
    return f"{staffing.count} worker(s) of {staffing.threads} thread(s){more}"


def _used_text(config: Config) -> str:
    """The legs, and the model where one is used."""
    legs = {"ttt": "training", "search": "search", "both": "search and training"}
    size = model_bytes(config)
    model = f" of {config.solve.model} ({size / 2**20:.1f} MiB)" if size else ""
    programs = config.programs
    writer = f", programs by {programs.server or programs.model}" if programs.is_on else ""
    return legs[config.solve.legs] + model + writer


def plan_text(job: Job, now_s: float) -> str:
    """The first plan of every task, in order, with its predicted seconds."""
    scheduler = schedule(job.config, job.tasks, job.stop_at_s(), now_s)
    head = ("steps", "views", "scored", "seconds")
    lines = [f"{'task':<12} {'leg':<6} " + " ".join(f"{name:>7}" for name in head)]
    legs = 2 if job.config.solve.legs == "both" else 1
    for plan in scheduler.next_plans(now_s, legs * len(job.tasks), legs * len(job.tasks)):
        work = (plan.num_steps, plan.num_test_views, plan.num_score_views)
        cells = [*map(str, work), f"{scheduler.predicted_s(plan):.2f}"]
        lines.append(f"{plan.task_id:<12} {plan.leg:<6} " + " ".join(f"{c:>7}" for c in cells))
    return "\n".join(lines)


@dataclass(slots=True)
class RunFolder:
    """The open files of one run.

    Attributes:
        earlier: results of an earlier start, for the tasks of the job.
        remarks: lines that the user should see.
    """

    lock: FolderLock
    journal: Journal
    submission: SubmissionFile
    earlier: tuple[WorkResult, ...] = ()
    remarks: tuple[str, ...] = ()

    def close(self) -> None:
        """Close the journal and let the folder go; a second call does nothing."""
        self.journal.close()
        self.lock.release()


def open_folder(job: Job) -> RunFolder:
    """Take the run folder and write the first valid submission.

    Raises:
        ValueError: the folder is in use, or --resume does not fit what is in it.
        OSError: the folder or the submission cannot be written.
    """
    out = job.request.out
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: is a file; a run needs a folder")
    out.mkdir(parents=True, exist_ok=True)
    job.submission_path.parent.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(out)
    try:
        return _open_locked(job, out, lock)
    except BaseException:
        lock.release()
        raise


def _open_locked(job: Job, out: Path, lock: FolderLock) -> RunFolder:
    """The rest of `open_folder`, with the lock held."""
    remarks = []
    past = replay(out / JOURNAL_NAME) if job.request.resume else Replay((), 0, 0)
    if job.request.resume and not past.records:
        remarks.append(f"note   nothing to resume in {out}: a new run")
    if not past.records and holds_old_run(out):
        remarks.append(f"note   an earlier run was moved to {move_old_run(out)}")
    all_tasks = tuple(job.task_set.tasks.values())
    submission = SubmissionFile(job.submission_path, all_tasks)
    if not past.records:
        # As early as possible: whatever comes then, there is a valid file.
        submission.save()
    wanted = [task.task_id for task in job.tasks]
    record = run_record(job.config, all_tasks, code_version(), wanted)
    remarks += _check_past(past, record)
    earlier = tuple(r for r in last_results(past.records) if r.task_id in wanted)
    if past.records:
        submission.update(last_predictions(past.records))
        submission.save()
    journal = Journal(out / JOURNAL_NAME, past.good_bytes)
    journal.append(record)
    return RunFolder(lock, journal, submission, earlier, tuple(remarks))


def _check_past(past: Replay, record: Record) -> list[str]:
    """Remarks about going on with an earlier start; raises where that is wrong."""
    starts = [earlier for earlier in past.records if earlier.kind == "run"]
    if past.records and not starts:
        raise ConfigError("--resume: the journal in --out lost what it was made with; start anew")
    remark = check_resumable(starts[-1], record) if starts else None
    torn = f"note   {past.torn_bytes} bytes of a torn journal were dropped"
    return [*([f"note   {remark}"] if remark else []), *([torn] if past.torn_bytes else [])]
