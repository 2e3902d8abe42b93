"""The search leg of an item, around a search that is a stand-in."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.induce import synthesizer
from kit.induce.meter import Meter
from kit.induce.synthesizer import SearchResult
from kit.solve.searching import PUBLISH_EVERY_S, search_item, without_contradictions
from kit.solve.solver import ModelError, TaskSolver, open_solver
from kit.solve.toolbox import SolveConfig, ToolboxSettings, solver_spec
from kit.solve.work import WorkItem, discard

ROOT = Path(__file__).resolve().parents[2]
A, B, C = ((1,),), ((2,),), ((3,),)
TASK = Task("t", (Pair(A, B), Pair(B, A)), (C, A))


class Clock:
    """A clock that moves when told to."""

    time_s = 100.0

    def now_s(self) -> float:
        return self.time_s


def candidate(test_index: int = 0, grid: object = B, num_pairs: int = 2) -> Candidate:
    evidence = ProgramEvidence("lines", 9.0, num_pairs, num_pairs, 1.0, 0.9)
    return Candidate("t", test_index, grid, "search", "program", program="p", evidence=evidence)  # type: ignore[arg-type]


Search = Callable[[Task, Meter, int], SearchResult]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Search], None]:
    """Puts a function in the place of the search, which reports nothing on its way."""
    return lambda search: monkeypatch.setattr(
        synthesizer, "search_task", lambda task, meter, round_, report: search(task, meter, round_)
    )


def plan(**more: object) -> Plan:
    return Plan("t", leg="search", seed=7, **more)  # type: ignore[arg-type]


def test_candidates_and_facts_come_back(fake: Callable[[Search], None]) -> None:
    def search(task: Task, meter: Meter, round_index: int) -> SearchResult:
        assert (task, round_index, meter.left_nodes()) == (TASK, 2, 50)
        return SearchResult((candidate(), candidate(1)), 40, cut=True, counts={"found_lines": 1})

    fake(search)
    result = search_item(WorkItem(TASK, plan(round=2, search_nodes=50)), Clock())
    assert [c.test_index for c in result.candidates] == [0, 1]
    assert result.counts == {"nodes": 40, "found_lines": 1, "candidates": 2}
    assert result.stage_s == {"search": 0.0} and not result.cut and result.failure is None


def test_a_slice_that_is_used_whole_is_not_cut_but_a_deadline_cuts(
    fake: Callable[[Search], None],
) -> None:
    clock = Clock()

    def search(task: Task, meter: Meter, round_index: int) -> SearchResult:
        clock.time_s += meter.left_s()
        assert not meter.spend()
        return SearchResult((candidate(),), 9, cut=True)

    fake(search)
    whole = search_item(WorkItem(TASK, plan(search_s=2.0), deadline_s=150.0), clock)
    assert clock.time_s == 102.0 and not whole.cut and "search_over" not in whole.counts
    short = search_item(WorkItem(TASK, plan(search_s=2.0), deadline_s=103.0), clock)
    assert clock.time_s == 103.0 and short.cut and len(short.candidates) == 1


def test_a_search_that_is_done_says_so(fake: Callable[[Search], None]) -> None:
    fake(lambda task, meter, round_index: SearchResult((), 3))
    assert search_item(WorkItem(TASK, plan(search_s=1.0)), Clock()).counts["search_over"] == 1


def test_a_search_that_was_cut_is_not_over(fake: Callable[[Search], None]) -> None:
    fake(lambda task, meter, round_index: SearchResult((), 3, cut=True))
    assert "search_over" not in search_item(WorkItem(TASK, plan(search_s=1.0)), Clock()).counts


def test_what_a_long_search_finds_is_published_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, published = Clock(), []

    def search(task: Task, meter: Meter, round_: int, report: Callable) -> SearchResult:
        for found in ((), (candidate(),), (candidate(), candidate(1))):
            report(lambda found=found: found)
            clock.time_s += 0.6 * PUBLISH_EVERY_S
        raise SystemExit("as if it were killed")

    monkeypatch.setattr(synthesizer, "search_task", search)
    with pytest.raises(SystemExit):
        search_item(WorkItem(TASK, plan(search_s=60.0)), clock, published.append)
    assert [len(result.candidates) for result in published] == [2], "not at every stage"
    assert published[0].plan == plan(search_s=60.0)


def test_a_failing_search_is_a_result(fake: Callable[[Search], None]) -> None:
    def search(task: Task, meter: Meter, round_index: int) -> SearchResult:
        raise ZeroDivisionError("no panels")

    fake(search)
    result = search_item(WorkItem(TASK, plan(search_s=1.0)), Clock())
    assert result.failure == "search: ZeroDivisionError: no panels" and not result.candidates


def test_what_cannot_be_an_answer_is_left_out(fake: Callable[[Search], None]) -> None:
    huge, ragged = ((0,) * 31,), ((1,), (1, 2))
    found = (candidate(grid=huge), candidate(grid=ragged), candidate(grid=((17,),)), candidate(1))
    fake(lambda task, meter, round_index: SearchResult(found))
    result = search_item(WorkItem(TASK, plan(search_s=1.0)), Clock())
    assert [c.test_index for c in result.candidates] == [1] and result.failure is None
    fake(lambda task, meter, round_index: SearchResult((candidate(5),)))
    result = search_item(WorkItem(TASK, plan(search_s=1.0)), Clock())
    assert result.failure is not None and "test[5]" in result.failure


def test_contradictory_pairs_are_set_aside_and_counted(fake: Callable[[Search], None]) -> None:
    task = Task("t", (Pair(A, B), Pair(B, A), Pair(A, C), Pair(A, B)), (C,))
    reduced, aside = without_contradictions(task)
    assert (reduced.train, aside) == ((Pair(A, B), Pair(B, A), Pair(A, B)), 1)
    assert without_contradictions(TASK) == (TASK, 0)

    def search(seen: Task, meter: Meter, round_index: int) -> SearchResult:
        assert seen == reduced
        return SearchResult((candidate(num_pairs=3),))

    fake(search)
    result = search_item(WorkItem(task, plan(search_s=1.0)), Clock())
    (found,) = result.candidates
    assert found.evidence == ProgramEvidence("lines", 9.0, 3, 4, 1.0, 0.9)
    assert not found.evidence.covers and result.counts["contradictions"] == 1


@pytest.mark.parametrize(
    "task",
    [
        Task("t", (Pair(A, B), Pair(A, C)), (C,)),
        Task("t", (Pair(A, B),), (A,)),
        Task("t", (), (A,)),
        Task("t", (Pair(((0,) * 30,) * 30, A),) * 2, (((9,) * 30,) * 30, A)),
    ],
    ids=["contradiction", "one pair", "no pair", "large"],
)
def test_the_real_search_survives_odd_tasks(task: Task) -> None:
    result = search_item(WorkItem(task, plan(search_nodes=3000)), SystemClock())
    assert result.failure is None
    assert all(0 <= c.test_index < len(task.test) for c in result.candidates)


def test_the_model_is_loaded_for_the_first_item_that_needs_it(
    fake: Callable[[Search], None], tmp_path: Path
) -> None:
    fake(lambda task, meter, round_index: SearchResult())
    settings = ToolboxSettings(SolveConfig(model=tmp_path / "nowhere"))
    solver = TaskSolver(settings, 1, tmp_path)
    item = WorkItem(TASK, plan(search_nodes=9))
    assert solver.solve(item, Clock(), discard).failure is None
    ttt = WorkItem(TASK, Plan("t", num_test_views=1), math.inf)
    with pytest.raises((ValueError, OSError), match="nowhere"):
        solver.solve(ttt, Clock(), discard)
    with pytest.raises(ModelError, match="nowhere"):
        solver.solve(ttt, Clock(), discard)
    solver.close()


def test_without_a_search_a_bad_model_is_known_at_once(tmp_path: Path) -> None:
    settings = ToolboxSettings(SolveConfig(legs="ttt", model=tmp_path / "nowhere"))
    with pytest.raises((ValueError, OSError), match="nowhere"):
        open_solver(solver_spec(settings).settings, 1, tmp_path)


def test_a_worker_that_only_searches_never_imports_torch(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from kit.arc.task import Pair, Task
from kit.budget.clock import SystemClock
from kit.budget.plan import Plan
from kit.solve.solver import open_solver
from kit.solve.toolbox import ToolboxSettings, solver_spec
from kit.solve.work import WorkItem, discard
solver = open_solver(solver_spec(ToolboxSettings()).settings, 1, Path({str(tmp_path)!r}))
task = Task("t", (Pair(((1,),), ((2,),)),), (((1,),),))
plan = Plan("t", leg="search", search_nodes=100)
assert solver.solve(WorkItem(task, plan), SystemClock(), discard).failure is None
print([m for m in ("torch", "transformers", "peft") if m in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_an_item_with_a_slice_survives_the_pipe() -> None:
    from kit.solve.wire import from_plain, to_plain

    item = WorkItem(TASK, replace(plan(search_s=0.25), search_nodes=3), 5.0)
    assert from_plain(WorkItem, to_plain(item)) == item
