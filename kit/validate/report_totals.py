"""The numbers at the top of a report: score, where points are lost, cost, and both over time.

What it does: counts. What it does not: call anything solved without solutions, or know HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kit.validate.report_journal import RunStory, stage_seconds
from kit.validate.report_tasks import RunView, TaskView


@dataclass(frozen=True, slots=True)
class TimePoint:
    """What a run had reached at one time.

    Attributes:
        time_s: seconds of the run; of work, where the journal has no times.
        tried: tasks with an answer of the run.
        points: tasks solved with partial credit; 0 where no solution is known.
    """

    time_s: float
    tried: int
    points: float


@dataclass(frozen=True, slots=True)
class StageCost:
    """Seconds of work of one stage.

    Attributes:
        solved_s: those spent on tasks that were solved whole.
    """

    stage: str
    seconds: float
    solved_s: float
    tasks: int


@dataclass(frozen=True, slots=True)
class LegResult:
    """What one way of proposing grids did.

    Attributes:
        outputs: test inputs whose answer that counts it proposed (alone or with others).
        right: those of them that are solved.
    """

    leg: str
    outputs: int
    right: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Counts over some tasks with known solutions, as `kit.validate.score` counts."""

    tasks: int
    points: float
    whole: int
    outputs: int
    outputs_right: int


def scores(tasks: Sequence[TaskView]) -> Scores | None:
    """The score of those tasks whose solutions are known; None where none is."""
    known = [task for task in tasks if task.is_known]
    if not known:
        return None
    return Scores(
        tasks=len(known),
        points=sum(task.share for task in known),
        whole=sum(task.status == "solved" for task in known),
        outputs=sum(len(task.answers) for task in known),
        outputs_right=sum(bool(a.right) for task in known for a in task.answers),
    )


FATES = (
    "right, attempt 1",
    "right, attempt 2",
    "right by a cheap guess",
    "proposed, not chosen",
    "nearly right",
    "wrong",
    "not tried",
)
"""What may become of a test input, best first."""


def fates(tasks: Sequence[TaskView]) -> dict[str, int]:
    """Test inputs by what became of them, where solutions are known: where points are lost."""
    counts = Counter(
        _fate(task, index) for task in tasks if task.is_known for index in range(len(task.answers))
    )
    return {fate: counts[fate] for fate in FATES} if counts else {}


def _fate(task: TaskView, index: int) -> str:
    answer = task.answers[index]
    if answer.right:
        return FATES[2] if answer.legs == ("guess",) else FATES[answer.right - 1]
    if not task.tried:
        return "not tried"
    if answer.in_pool:
        return "proposed, not chosen"
    return "nearly right" if answer.near else "wrong"


def leg_results(tasks: Sequence[TaskView]) -> list[LegResult]:
    """What each leg did, most answers first."""
    outputs: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for answer in (answer for task in tasks for answer in task.answers):
        outputs.update(answer.legs)
        right.update(answer.legs if answer.right else ())
    order = sorted(outputs, key=lambda leg: (-outputs[leg], leg))
    return [LegResult(leg, outputs[leg], right[leg]) for leg in order]


def stage_costs(view: RunView) -> list[StageCost]:
    """Seconds of work by stage, most first."""
    story = view.subject.story
    solved = {task.task_id for task in view.tasks if task.status == "solved"}
    total = stage_seconds(story.all_results())
    on_solved = stage_seconds([r for r in story.all_results() if r.task_id in solved])
    users = Counter(
        stage for task_id in story.steps for stage in stage_seconds(story.results(task_id))
    )
    return [
        StageCost(stage, seconds, on_solved.get(stage, 0.0), users[stage])
        for stage, seconds in total.items()
    ]


def time_points(view: RunView) -> list[TimePoint]:
    """What the run had reached after each change of an answer."""
    story, solutions = view.subject.story, view.subject.solutions or {}
    by_clock = story.has_clock()
    right: dict[str, dict[int, bool]] = {}
    shares: dict[str, float] = {}
    points, last_s = [], 0.0
    for moment in story.moments:
        at_s = moment.at_s if by_clock and moment.at_s is not None else moment.work_s
        last_s = max(last_s, at_s)
        for prediction in moment.predictions:
            truths = solutions.get(prediction.task_id, ())
            index = prediction.test_index
            held = right.setdefault(prediction.task_id, {})
            held[index] = index < len(truths) and truths[index] in prediction.attempts
            shares[prediction.task_id] = sum(held.values()) / max(len(held), len(truths))
        points.append(TimePoint(last_s, len(right), sum(shares.values())))
    return points


def peak_bytes(story: RunStory) -> int:
    """The most memory that a worker has used; 0 where it is not known."""
    return max((result.peak_rss_bytes for result in story.all_results()), default=0)


def total_counts(story: RunStory) -> dict[str, int]:
    """What all results counted, summed by name."""
    counts: Counter[str] = Counter()
    for result in story.all_results():
        counts.update({name: int(value) for name, value in result.counts.items()})
    return dict(sorted(counts.items()))
