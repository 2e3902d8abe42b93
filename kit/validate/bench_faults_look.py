"""What a run's files say from outside, and what of it a fault has cost.

What it does: reads submission and journal at one instant, and compares two instants. What it does
not: start, stop or harm anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kit.arc.files import TaskSet
from kit.rank.choose import RankConfig, choose
from kit.submit.journal import Record, replay
from kit.submit.lock import JOURNAL_NAME, SUBMISSION_NAME
from kit.submit.records import last_results, pool_of
from kit.submit.submission import Attempts
from kit.validate.answers import load_submission
from kit.validate.check import check_submission

Answers = Mapping[str, tuple[Attempts, ...]]

_RESCUED = re.compile(r"the newest answers are in (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Look:
    """A run's files at one instant.

    Attributes:
        problem: the first thing that is wrong with the submission; None when it is valid.
        answers: in it; empty when it is not valid.
        records: the journal's.
    """

    problem: str | None
    answers: Answers = field(default_factory=dict)
    records: tuple[Record, ...] = ()

    def history(self) -> dict[str, list[tuple[Attempts, ...]]]:
        """Task id -> the answers that the journal holds for it, oldest first."""
        held: dict[str, list[tuple[Attempts, ...]]] = {}
        for record in self.records:
            if record.kind == "prediction":
                held.setdefault(record.key, []).append(_attempts(record))
        return held

    def failures(self) -> list[str]:
        """What tasks have lost, as the journal says it."""
        return [str(r.data.get("why")) for r in self.records if r.kind == "failure"]


def look_at(out: Path, tasks: TaskSet) -> Look:
    """The files of a run folder as they are now, also while the run works.

    The submission is read first, so that the journal is never older than it.
    """
    path = out / SUBMISSION_NAME
    if not path.exists():
        return Look("no file", {}, replay(out / JOURNAL_NAME).records)
    problems = check_submission(path, tasks)
    answers = {} if problems else dict(load_submission(path))
    return Look(problems[0] if problems else None, answers, replay(out / JOURNAL_NAME).records)


def rescued_file(log: Path) -> Path | None:
    """Where a run that could not write its submission said it put the answers."""
    found = _RESCUED.findall(log.read_text(encoding="utf-8", errors="replace"))
    return Path(found[-1]) if found else None


def lost_tasks(before: Look, after: Look) -> set[str]:
    """Tasks whose answers, or whose results, were there before and are not any more.

    A newer answer of the journal may have taken an older one's place.
    """
    old, new = before.history(), after.history()
    lost = set()
    for task_id, held in old.items():
        if (was := before.answers.get(task_id)) not in held:
            continue
        newest = len(held) - 1 - held[::-1].index(was)
        allowed = [*held[newest:], *new.get(task_id, [])[len(held) :]]
        if after.answers.get(task_id) not in allowed:
            lost.add(task_id)
    if after.records[: len(before.records)] != before.records:
        kept = {(record.kind, record.key) for record in after.records}
        lost |= {
            str(record.data["task_id"])
            for record in before.records
            if record.kind == "result" and (record.kind, record.key) not in kept
        }
    return lost


def forgotten_tasks(after: Look, tasks: TaskSet, rank: RankConfig) -> set[str]:
    """Tasks whose answers are not what all results in the journal would choose: at the end of a
    run that could write its files there are none."""
    held = last_results(after.records)
    forgotten = set()
    for task_id in dict.fromkeys(result.task_id for result in held):
        pool = pool_of(result for result in held if result.task_id == task_id)
        predictions = choose(pool, tasks.tasks[task_id], rank)
        if after.answers.get(task_id) != tuple(p.attempts for p in predictions):
            forgotten.add(task_id)
    return forgotten


def finished_tasks(look: Look) -> set[str]:
    """Tasks with a result in the journal."""
    return {result.task_id for result in last_results(look.records)}


def _attempts(record: Record) -> tuple[Attempts, ...]:
    """The attempts that a prediction's record holds, by test input."""
    inputs = sorted(record.data["inputs"], key=lambda held: held["test_index"])
    return tuple(tuple(tuple(map(tuple, grid)) for grid in held["attempts"]) for held in inputs)  # type: ignore[return-value]
