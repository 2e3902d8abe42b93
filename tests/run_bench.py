"""One folder in which runs can be started, with a fake executor and a fake clock."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

from kit.arc.task import Task
from kit.budget.legs import open_legs
from kit.budget.setup import LegsSetup, measure_tasks
from kit.config import Config, make_config
from kit.interrupt import StopGuard
from kit.pipeline import Run, RunSetup
from kit.solve.work import WorkResult
from kit.staff import shares_adapter
from kit.submit.journal import Journal, replay
from kit.submit.observer import RunReport, SilentObserver
from kit.submit.records import last_predictions, last_results
from kit.submit.submission import SubmissionFile


def load_fakes() -> ModuleType:
    """tests/fake_run.py, which is no part of a package: worker processes import it by its name."""
    if "fake_run" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "fake_run", Path(__file__).with_name("fake_run.py")
        )
        assert spec is not None and spec.loader is not None
        sys.modules["fake_run"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["fake_run"])
    return sys.modules["fake_run"]


fakes = load_fakes()

TTT = "solve.legs=ttt"
WORK = make_config("smoke", ["budget.unit=work", "budget.time_s=100000", TTT])
BOTH = make_config("smoke", ["budget.unit=work", "budget.time_s=100000", "budget.rounds=2"])


class Recorder(SilentObserver):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.results: list[tuple[str, bool]] = []
        self.report: RunReport | None = None

    def on_result(self, result: WorkResult, fresh: bool) -> None:
        self.results.append((result.task_id, fresh))

    def on_end(self, report: RunReport) -> None:
        self.report = report


class Bench:
    """One folder in which runs can be started."""

    def __init__(self, folder: Path, tasks: tuple[Task, ...], config: Config = WORK) -> None:
        self.folder, self.tasks, self.config = folder, tasks, config
        self.clock = fakes.SteppedClock()
        self.executor = fakes.FakeExecutor(self.clock)
        self.observer = Recorder()
        self.guard = StopGuard()
        self.adapter_out: Path | None = None
        folder.mkdir(exist_ok=True)
        self.journal_path = folder / "journal.jsonl"
        self.submission_path = folder / "submission.json"

    def run(self, stop_at_s: float = 90000.0) -> RunReport:
        past = replay(self.journal_path)
        submission = SubmissionFile(self.submission_path, self.tasks)
        submission.update(last_predictions(past.records))
        submission.save()
        earlier = tuple(last_results(past.records))
        setup = RunSetup(
            self.tasks, self.config, self.clock, 0.0, stop_at_s, earlier, self.adapter_out
        )
        legs = self.config.solve.legs
        policy = open_legs(
            LegsSetup(
                self.config.budget,
                measure_tasks(self.tasks),
                self.config.seed,
                stop_at_s,
                workers=self.executor.workers,
                has_model=legs != "search",
                has_search=legs != "ttt",
                shared=shares_adapter(self.config),
            )
        )
        journal = Journal(self.journal_path, past.good_bytes)
        return Run(
            setup, policy, self.executor, journal, submission, self.observer, self.guard
        ).work()

    def answers(self) -> dict[str, object]:
        return json.loads(self.submission_path.read_text())
