"""Journals of runs as entries of a pool file.

What it does: one entry per task with everything that a run's results propose, all legs and rounds.
What it does not: read anything else of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kit.rank.pool_file import PoolEntry
from kit.solve.work import WorkResult
from kit.submit.journal import replay
from kit.submit.lock import JOURNAL_NAME
from kit.submit.records import last_results, pool_of


def entries_of_run(folder: Path, name: str = "") -> list[PoolEntry]:
    """What a run proposes, by task.

    Args:
        name: of the run; "" for its folder's.
    Raises:
        OSError: there is no journal.
        ValueError: it is none of this kit's, or holds no result.
    """
    journal = folder / JOURNAL_NAME
    if not journal.is_file():
        raise FileNotFoundError(f"{folder}: no {JOURNAL_NAME} in it; give the folder of a run")
    records = replay(journal).records
    by_task: dict[str, list[WorkResult]] = {}
    for result in last_results(records):
        by_task.setdefault(result.task_id, []).append(result)
    if not by_task:
        raise ValueError(f"{folder}: its {JOURNAL_NAME} holds no result")
    starts = [record.data for record in records if record.kind == "run"]
    config = starts[-1].get("config", {}) if starts else {}
    # A run answers with the model that its options name; a search alone has none.
    solve = config.get("solve", {})
    model = "" if solve.get("legs") == "search" else str(solve.get("model", ""))
    return [
        PoolEntry(
            task_id,
            name or folder.resolve().name,
            int(config.get("seed", 0)),
            pool_of(results),
            model,
            _summed([result.stage_s for result in results]),
            {k: int(v) for k, v in _summed([result.counts for result in results]).items()},
            next((result.failure for result in results if result.failure), None),
        )
        for task_id, results in sorted(by_task.items())
    ]


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Amounts by name over all parts."""
    sums: dict[str, float] = {}
    for part in parts:
        for name, amount in part.items():
            sums[name] = sums.get(name, 0.0) + amount
    return {name: round(sums[name], 4) for name in sorted(sums)}
