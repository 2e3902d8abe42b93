"""What rehearsals say, in lines for people: finish, tasks per stage, score, what was cut."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from kit.config import format_duration
from kit.rehearsal import Stage
from kit.rehearsal_outcome import Outcome

_WIDE = 1.96
"""Standard deviations of a 95% interval."""


def stage_text(stage: Stage) -> str:
    """What was planned before anything ran."""
    machine, staffing = stage.machine, stage.staffing
    order = "take turns" if stage.config.workers.alternate else "stay both"
    return "\n".join(
        [
            f"machine  {machine.cards} x {machine.card}, {machine.cores} cores: {staffing.count} "
            f"worker(s) that train and serve ({order}), {staffing.search} that search",
            *(f"memory   {line}" for line in stage.memory.text().splitlines()),
            f"costs    {stage.costs.text()}",
            f"assumed  accuracy {stage.chances.trained:g} of fully trained tasks, "
            f"{stage.chances.base:g} untrained, {stage.chances.search:g} by search: an assumption, "
            "not measured",
        ]
    )


def outcome_line(outcome: Outcome) -> str:
    """One rehearsal."""
    end = outcome.end
    late = "  OVER TIME" if outcome.over_time else ""
    parts = ", ".join(f"{name} {count}" for name, count in outcome.per_stage.items())
    return (
        f"seed {end.seed:<3} ends at {format_duration(end.finish_s)} of "
        f"{format_duration(end.limit_s)}{late}; {outcome.tasks} tasks: {parts}; cut "
        f"{outcome.cut}, never trained {outcome.untrained}, never asked {outcome.unasked}; "
        f"solved {end.solved:.1f}; took {end.took_s:.0f} s"
    )


def summary_text(outcomes: Sequence[Outcome]) -> str:
    """All rehearsals together."""
    finishes = sorted(outcome.end.finish_s for outcome in outcomes)
    late = sum(outcome.over_time for outcome in outcomes)
    shares = [outcome.end.solved / outcome.tasks for outcome in outcomes]
    low, high = score_interval(shares, outcomes[0].tasks)
    seconds: dict[str, float] = {}
    for outcome in outcomes:
        for name, spent in outcome.stage_s.items():
            seconds[name] = seconds.get(name, 0.0) + spent / len(outcomes)
    spent_text = ", ".join(f"{name} {format_duration(spent)}" for name, spent in seconds.items())
    whole = [(outcome.cut, outcome.untrained, outcome.unasked) for outcome in outcomes]
    means = [statistics.fmean(column) for column in zip(*whole, strict=True)]
    lines = [
        f"finish   {format_duration(finishes[0])} to {format_duration(finishes[-1])}, over time in "
        f"{late} of {len(outcomes)} seeds",
        f"work     {spent_text} of workers' time a run",
        f"score    {100 * statistics.fmean(shares):.1f}%, in 95 of 100 runs {100 * low:.1f} to "
        f"{100 * high:.1f}%, if the assumed accuracy holds",
        f"cut      {means[0]:.1f} tasks had a plan shortened, {means[1]:.1f} never trained, "
        f"{means[2]:.1f} never asked, a run of {outcomes[0].tasks}",
    ]
    reasons = _reasons(outcomes)
    problems = sorted({problem for outcome in outcomes for problem in outcome.problems})
    return "\n".join([*lines, *reasons, *(f"problem  {problem}" for problem in problems)])


def score_interval(shares: Sequence[float], tasks: int) -> tuple[float, float]:
    """95% interval of one run's score: what runs differ by, at least the chance of their tasks
    (which tasks are drawn is luck, however many runs agree)."""
    mean = statistics.fmean(shares)
    spread = statistics.stdev(shares) if len(shares) > 1 else 0.0
    chance = math.sqrt(max(mean * (1 - mean), 0.0) / tasks)
    wide = _WIDE * max(spread, chance)
    return max(0.0, mean - wide), min(1.0, mean + wide)


def _reasons(outcomes: Sequence[Outcome]) -> list[str]:
    """Why tasks lost something, most frequent first."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        for why in outcome.failures.values():
            counts[why] = counts.get(why, 0) + 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    runs = len(outcomes)
    return [f"lost     {count / runs:.1f} tasks a run: {why}" for why, count in ordered[:5]]
