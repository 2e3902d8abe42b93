"""What candidates say of a task, in the plain numbers that decisions are taken from.

Of several test inputs it is always the least certain one that counts, since a task is solved when
all of them are. What it does not: choose answers, or decide anything from the numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.arc.candidate import Candidate, Prediction
from kit.arc.task import Task
from kit.budget.outlook import Outlook
from kit.rank.choose import program_outlook
from kit.rank.pool import CandidatePool
from kit.rank.programs import is_program, program_answers


@dataclass(frozen=True, slots=True)
class _Input:
    """The same numbers for one test input."""

    chance: float
    share: float
    lead: float
    votes: int
    agree: bool


def task_outlook(
    task: Task,
    pool: CandidatePool,
    predictions: Sequence[Prediction],
    observed: Mapping[str, float],
) -> Outlook:
    """What all candidates of a task say of its answers.

    Args:
        predictions: chosen from the pool, one per test input.
        observed: of the task's newest training, see `kit.solve.work.WorkResult`.
    """
    inputs = [
        _input_outlook(pool.at(task.task_id, index).candidates) for index in range(len(task.test))
    ]
    convinced, promise = program_outlook(pool, task)
    return Outlook(
        margin=min((prediction.margin for prediction in predictions), default=0.0),
        convinced=convinced,
        promise=promise,
        chance=min(held.chance for held in inputs),
        share=min(held.share for held in inputs),
        lead=min(held.lead for held in inputs),
        votes=min(held.votes for held in inputs),
        agree=all(held.agree for held in inputs),
        held_chance=observed.get("held_chance"),
        loss_nats=observed.get("loss_nats"),
    )


def _input_outlook(candidates: Sequence[Candidate]) -> _Input:
    """One test input's candidates."""
    votes = Counter(c.grid for c in candidates if not is_program(c))
    whole = votes.total()
    counts = sorted(votes.values(), reverse=True)
    best = counts[0] if counts else 0
    second = counts[1] if len(counts) > 1 else 0
    programs = program_answers(candidates)
    covered = bool(programs) and programs[0].covers
    return _Input(
        chance=programs[0].confidence if covered else 0.0,
        share=best / max(1, whole),
        lead=(best - second) / max(1, whole),
        votes=whole,
        agree=covered and best > 0 and votes[programs[0].grid] == best,
    )
