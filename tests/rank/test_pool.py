"""The pool: immutable, exact through JSON, clear about broken files."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import random

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence, ViewScore
from kit.rank.pool import CandidatePool, PoolError

GRID = ((1, 2, 3), (4, 5, 0))


def small_pool():
    return CandidatePool(
        (
            Candidate("t", 0, GRID, "sample", "rotate90", -0.1 - 0.2, 9, None, 2),
            Candidate("u", 1, ((9,),), "llm_program", "program", None, 0, "def f(): ...", 0),
        ),
        (ViewScore("t", 0, GRID, (-1e-17, -1.0 / 3.0), 1),),
    )


def test_add_and_merge_leave_the_old_pool_alone_and_keep_every_vote(propose):
    empty = CandidatePool()
    one = empty.add([propose(GRID)])
    two = one.merge(one).add(scores=[ViewScore("t", 0, GRID, (-1.0,))])
    assert (len(empty), len(one), len(two), len(two.scores)) == (0, 1, 2, 1)
    assert two.grids() == (GRID,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.candidates = ()


def test_at_hands_out_one_test_input_of_one_task():
    pool = small_pool()
    assert [c.task_id for c in pool.at("u", 1).candidates] == ["u"]
    assert pool.at("t", 0).scores == pool.scores
    assert pool.at("t", 1) == CandidatePool()


def test_json_round_trip_is_exact(random_pool):
    rng = random.Random(7)
    pools = [small_pool(), CandidatePool(), *(random_pool(rng, tests=3) for _ in range(300))]
    for pool in pools:
        text = json.dumps(pool.to_json(), allow_nan=False)
        assert CandidatePool.from_json(json.loads(text)) == pool


def test_evidence_of_programs_survives_json_and_may_be_missing():
    for evidence in (
        ProgramEvidence("lines", 12.5, 3, 4, 0.75, 0.5),
        ProgramEvidence("x", 1, 2, 2),
    ):
        candidate = Candidate("t", 0, GRID, "search", "program", program="p", evidence=evidence)
        value = json.loads(json.dumps(CandidatePool((candidate,)).to_json(), allow_nan=False))
        assert CandidatePool.from_json(value).candidates == (candidate,)
        value["candidates"][0]["evidence"]["bits"] = "few"
        with pytest.raises(PoolError, match=r"candidates\[0\].evidence: bits must be float or int"):
            CandidatePool.from_json(value)
        del value["candidates"][0]["evidence"]
        assert CandidatePool.from_json(value).candidates[0].evidence is None


def test_a_nan_survives_json():
    pool = CandidatePool((), (ViewScore("t", 0, GRID, (math.nan, -math.inf, math.inf)),))
    text = json.dumps(pool.to_json(), allow_nan=False)
    back = CandidatePool.from_json(json.loads(text)).scores[0].logprobs_nats
    assert math.isnan(back[0]) and back[1:] == (-math.inf, math.inf)


def test_equal_grids_are_written_once(propose):
    assert CandidatePool((propose(GRID),) * 50).to_json()["grids"] == [["123", "450"]]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("version",), 2, "a pool is an object with version 1, got 2"),
        (("grids",), {}, "pool: grids must be list, got dict"),
        (("grids", 0), ["12", "3"], r"pool grids\[0\], row 1: rows must be equally long"),
        (("grids", 0), [], "a grid has 1 to 30 rows"),
        (("grids", 0), ["1a"], "a row is a string of digits"),
        (("grids", 0), ["²"], "a row is a string of digits"),
        (("grids", 0), [12], "a grid is a list of strings of digits"),
        (("candidates", 1, "grid"), 7, r"pool candidates\[1\]: grid is an index below 2, got 7"),
        (("candidates", 1, "grid"), True, "grid must be int, got bool"),
        (("candidates", 0, "source"), "magic", "source is one of sample, search, llm_program"),
        (("candidates", 0, "logprob_nats"), "low", "a log-probability is a number"),
        (("candidates", 0), None, r"pool candidates\[0\]: no field"),
        (("scores", 0, "logprobs_nats"), [None], r"pool scores\[0\]: a log-probability"),
        (("scores", 0, "logprobs_nats"), [[]], r"pool scores\[0\]: a log-probability"),
    ],
)
def test_broken_json_is_refused_with_its_position(path, value, message):
    record = copy.deepcopy(small_pool().to_json())
    inner = record
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(PoolError, match=message):
        CandidatePool.from_json(record)


def test_anything_else_is_no_pool():
    for value in (None, [], "pool", 3):
        with pytest.raises(PoolError, match="a pool is an object with version 1"):
            CandidatePool.from_json(value)
    with pytest.raises(PoolError, match="pool: no field 'grids'"):
        CandidatePool.from_json({"version": 1})


def test_view_and_colours_survive_json_and_may_be_missing():
    candidate = dataclasses.replace(
        small_pool().candidates[0], view=3, colours=(1, 0, *range(2, 10))
    )
    value = json.loads(json.dumps(CandidatePool((candidate,)).to_json()))
    assert CandidatePool.from_json(value).candidates == (candidate,)
    record = value["candidates"][0]
    for field, broken in (("view", "3"), ("colours", "0012345678"), ("colours", 5)):
        spoilt = copy.deepcopy(value)
        spoilt["candidates"][0][field] = broken
        with pytest.raises(PoolError, match=field):
            CandidatePool.from_json(spoilt)
    del record["view"], record["colours"]
    old = CandidatePool.from_json(value).candidates[0]
    assert (old.view, old.colours) == (None, None)
