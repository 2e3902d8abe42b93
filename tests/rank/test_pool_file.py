"""Pool files: exact there and back, merged in any order, joined so that runs compare fairly.

pytest tests/rank/test_pool_file.py
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate, ViewScore
from kit.arc.grid import Grid
from kit.rank.experts import product_of_experts
from kit.rank.pool import CandidatePool, PoolError
from kit.rank.pool_file import (
    HEADER,
    PoolEntry,
    entry_line,
    joined_pool,
    merge_entries,
    read_pools,
    write_pools,
)

A, B, C = ((1,),), ((2,),), ((3,),)
COLOURS = (0, 2, 1, 3, 4, 5, 6, 7, 8, 9)


def sample(grid, view=0, nats=-1.0, round=0) -> Candidate:
    """A sample of task "t"."""
    return Candidate(
        "t", 0, grid, "sample", "identity", nats, 3, round=round, view=view, colours=COLOURS
    )


def entry(run="a", seed=0, candidates=(), scores=(), task_id="t") -> PoolEntry:
    """An entry with a cost."""
    pool = CandidatePool(tuple(candidates), tuple(scores))
    return PoolEntry(task_id, run, seed, pool, "m", {"train": 1.5}, {"steps": 3}, None)


@pytest.mark.parametrize("name", ["pools.jsonl", "deeper/pools.jsonl.xz"])
def test_a_file_gives_back_what_was_written(tmp_path: Path, name: str, random_pool) -> None:
    rng = random.Random(3)
    entries = [entry(seed=i, candidates=[sample(A)]) for i in range(3)]
    entries += [PoolEntry("t", "b", i, random_pool(rng, 2), failure="x") for i in range(20)]
    path = tmp_path / name
    write_pools(path, entries)
    assert read_pools(path) == entries
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_last_entry_of_a_name_counts_and_a_torn_line_does_not(tmp_path: Path) -> None:
    path = tmp_path / "pools.jsonl"
    first, second = entry(candidates=[sample(A)]), entry(candidates=[sample(B)])
    text = "\n".join([HEADER, entry_line(first), entry_line(second), ""])
    other = entry_line(entry(run="b"))
    # However much of a further line a killed writer had written.
    for cut in (1, 20, len(other) - 1):
        path.write_text(text + other[:cut])
        assert read_pools(path) == [second]
    path.write_text(text + other)
    assert len(read_pools(path)) == 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{}"], 'line 1: a pool file begins with {"format": "arc candidate pool"'),
        (['{"format": "arc candidate pool", "version": 9}'], "line 1: version must be 1, got 9"),
        (["no"], "line 1: not JSON"),
        ([HEADER, "{", HEADER], "line 2: not JSON"),
        ([HEADER, "[]", ""], "line 2: an entry is an object, got list"),
        ([HEADER, '{"task_id": 1}', ""], "line 2: task_id must be str, got 1"),
        ([HEADER, '{"task_id":"t","run":"r","seed":0}', ""], "line 2: a pool is an object"),
    ],
)
def test_a_broken_file_names_the_line(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "pools.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(PoolError) as error:
        read_pools(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_broken_costs_and_compressed_files_are_named(tmp_path: Path) -> None:
    record = json.loads(entry_line(entry()))
    record["cost"] = {"stage_s": {"train": "long"}}
    path = tmp_path / "pools.jsonl"
    path.write_text(HEADER + "\n" + json.dumps(record) + "\n")
    with pytest.raises(PoolError, match="cost must hold numbers by name"):
        read_pools(path)
    packed = tmp_path / "pools.jsonl.xz"
    packed.write_bytes(b"not xz")
    with pytest.raises(PoolError, match="not a readable pool file"):
        read_pools(packed)


def test_merging_depends_on_no_order_and_keeps_what_differs() -> None:
    same, other = entry(candidates=[sample(A)]), entry(candidates=[sample(B)])
    files = [[same, entry(run="b")], [same], [other], [entry(seed=1)]]
    merged = merge_entries(files)
    assert sorted(e.name for e in merged) == [
        ("t", "a", 0), ("t", "a", 1), ("t", "a~2", 0), ("t", "b", 0),
    ]  # fmt: skip
    kept = {e.pool.candidates[0].grid for e in merged if e.pool.candidates}
    assert kept == {A, B}
    for order in itertools.permutations(files):
        assert merge_entries([list(reversed(held)) for held in order]) == merged


def test_merging_step_by_step_loses_nothing_and_mixes_no_runs() -> None:
    """Three machines whose runs have one name: two tasks each, all answers different."""

    def machine(grids: Sequence[Grid]) -> list[PoolEntry]:
        return [
            replace(entry(candidates=[replace(sample(g), task_id=t)]), task_id=t)
            for t, g in zip(("t", "u"), grids, strict=True)
        ]

    files = [machine(grids) for grids in ((A, B), (B, A), (A, A))]
    merged = merge_entries([merge_entries(files[:2]), files[2]])
    assert len(merged) == 6 and len({e.name for e in merged}) == 6
    for run in ("a", "a~2", "a~3"):
        held = sorted((e for e in merged if e.run == run), key=lambda e: e.task_id)
        assert [replace(e, run="a") for e in held] in files
    # Parts of one run that do not contradict each other become one again.
    assert merge_entries([files[0][:1], files[0][1:], files[0]]) == files[0]


def test_one_run_alone_keeps_its_pool() -> None:
    alone = entry(candidates=[sample(A, round=4)], scores=[ViewScore("t", 0, A, (-1.0,), 4)])
    assert joined_pool([alone]) is alone.pool


def test_rounds_of_different_runs_do_not_mix() -> None:
    """By hand: run a scores A -1 and B -3 under one view, run b scores A -4 and B -4 under three.
    Each run counts alike, so A has -2.5 and B -3.5; thrown together A would have -3.25."""
    scores_a = [ViewScore("t", 0, A, (-1.0,)), ViewScore("t", 0, B, (-3.0,))]
    scores_b = [ViewScore("t", 0, A, (-4.0,) * 3), ViewScore("t", 0, B, (-4.0,) * 3)]
    pool = joined_pool([
        entry("b", 0, [sample(A), sample(B)], scores_b),
        entry("a", 0, [sample(A), sample(B)], scores_a),
    ])  # fmt: skip
    assert sorted({score.round for score in pool.scores}) == [0, 1]
    ranking = product_of_experts(pool.candidates, pool.scores)
    assert ranking.grids == (A, B) and "mean -2.500 nats over 4 views" in ranking.reason


def test_a_run_that_was_unanimous_is_not_behind_one_that_doubted() -> None:
    """A run whose views all agree scores nothing; its grid has its samples' own probabilities."""
    sure = entry("sure", 0, [sample(A, 0, -0.2), sample(A, 1, -0.4)])
    unsure = entry(
        "unsure",
        0,
        [sample(B), sample(C, 1)],
        [ViewScore("t", 0, B, (-2.0, -2.0)), ViewScore("t", 0, C, (-3.0, -3.0))],
    )
    pool = joined_pool([sure, unsure])
    ranking = product_of_experts(pool.candidates, pool.scores)
    assert ranking.grids == (A, B, C)
    assert "mean -0.300 nats over 2 views" in ranking.reason


def test_joining_depends_on_no_order(random_pool) -> None:
    rng = random.Random(11)
    for _ in range(200):
        entries = [PoolEntry("t", name, 0, random_pool(rng)) for name in "abc"]
        joined = joined_pool(entries)
        for order in itertools.permutations(entries):
            assert joined_pool(order) == joined
        assert len(joined) == sum(len(e.pool) for e in entries)


def test_later_rounds_stay_behind_earlier_ones() -> None:
    """Programs found again count with the evidence of the latest round, whatever the run."""
    early = entry("z", 0, [sample(A, round=0)])
    late = replace(early, run="a", pool=CandidatePool((sample(B, round=2),)))
    rounds = {c.grid: c.round for c in joined_pool([early, late]).candidates}
    assert rounds[A] < rounds[B]
