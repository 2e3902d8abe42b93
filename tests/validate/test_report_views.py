"""What a report says of the views that voted for a proposal.

pytest tests/validate/test_report_views.py
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.__main__ import main
from kit.arc.candidate import Candidate
from kit.arc.grid import Grid
from kit.augment.transform import IDENTITY_COLOURS
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.submit.journal import Record, encode_record, replay
from kit.validate.report_entry import GridTable, answer_of
from kit.validate.report_entry import test_entry as make_entry
from tests.validate.report_runs import MadeRun, make_run
from tests.validate.test_report import data_of, report

GRID: Grid = ((1, 2), (3, 4))
MOVED = (0, 2, 1, 3, 4, 5, 6, 7, 8, 9)


def vote(
    view: int | None, group: str, colours: Sequence[int] | None, round: int = 0, grid: Grid = GRID
) -> Candidate:
    """One sample."""
    moved = None if colours is None else tuple(colours)
    return Candidate("t", 0, grid, "sample", group, -1.0, 4, None, round, None, view, moved)


def shown(*votes: Candidate) -> list[dict[str, Any]]:
    """What is shown of the proposals."""
    pool = CandidatePool(votes)
    answer = answer_of((), pool, None)
    entry = make_entry(answer, None, pool, None, RankConfig(), GridTable(), 8)
    return entry["candidates"]


def test_every_view_that_voted_is_told_with_its_transform() -> None:
    (one,) = shown(
        vote(3, "rotate90", MOVED),
        vote(0, "identity", IDENTITY_COLOURS),
        vote(0, "identity", IDENTITY_COLOURS, round=1),
        vote(1, "identity", MOVED),
        vote(3, "rotate90", MOVED),
    )
    assert one["views"] == [
        [0, 0, "identity", "", 1],
        [0, 1, "identity", "0213456789", 1],
        [0, 3, "rotate90", "0213456789", 2],
        [1, 0, "identity", "", 1],
    ]
    assert one["num_views"] == 4
    assert one["groups"] == [("identity", 3), ("rotate90", 2)]


def test_views_are_those_of_their_own_proposal() -> None:
    other = ((5,),)
    found = shown(vote(0, "identity", MOVED), vote(1, "flip_lr", MOVED, grid=other))
    assert sorted(view[1] for one in found for view in one["views"]) == [0, 1]
    assert all(one["num_views"] == 1 for one in found)


def test_votes_of_unknown_views_are_told_by_symmetry_alone() -> None:
    (one,) = shown(vote(None, "rotate90", None), vote(2, "flip_lr", None))
    assert one["views"] == [] and one["num_views"] == 0
    assert one["groups"] == [("flip_lr", 1), ("rotate90", 1)]


def test_many_views_take_little_room() -> None:
    (one,) = shown(*(vote(view, "transpose", MOVED) for view in range(1000)))
    assert one["num_views"] == one["votes"] == 1000
    assert [view[1] for view in one["views"]] == list(range(16))
    assert len(json.dumps(one["views"])) < 1000


def with_candidates(run: MadeRun, change: dict[str, Any]) -> None:
    """Change fields of all candidates in a run's journal."""
    records = []
    for record in replay(run.journal()).records:
        data = json.loads(json.dumps(record.data))
        for candidate in data.get("pool", {}).get("candidates", ()):
            candidate |= change if candidate["source"] == "sample" else {}
        records.append(Record(record.kind, record.key, data))
    run.journal().write_bytes(b"".join(map(encode_record, records)))


def test_a_journal_of_before_views_were_written_down_is_told_by_symmetries(tmp_path: Path) -> None:
    run = make_run(tmp_path, ["a", "b", "c", "d"], side=4)
    assert all(c["num_views"] for c in voted(report(run)))
    with_candidates(run, {"view": None, "colours": None})
    found = voted(report(run))
    assert found and all(c["groups"] and not c["num_views"] for c in found)


def test_symmetries_become_text_never_markup(tmp_path: Path) -> None:
    run = make_run(tmp_path, ["a", "b", "c", "d"], side=4)
    hostile = "</script><img src=x onerror=alert(1)>"
    with_candidates(run, {"group": hostile})
    out = tmp_path / "r.html"
    assert main(["report", *run.arguments("--out", str(out))]) == 0
    page = out.read_text("utf-8")
    assert "<img" not in page
    assert {view[2] for c in voted(page) for view in c["views"]} == {hostile}


def voted(page: str) -> list[dict[str, Any]]:
    """The proposals of a page that have votes."""
    tests = [test for task in data_of(page)["tasks"] for test in task["tests"]]
    return [c for test in tests for c in test["candidates"] if c.get("votes")]
