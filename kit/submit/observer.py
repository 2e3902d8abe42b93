"""What a run tells whoever watches it. Nothing comes back: an observer may know the solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from kit.arc.candidate import Prediction
from kit.arc.task import Task
from kit.budget.plan import Plan
from kit.solve.work import WorkResult

StopCause = Literal["done", "time", "SIGINT", "SIGTERM", "lost"]


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended.

    Attributes:
        stopped: "done" when no plan was left, "lost" when no worker could be started any more,
            else what ended it.
        predictions: task id -> what was chosen, for tasks that had a result.
        failures: task id -> one line, for tasks that lost something.
        cut: tasks that a deadline shortened.
        resumed: results taken over from an earlier start.
        wall_s: of this process, from its start.
        problems: lines about the run itself, e.g. a file that could not be written.
        saved: whether the submission file holds all predictions.
    """

    stopped: StopCause
    predictions: Mapping[str, tuple[Prediction, ...]] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    resumed: int = 0
    wall_s: float = 0.0
    problems: tuple[str, ...] = ()
    saved: bool = True


class RunObserver(Protocol):
    """Watches a run; every method returns at once and must not raise."""

    def on_start(self, tasks: Sequence[Task]) -> None:
        """The tasks that will be worked on."""
        ...

    def on_plan(self, plan: Plan) -> None:
        """A worker begins with a plan."""
        ...

    def on_result(self, result: WorkResult, fresh: bool) -> None:
        """A plan has ended; `fresh` is False for one taken over from an earlier start."""
        ...

    def on_prediction(self, predictions: tuple[Prediction, ...]) -> None:
        """A task's answers have changed."""
        ...

    def on_tick(self, remaining_s: float) -> None:
        """Time has passed; called a few times per second or less."""
        ...

    def on_end(self, report: RunReport) -> None:
        """The run is over; the submission file is final."""
        ...


class SilentObserver:
    """Watches nothing."""

    def on_start(self, tasks: Sequence[Task]) -> None:
        """Ignored."""

    def on_plan(self, plan: Plan) -> None:
        """Ignored."""

    def on_result(self, result: WorkResult, fresh: bool) -> None:
        """Ignored."""

    def on_prediction(self, predictions: tuple[Prediction, ...]) -> None:
        """Ignored."""

    def on_tick(self, remaining_s: float) -> None:
        """Ignored."""

    def on_end(self, report: RunReport) -> None:
        """Ignored."""
