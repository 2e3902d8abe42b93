"""Rounds whose processes are lost: one task's, or a whole crew's.

pytest tests/workers/test_rounds_lost.py
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate
from kit.budget.clock import SystemClock
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.crew import START_S
from kit.workers.devices import deal_devices
from kit.workers.executor import Patience, Staffing, WorkersLost
from kit.workers.pool import PoolExecutor
from kit.workers.process import ProcessLauncher
from kit.workers.rounds import BATCH_TASKS, RoundsExecutor
from tests.workers.test_pool import PATIENCE_S
from tests.workers.test_rounds import Clock, Crew, answer, items, polled, run, serve, train

DIED = "its worker was killed by signal 9"


class Poisoned:
    """A server whose process one task takes along, with all that is in the batch."""

    def __init__(self, *poison: str, first: int = 0) -> None:
        """`first`: so many batches are lost whatever is in them."""
        self.poison, self.first = poison, first
        self.asked: list[list[str]] = []

    def __call__(self, batch: WorkItem) -> WorkResult:
        names = [part.task.task_id for part in batch.batch]
        self.asked.append(names)
        if len(self.asked) > self.first and not set(self.poison) & set(names):
            return serve(batch)
        counts = {"out_of_memory": 1}
        return WorkResult(batch.task.task_id, batch.plan, counts=counts, failure=DIED)


@pytest.fixture
def crews() -> tuple[Crew, Crew]:
    return Crew("train", [], train), Crew("serve", [], serve)


@pytest.fixture
def executor(crews: tuple[Crew, Crew], tmp_path: Path) -> RoundsExecutor:
    trainers, servers = crews
    adapters = tmp_path / "adapters"
    return RoundsExecutor(trainers, servers, None, adapters, Clock(), math.inf)


@pytest.mark.parametrize("steps", [0, 7])
def test_of_a_lost_batch_only_the_task_that_takes_its_worker_along_is_given_up(
    steps: int, crews: tuple[Crew, Crew], executor: RoundsExecutor
) -> None:
    trainers, servers = crews
    servers.answer = lost = Poisoned("t02")
    given = items(BATCH_TASKS, steps=steps)
    results = {result.task_id: result for result in run(executor, given)}
    assert [result.plan for result in results.values()] == [item.plan for item in given]
    failures = {name: result.failure for name, result in results.items() if result.failure}
    assert failures == {"t02": f"{DIED}, given up after 2 tries"}
    assert results["t02"].counts.get("out_of_memory") == 1 and not results["t02"].cut
    assert all(r.counts["completions"] == 4 for name, r in results.items() if name != "t02")
    assert not any("out_of_memory" in r.counts for n, r in results.items() if n != "t02")
    assert [len(names) for names in lost.asked] == [BATCH_TASKS] + [1] * BATCH_TASKS
    assert len(trainers.seen) == (BATCH_TASKS if steps else 0), "nothing is trained twice"
    alone = [part for batch in servers.seen[1:] for part in batch.batch]
    assert all((part.adapter is not None) == (steps > 0) for part in alone)


def test_what_was_not_tried_goes_first_and_together(
    crews: tuple[Crew, Crew], executor: RoundsExecutor
) -> None:
    _, servers = crews
    servers.answer = lost = Poisoned(first=1)
    run(executor, items(BATCH_TASKS + 3, steps=0))
    assert [len(names) for names in lost.asked] == [BATCH_TASKS, 3] + [1] * BATCH_TASKS


def test_a_task_that_is_tried_again_has_time_for_the_engine_to_open(
    crews: tuple[Crew, Crew], executor: RoundsExecutor
) -> None:
    _, servers = crews
    clock = executor._clock
    assert isinstance(clock, Clock)
    servers.answer = lost = Poisoned()
    executor.submit(replace(items(1, steps=0)[0], deadline_s=40.0))
    polled_at(executor, clock, 100.0)
    lost.first = 2
    (item,) = items(1, steps=0)
    executor.submit(replace(item, plan=replace(item.plan, round=1), deadline_s=140.0))
    polled_at(executor, clock, 100.0)
    polled_at(executor, clock, 100.0)
    # The engine took 99 s to open, of 100 s until a second of work was done.
    assert [batch.deadline_s for batch in servers.seen] == [40.0 + START_S, 140.0, 140.0 + 99.0]


def polled_at(executor: RoundsExecutor, clock: Clock, time_s: float) -> list[WorkResult]:
    """Results of what is handed out now and comes back at `time_s`."""
    executor._hand_out()
    clock.time_s = time_s
    return executor.poll(0.0)


def test_what_a_lost_server_had_published_is_kept(
    crews: tuple[Crew, Crew], executor: RoundsExecutor
) -> None:
    _, servers = crews
    found = (Candidate("t01", 0, ((1,),), "sample", "identity"),)

    def published(batch: WorkItem) -> WorkResult:
        parts = [answer(part) for part in batch.batch]
        if len(parts) == 1:
            return WorkResult(batch.task.task_id, batch.plan, failure=DIED)
        parts[1] = replace(parts[1], candidates=found)
        return WorkResult(batch.task.task_id, batch.plan, failure=DIED, batch=tuple(parts))

    servers.answer = published
    results = {result.task_id: result for result in run(executor, items(2, steps=0))}
    assert results["t01"].candidates == found and results["t00"].candidates == ()
    assert {r.failure for r in results.values()} == {f"{DIED}, given up after 2 tries"}


def test_a_batch_whose_time_is_over_is_cut_and_not_tried_again(
    crews: tuple[Crew, Crew], executor: RoundsExecutor
) -> None:
    _, servers = crews
    late = "killed 18 s after its deadline"

    def killed(batch: WorkItem) -> WorkResult:
        begun = tuple(replace(answer(p), failure="it was not begun") for p in batch.batch)
        return WorkResult(batch.task.task_id, batch.plan, failure=late, cut=True, batch=begun)

    servers.answer = killed
    results = run(executor, items(3, steps=0))
    assert len(servers.seen) == 1 and all(result.cut for result in results)
    assert {result.failure for result in results} == {f"it was not begun; {late}"}


@pytest.fixture
def servers_that_die(tmp_path: Path) -> Iterator[RoundsExecutor]:
    """Real processes that serve; t01 takes its own along."""

    def opens() -> PoolExecutor:
        spec = SolverSpec("tests.workers.solvers:open_obedient", {"do": {"t01": "die"}})
        launcher = ProcessLauncher(tmp_path, deal_devices(1, 0, ()))
        return PoolExecutor(spec, Staffing(1, 1), launcher, SystemClock(), Patience())

    executor = RoundsExecutor(
        opens, opens, None, tmp_path / "adapters", SystemClock(), time.monotonic() + 1e6
    )
    yield executor
    executor.close()


def test_a_process_that_dies_of_one_task_of_a_batch(servers_that_die: RoundsExecutor) -> None:
    for item in items(4, steps=0):
        servers_that_die.submit(item)
    results: dict[str, WorkResult] = {}
    until_s = time.monotonic() + PATIENCE_S
    while len(results) < 4 and time.monotonic() < until_s:
        results |= {result.task_id: result for result in servers_that_die.poll(0.5)}
    failures = {name: result.failure for name, result in results.items() if result.failure}
    assert failures == {"t01": f"{DIED}, given up after 2 tries"}
    assert results["t01"].counts == {"out_of_memory": 1}
    assert all(results[name].candidates for name in ("t00", "t02", "t03"))


WHY = "RuntimeError: no room on the card (details in log)"


class Broken(Crew):
    """Does not open, at its first `times` openings."""

    def __init__(self, name: str, answer: object, times: float = math.inf) -> None:
        super().__init__(name, [], answer)
        self.left = times

    def poll(self, timeout_s: float) -> list[WorkResult]:
        if self.left > 0:
            self.left -= 1
            self.items.clear()
            raise WorkersLost(WHY)
        return super().poll(timeout_s)


def searches(count: int) -> list[WorkItem]:
    plain = items(count)
    return [replace(item, plan=replace(item.plan, leg="search")) for item in plain]


def with_crews(tmp_path: Path, trainers: Crew, servers: Crew, search: Crew | None = None):
    return RoundsExecutor(trainers, servers, search, tmp_path / "adapters", Clock(), math.inf)


def test_without_trainers_the_base_model_answers(tmp_path: Path) -> None:
    trainers, servers = Broken("train", train), Crew("serve", [], serve)
    executor = with_crews(tmp_path, trainers, servers)
    results = run(executor, items(3))
    assert trainers.log.count("open train") == 2, "memory of others may come back late"
    for result in results:
        assert result.failure == f"no trainers can be started: {WHY}" and not result.cut
        assert result.counts["completions"] == 4
    assert executor.idle() > 0
    later = [replace(item, plan=replace(item.plan, round=1)) for item in items(2)]
    assert len(run(executor, later)) == 2 and trainers.log.count("open train") == 2
    assert executor.problems() == [
        f"the trainers were started once more: {WHY}",
        f"no trainers can be started: {WHY}",
    ]
    (shared,) = run(executor, [replace(items(1)[0], union=(items(1)[0].task,))])
    assert shared.failure == f"no trainers can be started: {WHY}" and shared.adapter is None


def test_what_was_trained_is_served_by_servers_that_open_at_the_second_time(tmp_path: Path) -> None:
    trainers, servers = Crew("train", [], train), Broken("serve", serve, times=1)
    results = run(with_crews(tmp_path, trainers, servers), items(BATCH_TASKS))
    assert [(r.failure, r.cut, r.counts["completions"]) for r in results] == [
        (None, False, 4)
    ] * BATCH_TASKS
    assert len(trainers.seen) == BATCH_TASKS
    assert [len(batch.batch) for batch in servers.seen] == [BATCH_TASKS] * 2
    assert all(part.adapter is not None for part in servers.seen[1].batch)


def test_without_servers_the_search_goes_on(tmp_path: Path) -> None:
    trainers, servers = Crew("train", [], train), Broken("serve", serve)
    search = Crew("search", [], answer, workers=8)
    executor = with_crews(tmp_path, trainers, servers, search)
    found = run(executor, [*searches(5), *items(3)])
    legs = [result.plan.leg for result in found]
    assert (legs.count("search"), legs.count("ttt")) == (5, 3), "no result is dropped"
    for result in found:
        assert (result.failure is None) == (result.plan.leg == "search") and not result.cut
    assert [r.failure for r in found if r.failure] == [f"no servers can be started: {WHY}"] * 3
    assert found[-1].stage_s == {"train": 2.0}, "what training took still counts"
    assert (executor.idle(), executor.idle_search()) == (0, 8)
    assert len(run(executor, searches(2))) == 2
    assert executor.problems()[-1] == f"no servers can be started: {WHY}"


def test_without_searchers_the_model_goes_on(tmp_path: Path) -> None:
    trainers, servers = Crew("train", [], train), Crew("serve", [], serve)
    executor = with_crews(tmp_path, trainers, servers, Broken("search", answer))
    results = run(executor, [*searches(1), *items(3)])
    failures = [result.failure for result in results if result.plan.leg == "search"]
    assert failures == [f"no searchers can be started: {WHY}"]
    assert all(result.failure is None for result in results if result.plan.leg == "ttt")
    assert executor.idle_search() == 0 and executor.idle() > 0


@pytest.mark.parametrize("searching", [False, True])
def test_a_run_in_which_nobody_is_left_ends(searching: bool, tmp_path: Path) -> None:
    trainers, servers = Crew("train", [], train), Broken("serve", serve)
    search = Broken("search", answer) if searching else None
    executor = with_crews(tmp_path, trainers, servers, search)
    for item in items(2):
        executor.submit(item)
    with pytest.raises(WorkersLost, match="no room on the card"):
        polled(executor, 3)
