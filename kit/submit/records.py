"""Plans, results and predictions as journal records, and back.

Candidates and scores are kept in the pool's own format (`kit.rank.pool`), so that any journal is
a source of pools for choosing again without a model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from kit.arc.candidate import Prediction
from kit.arc.task import Task
from kit.budget.plan import Plan
from kit.rank.pool import CandidatePool
from kit.solve.wire import from_plain, to_plain
from kit.solve.work import WorkResult
from kit.submit.journal import Record


def digest(value: object) -> str:
    """A short stable name of JSON values (16 hex digits of blake2b)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def task_digest(tasks: Sequence[Task]) -> str:
    """A name of a task set: ids, order and contents."""
    return digest(
        [[t.task_id, [(pair.input, pair.output) for pair in t.train], t.test] for t in tasks]
    )


@lru_cache(maxsize=4096)
def plan_key(plan: Plan) -> str:
    """The name under which a plan's result is found again: of what is done, not of why.

    A field that older plans did not have counts only where it is set, so that their names stay.
    """
    work = to_plain(plan)
    del work["reason"]
    if not plan.max_view_tokens:
        del work["max_view_tokens"]
    return digest(work)


def plan_record(plan: Plan) -> Record:
    """A plan that is about to run."""
    return Record("plan", plan_key(plan), to_plain(plan))


def result_record(result: WorkResult, at_s: float | None = None) -> Record:
    """What came of a plan.

    Args:
        at_s: seconds since this start of the run began, for curves; nothing is decided from it.
    """
    data: dict[str, Any] = {
        "task_id": result.task_id,
        "plan": to_plain(result.plan),
        "pool": CandidatePool(result.candidates, result.scores).to_json(),
        "stage_s": dict(result.stage_s),
        "counts": dict(result.counts),
        "observed": dict(result.observed),
        "peak_rss_bytes": result.peak_rss_bytes,
        "failure": result.failure,
        "cut": result.cut,
    }
    if at_s is not None:
        data["at_s"] = round(at_s, 3)
    return Record("result", plan_key(result.plan), data)


def read_result(data: Mapping[str, Any]) -> WorkResult:
    """The result held by a record's data."""
    pool = CandidatePool.from_json(data["pool"])
    return WorkResult(
        task_id=data["task_id"],
        plan=from_plain(Plan, data["plan"]),
        candidates=pool.candidates,
        scores=pool.scores,
        stage_s=data["stage_s"],
        counts=data["counts"],
        observed=data.get("observed", {}),
        peak_rss_bytes=data["peak_rss_bytes"],
        failure=data["failure"],
        cut=data["cut"],
    )


def pool_of(results: Iterable[WorkResult]) -> CandidatePool:
    """Everything that results of one task propose, by round, so that the order in which workers
    finished cannot change an answer."""
    pool = CandidatePool()
    for result in sorted(results, key=lambda r: (r.plan.round, plan_key(r.plan))):
        pool = pool.add(result.candidates, result.scores)
    return pool


def failure_record(result: WorkResult) -> Record:
    """What a task lost, in one line."""
    return Record("failure", result.task_id, {"round": result.plan.round, "why": result.failure})


def prediction_record(predictions: Sequence[Prediction]) -> Record:
    """The answers of one task."""
    return Record("prediction", predictions[0].task_id, {"inputs": to_plain(tuple(predictions))})


def last_results(records: Iterable[Record]) -> list[WorkResult]:
    """The newest result of every plan, in the order of the plans' first results."""
    newest: dict[str, Record] = {}
    for record in records:
        if record.kind == "result":
            newest[record.key] = record
    return [read_result(record.data) for record in newest.values()]


def last_predictions(records: Iterable[Record]) -> list[Prediction]:
    """The newest predictions of every task."""
    newest: dict[str, Record] = {}
    for record in records:
        if record.kind == "prediction":
            newest[record.key] = record
    return [
        from_plain(Prediction, entry)
        for record in newest.values()
        for entry in record.data["inputs"]
    ]
