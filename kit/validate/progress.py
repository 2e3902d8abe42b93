"""What a person sees of a run: bars while it works, a short table at the end.

What it does: counts and prints. What it does not: hand anything back to the run; the solutions
that it may be given stay here.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from kit.arc.candidate import Prediction
from kit.arc.grid import Grid
from kit.arc.task import Solutions, Task
from kit.budget.plan import Leg, Plan
from kit.solve.work import WorkResult
from kit.submit.observer import RunReport

if TYPE_CHECKING:
    from tqdm import tqdm

# Failed tasks whose reasons the summary tells; the journal has all.
_REASONS = 3

# Seconds between two bars where the output is a file (a Kaggle log keeps every one of them).
_LOG_INTERVAL_S = 30.0

_SOURCES = {"sample": "model", "search": "programs", "llm_program": "written programs"}
_LEGS = {"ttt": "training", "search": "search", "write": "writing"}


class _PatientStream:
    """A stream that outlives its reader (`| head`, a closed terminal): the run goes on unseen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write if anybody still reads."""
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush if anybody still reads."""
        try:
            self._stream.flush()
        except OSError:
            self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (for good)

    def isatty(self) -> bool:
        """Whether a person reads it directly."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """For the width of the terminal."""
        return self._stream.fileno()


class _LogStream(_PatientStream):
    """A bar in a file or a notebook's log: every state of it a line of its own, none twice."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._last = ""

    def write(self, text: str) -> int:
        """Write a state of the bar (they begin with a carriage return) or a whole line."""
        line = text.strip("\r\n ")
        if line and line != self._last:
            self._last = line
            super().write(line + "\n")
        return len(text)


