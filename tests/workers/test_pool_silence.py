"""Silence and lost workers, with made-up workers on a made-up clock.

pytest tests/workers/test_pool_silence.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.executor import Patience, Staffing, WorkersLost
from kit.workers.pool import PoolExecutor
from kit.workers.process import Events, Message
from tests.fakes import FakeClock


@dataclass(eq=False)
class SilentChild:
    """A worker that says what the test says for it."""

    events: Events
    begun: bool = True
    told: list[Message] = field(default_factory=list)
    killed: bool = False
    no_memory: bool = False

    def say(self, **message: Any) -> None:
        self.events.put((self, message))

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def kill(self) -> None:
        self.killed = True

    def bury(self) -> None:
        assert self.killed

    def how_it_ended(self) -> str:
        return "vanished"

    def ran_out(self) -> bool:
        return self.no_memory


@dataclass
class SilentLauncher:
    """Keeps the workers that it started, by place."""

    begun: bool = True
    fail: int = 0
    children: dict[int, list[SilentChild]] = field(default_factory=dict)
    closed: bool = False

    def start(self, index: int, opening: Message, events: Events) -> SilentChild:
        if self.fail:
            self.fail -= 1
            raise OSError(12, "Cannot allocate memory")
        child = SilentChild(events, self.begun)
        self.children.setdefault(index, []).append(child)
        return child

    def newest(self, index: int = 0) -> SilentChild:
        return self.children[index][-1]

    def log_of(self, index: int) -> str:
        return f"log {index}"

    def close(self) -> None:
        self.closed = True


def open_pool(launcher: SilentLauncher, clock: FakeClock, count: int = 1) -> PoolExecutor:
    patience = Patience(grace_s=1.0, silent_s=5.0, stalled_s=20.0)
    return PoolExecutor(SolverSpec("no:thing"), Staffing(count, 1), launcher, clock, patience)


def make_item(task_id: str = "t", deadline_s: float = float("inf")) -> WorkItem:
    grid = ((1,),)
    return WorkItem(Task(task_id, (Pair(grid, grid),), (grid,)), Plan(task_id), deadline_s)


def look(executor: PoolExecutor, clock: FakeClock, seconds: int) -> list[WorkResult]:
    """Poll once a second."""
    results = executor.poll(0.0)
    for _ in range(seconds):
        clock.advance(1.0)
        results += executor.poll(0.0)
    return results


def test_silence_ends_a_worker_and_a_second_one_gives_the_item_up() -> None:
    launcher, clock = SilentLauncher(), FakeClock()
    executor = open_pool(launcher, clock)
    launcher.newest().say(kind="ready")
    executor.submit(make_item())
    assert look(executor, clock, 5) == []
    assert not launcher.newest().killed
    assert look(executor, clock, 1) == [] and launcher.children[0][0].killed
    launcher.newest().say(kind="ready")
    (result,) = look(executor, clock, 6)
    assert (
        result.failure == ("its worker gave no sign of life for 5 s, given up after 2 tries")
        and not result.cut
    )
    assert executor.idle() == 1


def test_beats_keep_a_worker_alive_as_long_as_its_solver_asks_the_clock() -> None:
    launcher, clock = SilentLauncher(), FakeClock()
    executor = open_pool(launcher, clock)
    launcher.newest().say(kind="ready")
    executor.submit(make_item())
    executor.poll(0.0)
    for second in range(30):
        launcher.newest().say(kind="beat", stalled_s=second % 10)
        look(executor, clock, 1)
    assert len(launcher.children[0]) == 1
    launcher.newest().say(kind="beat", stalled_s=21)
    look(executor, clock, 1)
    assert launcher.children[0][0].killed


def test_time_in_which_this_process_was_stopped_is_nobodys_silence() -> None:
    launcher, clock = SilentLauncher(), FakeClock()
    executor = open_pool(launcher, clock)
    executor.poll(0.0)
    clock.advance(3600.0)
    executor.poll(0.0)
    assert not launcher.newest().killed


def test_a_worker_that_waits_for_a_machine_is_not_silent() -> None:
    launcher, clock = SilentLauncher(begun=False), FakeClock()
    executor = open_pool(launcher, clock)
    look(executor, clock, 60)
    assert not launcher.newest().killed
    launcher.newest().begun = True
    launcher.newest().say(kind="beat", stalled_s=0.0)
    look(executor, clock, 7)
    assert launcher.children[0][0].killed


def test_the_first_sign_of_life_may_take_longer_but_not_for_ever() -> None:
    launcher, clock = SilentLauncher(), FakeClock()
    executor = open_pool(launcher, clock)
    look(executor, clock, 59)
    assert not launcher.newest().killed
    look(executor, clock, 3)
    assert launcher.children[0][0].killed


def test_a_lost_item_is_told_again_with_the_seconds_that_are_left() -> None:
    launcher, clock = SilentLauncher(), FakeClock(time_s=100.0)
    executor = open_pool(launcher, clock)
    launcher.newest().say(kind="ready")
    executor.poll(0.0)
    executor.submit(make_item(deadline_s=130.0))
    assert launcher.newest().told[0]["left_s"] == 30.0
    clock.advance(4.0)
    launcher.newest().say(kind="gone")
    executor.poll(0.0)
    launcher.newest().say(kind="ready")
    executor.poll(0.0)
    assert launcher.newest().told[0]["left_s"] == 26.0


@pytest.mark.parametrize("no_memory", [False, True])
def test_an_item_whose_workers_the_kernel_killed_is_told_as_one_without_memory(
    no_memory: bool,
) -> None:
    launcher, clock = SilentLauncher(), FakeClock()
    executor = open_pool(launcher, clock)
    executor.submit(make_item())
    for last in (False, True):
        launcher.newest().say(kind="ready")
        assert executor.poll(0.0) == []
        child = launcher.newest()
        child.no_memory = no_memory or not last
        child.say(kind="gone")
        results = executor.poll(0.0)
        assert (results == []) == (not last), "the first time nobody knows who has killed it"
    (result,) = results
    assert result.failure == "its worker vanished, given up after 2 tries" and not result.cut
    assert result.counts == ({"out_of_memory": 1} if no_memory else {})


@pytest.mark.parametrize("searcher", [False, True])
def test_a_kind_of_workers_that_does_not_open_costs_its_own_items_only(searcher: bool) -> None:
    """Items of the model fail at once, deadline or not; searches go to the others."""
    launcher, clock = SilentLauncher(), FakeClock()
    patience = Patience()
    executor = PoolExecutor(SolverSpec("no:thing"), Staffing(1, 1, 1), launcher, clock, patience)
    executor.submit(make_item("asks"))
    search = make_item("searches")
    executor.submit(WorkItem(search.task, Plan("searches", leg="search"), search.deadline_s))
    assert executor.problems() == []
    launcher.newest(int(searcher)).say(kind="broken", message="no model")
    launcher.newest(int(not searcher)).say(kind="ready")
    results = executor.poll(0.0)
    name = "searchers" if searcher else "workers for the model"
    why = f"no {name} can be started: no model (details in log {int(searcher)})"
    assert executor.problems() == [why]
    assert [result.failure for result in results] == ([] if searcher else [why])
    told = launcher.newest(int(not searcher)).told
    assert [message["item"]["task"]["task_id"] for message in told] == [
        "asks" if searcher else "searches"
    ]
    launcher.newest(int(not searcher)).say(kind="broken", message="gone too")
    with pytest.raises(WorkersLost, match="gone too"):
        executor.poll(0.0)


def test_a_machine_without_memory_for_a_process_is_tried_twice() -> None:
    launcher, clock = SilentLauncher(fail=2), FakeClock()
    executor = open_pool(launcher, clock)
    executor.submit(make_item())
    with pytest.raises(WorkersLost, match=r"cannot be started: OSError.*\(details in log 0\)"):
        look(executor, clock, 1)
    launcher = SilentLauncher(fail=1)
    executor = open_pool(launcher, clock)
    executor.submit(make_item())
    assert look(executor, clock, 1) == [] and launcher.newest().told == []
    executor.close()
    assert launcher.closed
