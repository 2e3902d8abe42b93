"""Journal records: results and predictions come back equal; the newest of a plan counts."""

from __future__ import annotations

import json
from dataclasses import replace

from kit.arc.candidate import Candidate, Prediction, ProgramEvidence, ViewScore
from kit.budget.plan import Plan
from kit.solve.work import WorkResult
from kit.submit.journal import Record, encode_record
from kit.submit.records import (
    digest,
    failure_record,
    last_predictions,
    last_results,
    plan_key,
    plan_record,
    prediction_record,
    read_result,
    result_record,
)

GRID = ((1, 2), (3, 4))
PLAN = Plan("t", num_steps=3, seed=2**62)
RESULT = WorkResult(
    task_id="t",
    plan=PLAN,
    candidates=(
        Candidate("t", 0, GRID, "sample", "identity", -1.25, 7),
        Candidate("t", 0, ((0,),), "search", "program", None, program="rot90"),
        Candidate("t", 0, GRID, "search", "program", evidence=ProgramEvidence("f", 9.0, 2, 3)),
    ),
    scores=(ViewScore("t", 0, GRID, (-1.0, float("-inf"))),),
    stage_s={"train": 1.5},
    counts={"steps": 3},
    peak_rss_bytes=2**33,
    failure="ValueError: half lost",
    cut=True,
)
PREDICTIONS = (
    Prediction("t", 0, (GRID, ((0,),)), 0.5, "vote"),
    Prediction("t", 1, (((9,),), ((8,),)), 0.0, "guess"),
)


def through_json(record: Record) -> Record:
    """The record as a later start reads it."""
    body = json.loads(encode_record(record))
    return Record(body["kind"], body["key"], body["data"])


def test_a_result_comes_back_equal() -> None:
    assert read_result(through_json(result_record(RESULT)).data) == RESULT


def test_predictions_come_back_equal_and_the_newest_count() -> None:
    newer = tuple(replace(p, margin=0.75) for p in PREDICTIONS)
    records = [through_json(prediction_record(p)) for p in (PREDICTIONS, newer)]
    assert last_predictions(records) == list(newer)


def test_the_newest_result_of_a_plan_counts() -> None:
    other = replace(RESULT, plan=Plan("t", round=1), cut=False)
    whole = replace(RESULT, cut=False)
    records = [through_json(result_record(r)) for r in (RESULT, other, whole)]
    assert last_results(records) == [whole, other]


def test_keys_tell_plans_apart_and_are_the_same_in_every_process() -> None:
    assert plan_record(PLAN).key == plan_key(PLAN) == result_record(RESULT).key
    assert digest({"b": [1, 2.5], "a": "é"}) == "73219a5ce4c52ad6"
    assert plan_key(replace(PLAN, seed=1)) != plan_key(PLAN)


def test_a_failure_names_the_task() -> None:
    assert failure_record(RESULT).data == {"round": 0, "why": "ValueError: half lost"}


def test_why_a_plan_was_made_is_written_down_but_is_no_part_of_its_name() -> None:
    told = replace(PLAN, reason="it is cheap")
    assert plan_key(told) == plan_key(PLAN) and told == PLAN
    assert through_json(plan_record(told)).data["reason"] == "it is cheap"
    assert plan_key(replace(PLAN, max_view_tokens=512)) != plan_key(PLAN)


def test_names_and_results_of_older_plans_stay() -> None:
    data = through_json(result_record(RESULT)).data
    old = {k: v for k, v in data["plan"].items() if k not in ("reason", "max_view_tokens")}
    assert plan_key(PLAN) == digest(old)
    older = {**{k: v for k, v in data.items() if k != "observed"}, "plan": old}
    assert read_result(older) == RESULT


def test_what_was_observed_comes_back() -> None:
    seen = replace(RESULT, observed={"held_chance": 0.25})
    assert read_result(through_json(result_record(seen)).data).observed == {"held_chance": 0.25}