class ProgressObserver:
    """Bars on stderr and what the summary needs; implements `kit.submit.observer.RunObserver`."""

    def __init__(self, solutions: Solutions | None = None, stream: TextIO | None = None) -> None:
        self._solutions = solutions or {}
        shown_in = stream or sys.stderr
        self._interactive = shown_in.isatty()
        self._stream = (_PatientStream if self._interactive else _LogStream)(shown_in)
        self._tasks: dict[str, Task] = {}
        self._tried: dict[str, None] = {}
        self._busy: dict[tuple[Leg, str], None] = {}
        self._leg, self._round = "", 0
        self._answers: dict[tuple[str, int], Prediction] = {}
        # Counted when answers change, not at every tick.
        self._whole: set[str] = set()
        self._sources: dict[tuple[str, int, Grid], set[str]] = {}
        self._stage_s: Counter[str] = Counter()
        self._peak_bytes = 0
        self._bar: tqdm | None = None

    def on_start(self, tasks: Sequence[Task]) -> None:
        """Open the bar."""
        from tqdm import tqdm

        self._tasks = {task.task_id: task for task in tasks}
        interactive = self._interactive
        self._bar = tqdm(
            total=len(tasks),
            file=self._stream,
            unit="task",
            # A tick that counts no task must show too: the second round of searches counts none.
            miniters=0,
            mininterval=0.2 if interactive else _LOG_INTERVAL_S,
            maxinterval=1.0 if interactive else _LOG_INTERVAL_S,
            dynamic_ncols=interactive,
            bar_format="{n_fmt}/{total_fmt} tasks |{bar:20}| {elapsed}{postfix}",
        )

    def on_plan(self, plan: Plan) -> None:
        """Show the task as being worked on."""
        self._busy[plan.leg, plan.task_id] = None
        self._leg, self._round = _LEGS[plan.leg], plan.round

    def on_result(self, result: WorkResult, fresh: bool) -> None:
        """Count a task, its seconds, its memory and where its candidates came from."""
        self._busy.pop((result.plan.leg, result.task_id), None)
        for candidate in result.candidates:
            key = (candidate.task_id, candidate.test_index, candidate.grid)
            self._sources.setdefault(key, set()).add(_SOURCES[candidate.source])
        if fresh:
            self._stage_s.update(result.stage_s)
        self._peak_bytes = max(self._peak_bytes, result.peak_rss_bytes)
        if result.task_id not in self._tried:
            self._tried[result.task_id] = None
            if self._bar is not None:
                self._bar.update(1)
        if fresh and result.failure and self._bar is not None:
            self._bar.write(f"task {result.task_id}: {result.failure}", file=self._stream)

    def on_prediction(self, predictions: tuple[Prediction, ...]) -> None:
        """Keep the newest answers."""
        for prediction in predictions:
            self._answers[prediction.task_id, prediction.test_index] = prediction
        for task_id in {prediction.task_id for prediction in predictions}:
            task = self._tasks[task_id]
            is_whole = self._correct(task) == len(task.test)
            (self._whole.add if is_whole else self._whole.discard)(task_id)

    def on_tick(self, remaining_s: float) -> None:
        """Refresh what stands behind the bar."""
        if self._bar is None:
            return
        parts = [f"{_clock_text(remaining_s)} left"]
        if self._solutions:
            parts.append(f"solved {len(self._whole)}")
        if self._busy:
            names = list(dict.fromkeys(name for _, name in self._busy))
            more = f" +{len(names) - 3}" if len(names) > 3 else ""
            again = f" round {self._round + 1}" if self._round else ""
            parts.append(f"{self._leg}{again}: {' '.join(names[:3])}{more}")
        self._bar.set_postfix_str(", ".join(parts), refresh=False)
        self._bar.update(0)

    def on_end(self, report: RunReport) -> None:
        """Close the bar."""
        if self._bar is not None:
            solved = f"solved {len(self._whole)}" if self._solutions else ""
            self._bar.set_postfix_str(solved, refresh=True)
            self._bar.close()
            self._bar = None

    def summary(self, report: RunReport) -> str:
        """The table printed at the end of a run."""
        rows = [
            ("tasks tried", f"{len(self._tried)} of {len(self._tasks)}"),
            ("answered by", self._answered_by() or "nothing but cheap guesses"),
            *self._score_rows(),
            ("seconds per stage", self._stage_text() or "none"),
            ("peak memory", self._memory_text()),
            ("wall time", f"{report.wall_s:.1f} s, ended: {_ended(report)}"),
        ]
        if report.resumed:
            rows.insert(1, ("taken over", f"{report.resumed} results of an earlier start"))
        if report.failures:
            rows.append(("failed tasks", _listed(list(report.failures))))
            first = list(report.failures.items())[:_REASONS]
            rows += [("", f"{name}: {why}") for name, why in first]
        if report.cut:
            rows.append(("cut by time", _listed(list(report.cut))))
        rows += [("problem", problem) for problem in report.problems]
        return "\n".join(f"  {name:<18} {text}" for name, text in rows)

    def _correct(self, task: Task) -> int:
        """Test inputs of a task that are solved."""
        solution = self._solutions.get(task.task_id, ())
        return sum(
            (answer := self._answers.get((task.task_id, index))) is not None
            and output in answer.attempts
            for index, output in enumerate(solution)
        )

    def _score_rows(self) -> list[tuple[str, str]]:
        """Scores over the tasks that were tried, where the solutions are known."""
        known = [self._tasks[name] for name in self._tried if name in self._solutions]
        if not known:
            return []
        partial = sum(self._correct(task) / len(task.test) for task in known)
        strict = sum(self._correct(task) == len(task.test) for task in known)
        return [
            ("score (Kaggle's)", f"{partial:.2f} of {len(known)} = {partial / len(known):.1%}"),
            ("solved whole", f"{strict} of {len(known)} = {strict / len(known):.1%}"),
        ]

    def _answered_by(self) -> str:
        """How many first attempts each leg gave; "model and programs" found the same."""
        counts = Counter(
            " and ".join(sorted(self._sources.get((*place, answer.attempts[0]), ["cheap guess"])))
            for place, answer in self._answers.items()
        )
        return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

    def _stage_text(self) -> str:
        """Seconds of work per stage, over all workers."""
        return ", ".join(f"{stage} {value:.1f}" for stage, value in sorted(self._stage_s.items()))

    def _memory_text(self) -> str:
        """The most that any worker has used."""
        if not self._peak_bytes:
            return "not known"
        return f"{self._peak_bytes / 2**20:.0f} MiB in one worker"


def _ended(report: RunReport) -> str:
    """The end in words."""
    words = {"done": "all done", "time": "time used up", "lost": "no worker left"}
    return words.get(report.stopped, f"stopped by {report.stopped}")


def _listed(names: list[str]) -> str:
    """A count and the first few names."""
    return f"{len(names)} ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"


def _clock_text(seconds: float) -> str:
    """H:MM:SS or M:SS."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, last = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{last:02}" if hours else f"{minutes}:{last:02}"
