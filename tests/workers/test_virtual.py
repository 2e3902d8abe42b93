"""Workers in virtual time: the real pool, and nothing waits.

pytest tests/workers/test_virtual.py
"""

from __future__ import annotations

import queue
import time
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate
from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.budget.virtual_clock import PacedClock, VirtualClock
from kit.solve.work import WorkItem, WorkResult
from kit.workers.executor import Staffing
from kit.workers.virtual import VirtualEvents, open_virtual_pool

GRID = ((0, 1),)


class Slow:
    """Takes as long as the task's name says, publishes half-way."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock

    def solve(self, item, clock, publish) -> WorkResult:
        seconds = float(item.task.task_id)
        found = (Candidate(item.task.task_id, 0, GRID, "sample", "identity"),)
        self.clock.advance(seconds / 2)
        publish(WorkResult(item.task.task_id, item.plan, found))
        if seconds == 13:
            raise MemoryError("as asked for")
        self.clock.advance(seconds / 2)
        return WorkResult(item.task.task_id, item.plan, found, stage_s={"sample": seconds})

    def close(self) -> None:
        """Nothing is held."""


def item(seconds: float, deadline_s: float = 1e9, leg: str = "ttt") -> WorkItem:
    name = str(seconds)
    task = Task(name, (Pair(GRID, GRID),), (GRID,))
    return WorkItem(task, Plan(name, leg=leg), deadline_s)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(100.0)


def pool(clock: VirtualClock, tmp_path: Path, count: int = 1, open_s: float = 0.0, search: int = 0):
    staffing = Staffing(count, 1, search)
    return open_virtual_pool(clock, staffing, lambda own, scratch: Slow(own), open_s, tmp_path)


def collect(executor, count: int) -> list[WorkResult]:
    results: list[WorkResult] = []
    for _ in range(200_000):
        results += executor.poll(10.0)
        if len(results) >= count:
            return results
    raise AssertionError(f"only {len(results)} results")


def test_hours_pass_in_no_time(clock, tmp_path) -> None:
    began_s = time.monotonic()
    executor = pool(clock, tmp_path, count=2)
    for seconds in (7200.0, 3600.0, 3600.0):
        executor.submit(item(seconds))
    results = collect(executor, 3)
    assert clock.now_s() == 7300.0
    assert time.monotonic() - began_s < 10
    assert sorted(float(r.task_id) for r in results) == [3600.0, 3600.0, 7200.0]


def test_results_come_in_the_order_of_their_ends(clock, tmp_path) -> None:
    executor = pool(clock, tmp_path, count=3)
    for seconds in (30.0, 10.0, 20.0):
        executor.submit(item(seconds))
    assert [result.task_id for result in collect(executor, 3)] == ["10.0", "20.0", "30.0"]
    assert clock.now_s() == 130.0


def test_an_engine_takes_its_time_to_start(clock, tmp_path) -> None:
    executor = pool(clock, tmp_path, open_s=60.0)
    executor.submit(item(5.0))
    collect(executor, 1)
    assert clock.now_s() == 165.0


def test_polling_waits_no_longer_than_it_may(clock, tmp_path) -> None:
    executor = pool(clock, tmp_path)
    executor.submit(item(50.0))
    assert executor.poll(0.0) == [] and clock.now_s() == 100.0
    assert executor.poll(20.0) == [] and clock.now_s() == pytest.approx(120.0)


def test_an_overrun_is_killed_and_keeps_what_was_published(clock, tmp_path) -> None:
    executor = pool(clock, tmp_path)
    executor.submit(item(100.0, deadline_s=170.0))
    executor.submit(item(5.0))
    late, fine = collect(executor, 2)
    assert late.cut and late.candidates and "2 s after its deadline" in str(late.failure)
    assert fine.failure is None and clock.now_s() == pytest.approx(177.0, abs=0.1)


def test_a_worker_out_of_memory_is_replaced(clock, tmp_path) -> None:
    executor = pool(clock, tmp_path)
    executor.submit(item(13))
    executor.submit(item(5.0))
    broken, fine = collect(executor, 2)
    assert broken.failure == "MemoryError: as asked for" and fine.failure is None


def test_searches_have_workers_of_their_own(clock, tmp_path) -> None:
    executor = pool(clock, tmp_path, search=1)
    executor.submit(item(50.0))
    executor.submit(item(40.0, leg="search"))
    executor.poll(0.0)
    assert executor.idle() == 0 and executor.idle_search() == 0
    assert [result.task_id for result in collect(executor, 2)] == ["40.0", "50.0"]


def test_nothing_due_is_empty_and_time_passes() -> None:
    clock = VirtualClock()
    events = VirtualEvents(clock)
    with pytest.raises(queue.Empty):
        events.get_nowait()
    assert clock.now_s() == 0.0
    with pytest.raises(queue.Empty):
        events.get(timeout=5.0)
    assert clock.now_s() == 5.0


def test_clocks_never_go_back_and_can_be_paced() -> None:
    clock = VirtualClock(5.0)
    clock.set_forward(3.0)
    assert clock.now_s() == 5.0
    paced, began_s = PacedClock(0.0, 100.0), time.monotonic()
    paced.set_forward(20.0)
    assert paced.now_s() == 20.0 and time.monotonic() - began_s >= 0.19
    paced.advance(20.0)
    assert paced.now_s() == 40.0 and time.monotonic() - began_s >= 0.39
