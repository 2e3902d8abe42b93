"""The tasks that a run had, as its journal says: what its percentage is of.

What it does: refuses a run of which that is not known, or which had other tasks than there are
solutions for. What it does not: score.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.arc.task import Solutions
from kit.submit.journal import Record

_MOST_NAMED = 3


def run_tasks(records: Sequence[Record], solutions: Solutions, journal: Path) -> frozenset[str]:
    """Ids of all tasks that a run was to work on, in any of its starts.

    Args:
        journal: where the records are from, for messages.
    Raises:
        ValueError: a task without a solution here; or a journal that does not tell its tasks.
    """
    starts = [record.data for record in records if record.kind == "run"]
    begun = frozenset(r.data["task_id"] for r in records if r.kind in ("plan", "result"))
    ids = begun.union(*(start.get("ids", ()) for start in starts))
    if unknown := sorted(ids - solutions.keys()):
        more = ", ..." if len(unknown) > _MOST_NAMED else ""
        raise ValueError(
            f"{journal}: {len(unknown)} of the run's {len(ids)} tasks have no solution in --tasks "
            f"({', '.join(unknown[:_MOST_NAMED])}{more}); name the set that it ran on"
        )
    are_listed = bool(starts) and all("ids" in start for start in starts)
    if not are_listed and not _is_done(records) and len(begun) < len(solutions):
        raise ValueError(
            f"{journal}: written before runs listed their tasks, and not ended as done: "
            f"{len(begun)} were begun, but how many there were is not known"
        )
    return ids


def _is_done(records: Sequence[Record]) -> bool:
    """Whether the last start ended with a result for each of its tasks."""
    marks = [record for record in records if record.kind in ("run", "end")]
    return bool(marks) and marks[-1].data.get("stopped") == "done"
