"""A journal told as a story: per task the plans, what came of them, and how its answers changed.

What it does: reads the records of a run, also of one that is still going on, was killed, was
resumed several times, or has records that this code cannot read; those cost a line among the
problems.
What it does not: know tasks or solutions, or make anything to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.arc.candidate import Prediction
from kit.arc.grid import check_grid
from kit.budget.plan import Plan
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.solve.wire import from_plain
from kit.solve.work import WorkResult
from kit.submit.journal import Record
from kit.submit.records import last_predictions, pool_of, read_result

_MOST_PROBLEMS = 20


@dataclass(slots=True)
class Step:
    """One plan and what came of it.

    Attributes:
        before: least margin of the task's answers when it was planned; None without answers.
        at_s: seconds of the run when its result came; None where that was not written down.
        after, reasons: least margin and the reasons of the answers chosen with its result.
    """

    plan: Plan
    before: float | None = None
    result: WorkResult | None = None
    at_s: float | None = None
    after: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """The state of one task's answers from some time on.

    Attributes:
        at_s: seconds since the run began, all its starts together; None where not known.
        work_s: seconds of work of all workers until then.
    """

    at_s: float | None
    work_s: float
    predictions: tuple[Prediction, ...]


@dataclass(slots=True)
class RunStory:
    """What a journal says.

    Attributes:
        starts: data of the records with which its starts began.
        steps: task id -> its plans, in the order of the journal.
        predictions: task id -> its newest answers, by test input.
        failures: task id -> what it lost, each once.
        moments: how answers changed, in order.
        end: data of the last record, when the run has ended; None for a run that is still going on
            or died.
        wall_s: seconds of all starts together, as far as they are known.
        problems: lines about the journal itself.
    """

    starts: list[Mapping[str, Any]] = field(default_factory=list)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    predictions: dict[str, dict[int, Prediction]] = field(default_factory=dict)
    failures: dict[str, list[str]] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    end: Mapping[str, Any] | None = None
    wall_s: float = 0.0
    problems: list[str] = field(default_factory=list)

    def results(self, task_id: str) -> list[WorkResult]:
        """Newest result of every plan of a task."""
        newest = {s.plan: s.result for s in self.steps.get(task_id, ()) if s.result is not None}
        return list(newest.values())

    def all_results(self) -> list[WorkResult]:
        """Every result that counts, task by task."""
        return [result for task_id in self.steps for result in self.results(task_id)]

    def pool(self, task_id: str) -> CandidatePool:
        """Everything that was proposed for a task."""
        return pool_of(self.results(task_id))

    def has_clock(self) -> bool:
        """Whether all moments know when they were."""
        return all(moment.at_s is not None for moment in self.moments)

    def rank_config(self) -> RankConfig:
        """How the run chose; the defaults where the journal does not say it in today's words."""
        try:
            return from_plain(RankConfig, self.starts[-1]["config"]["rank"])
        except (IndexError, KeyError, TypeError, ValueError):
            return RankConfig()


def read_story(records: Iterable[Record], torn_bytes: int = 0) -> RunStory:
    """What the records of a journal say, whatever is wrong with some of them."""
    reader = _Reader()
    for record in records:
        reader.read(record)
    story = reader.story
    story.wall_s = reader.now_s
    if reader.unread > _MOST_PROBLEMS:
        more = reader.unread - _MOST_PROBLEMS
        story.problems.append(f"{more} more records could not be read")
    if torn_bytes:
        story.problems.append(
            f"the last {torn_bytes} bytes of the journal are torn and were left out: the run was "
            "writing or died"
        )
    return story


class _Reader:
    """Builds a story record by record."""

    def __init__(self) -> None:
        self.story = RunStory()
        self.now_s = 0.0  # of the run, all its starts together
        self.unread = 0
        self._began_s = 0.0  # of this start
        self._work_s = 0.0
        self._last_step: dict[str, Step] = {}
        self._last_at_s: float | None = None

    def read(self, record: Record) -> None:
        """Take one record in; one of an unknown form is a problem."""
        try:
            getattr(self, f"_{record.kind}")(record)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            self.unread += 1
            if self.unread <= _MOST_PROBLEMS:
                text = " ".join(str(error).split())[:200]
                self.story.problems.append(
                    f"a record ({record.kind} of {record.key[:40]!r}) could not be read: "
                    f"{type(error).__name__}: {text}"
                )

    def _run(self, record: Record) -> None:
        self.story.starts.append(dict(record.data))
        self.story.end = None
        self._began_s = self.now_s

    def _plan(self, record: Record) -> None:
        self._add_step(from_plain(Plan, record.data))

    def _add_step(self, plan: Plan) -> Step:
        known = self.story.predictions.get(plan.task_id)
        step = Step(plan, before=_least_margin(known.values()) if known else None)
        self.story.steps.setdefault(plan.task_id, []).append(step)
        return step

    def _result(self, record: Record) -> None:
        result = read_result(record.data)
        steps = self.story.steps.get(result.task_id, ())
        waiting = [s for s in steps if s.plan == result.plan and s.result is None]
        step = waiting[-1] if waiting else self._add_step(result.plan)
        step.result = result
        self._work_s += sum(map(float, result.stage_s.values()))
        step.at_s = self._instant(record.data.get("at_s"))
        self._last_at_s = step.at_s
        self._last_step[result.task_id] = step

    def _instant(self, at_s: float | None) -> float | None:
        """A time of this start as one of the run."""
        if at_s is None:
            return None
        self.now_s = max(self.now_s, self._began_s + float(at_s))
        return self._began_s + float(at_s)

    def _prediction(self, record: Record) -> None:
        found = last_predictions([record])
        for prediction in found:
            for attempt in prediction.attempts:
                check_grid(attempt, f"task {prediction.task_id}")
        held = self.story.predictions.setdefault(record.key, {})
        held.update({prediction.test_index: prediction for prediction in found})
        self.story.moments.append(Moment(self._last_at_s, self._work_s, tuple(found)))
        step = self._last_step.get(record.key)
        if step is not None:
            step.after = _least_margin(found)
            step.reasons = tuple(prediction.reason for prediction in found)

    def _failure(self, record: Record) -> None:
        lines = self.story.failures.setdefault(record.key, [])
        if (why := str(record.data["why"])) not in lines:
            lines.append(why)

    def _end(self, record: Record) -> None:
        self.story.end = dict(record.data)
        self.now_s = max(self.now_s, self._began_s + float(record.data.get("wall_s", 0.0)))


def _least_margin(predictions: Iterable[Prediction]) -> float | None:
    return min((prediction.margin for prediction in predictions), default=None)


def stage_seconds(results: Sequence[WorkResult]) -> dict[str, float]:
    """Seconds of work by stage, most first."""
    total: dict[str, float] = {}
    for result in results:
        for stage, seconds in result.stage_s.items():
            total[stage] = total.get(stage, 0.0) + float(seconds)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
