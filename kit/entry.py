"""From a command line to an exit code: what `submission.py` and `python -m kit solve` do.

What it does, in this order: reads the request, finds the tasks, says what will happen, takes the
run folder, writes a valid submission of cheap guesses, then hands over to `kit.pipeline`. None of
it imports torch; only the workers do. It is the last line of defence: whatever goes wrong is one
line, an exit code, and a submission file that stays valid.

Exit codes: 0 done or time used up; 1 something inside failed, or an answer could not be saved;
2 the request cannot be met; 130 and 143 stopped by SIGINT and SIGTERM.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from kit.arc.exits import EXIT_FAILED, EXIT_REFUSED
from kit.arc.solutions import resolve_solutions
from kit.arc.whole_file import replace_file
from kit.budget.clock import SystemClock
from kit.interrupt import ALARM_DELAY_S, EXIT_CODES, FORCED_EXIT_S, StopGuard, Stopped
from kit.job import (
    Job,
    RunFolder,
    announce,
    find_job,
    open_folder,
    plan_text,
)
from kit.pipeline import Run, RunSetup
from kit.request import parse_request
from kit.staff import (
    check_model,
    check_sandbox,
    remember_costs,
    schedule,
    shares_adapter,
    start_workers,
)
from kit.submit.lock import ADAPTER_NAME, LOG_NAME, SUBMISSION_NAME
from kit.submit.observer import RunReport
from kit.submit.submission import SubmissionFile
from kit.validate.progress import ProgressObserver
from kit.workers.executor import Executor, describe

EXIT_DONE = 0


def main(argv: Sequence[str], started_s: float | None = None) -> int:
    """Run a command line; the exit code.

    Args:
        started_s: instant on `time.monotonic` at which the process began; None for now.
    """
    started_s = time.monotonic() if started_s is None else started_s
    guard = StopGuard()
    guard.install()
    try:
        return _main(argv, started_s, guard)
    except Stopped as stop:
        say(f"stopped ({stop.cause}) before work began: no new answers")
        return EXIT_CODES[stop.cause]
    except Exception as error:  # a bug, or no memory even for the tasks
        return _fail(error, Path(tempfile.gettempdir()))
    finally:
        guard.cancel()


def _main(argv: Sequence[str], started_s: float, guard: StopGuard) -> int:
    """Prepare what may be refused, then work."""
    try:
        job = find_job(parse_request(argv), started_s)
        say(announce(job))
        if job.request.plan_only:
            say(plan_text(job, time.monotonic()))
            return EXIT_DONE
        folder = open_folder(job)
    except (ValueError, OSError) as error:
        return _refuse(error)
    with closing(folder):
        # The loop stops by itself; the alarm is for what is stuck, so it comes a little later.
        guard.stop_at(job.stop_at_s() + ALARM_DELAY_S, job.end_s() - FORCED_EXIT_S)
        try:
            for remark in folder.remarks:
                say(remark)
            if job.config.solve.legs != "search":
                check_model(job.config.solve.model)
            check_sandbox(job.config.programs)
            observer = ProgressObserver(resolve_solutions(job.request.solutions, job.task_set))
            executor = start_workers(job.config, job.request.out, job.stop_at_s())
        except (ValueError, OSError) as error:
            return _refuse(error)
        try:
            with closing(executor):
                report = _work(job, folder, executor, observer, guard)
        except Exception as error:
            return _fail(error, job.request.out)
    say(observer.summary(report))
    if not report.saved:
        rescue(folder.submission)
    say(f"answers in {folder.submission.path}, the rest of the run in {job.request.out}")
    return exit_code(report)


def _work(
    job: Job,
    folder: RunFolder,
    executor: Executor,
    observer: ProgressObserver,
    guard: StopGuard,
) -> RunReport:
    """The run itself."""
    setup = RunSetup(
        tasks=job.tasks,
        config=job.config,
        clock=SystemClock(),
        started_s=job.started_s,
        stop_at_s=job.stop_at_s(),
        earlier=folder.earlier,
        adapter_out=job.request.out / ADAPTER_NAME if shares_adapter(job.config) else None,
    )
    policy = schedule(job.config, job.tasks, job.stop_at_s())
    run = Run(setup, policy, executor, folder.journal, folder.submission, observer, guard)
    report = run.work()
    remember_costs(job.config, policy)
    return report


def exit_code(report: RunReport) -> int:
    """The exit code that a finished run deserves."""
    if report.stopped in ("SIGINT", "SIGTERM"):
        return EXIT_CODES[report.stopped]
    tried = set(report.predictions) | set(report.failures)
    # What ran out of time has not failed: a budget that is used up is a good end.
    all_failed = bool(tried) and tried <= set(report.failures) - set(report.cut)
    if not report.saved or all_failed or report.stopped == "lost":
        return EXIT_FAILED
    return EXIT_DONE


def rescue(submission: SubmissionFile) -> None:
    """Put answers that did not fit on their disk into the folder for temporary files."""
    try:
        place = Path(tempfile.mkdtemp(prefix="arc-ttt-kit-")) / SUBMISSION_NAME
        replace_file(place, submission.to_bytes())
    except OSError as error:
        _complain(f"the newest answers are lost: {_one_line(error)}")
        return
    _complain(f"{submission.path} could not be written; the newest answers are in {place}")


def say(text: str) -> None:
    """Print to whoever still reads; a closed pipe does not stop a run."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (for good)


def _refuse(error: Exception) -> int:
    """Say in one line why a request cannot be met."""
    _complain(_one_line(error))
    return EXIT_REFUSED


def _fail(error: Exception, out: Path) -> int:
    """Say in one line what broke, and where its traceback is."""
    text = "".join(traceback.format_exception(error))
    for folder in (out, Path(tempfile.gettempdir())):
        log = folder / LOG_NAME
        try:
            with open(log, "a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError:
            continue
        _complain(f"{describe(error)}; the answers so far are kept, details in {log}")
        return EXIT_FAILED
    _complain(f"{describe(error)}; the answers so far are kept\n{text}")
    return EXIT_FAILED


def _complain(text: str) -> None:
    """Print an error to whoever still reads."""
    try:
        print(f"error: {text}", file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (for good)


def _one_line(error: Exception) -> str:
    """An error's message on one line; a system error names its file first."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
