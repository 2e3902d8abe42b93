"""Training and serving by turns, with crews that only remember what they were given."""

from __future__ import annotations

import math
from collections import namedtuple
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.finetune.trainer import Adapter
from kit.solve.work import SolverSpec, WorkItem, WorkResult
from kit.workers.crew import START_S
from kit.workers.executor import Staffing, WorkersConfig
from kit.workers.open_rounds import WRITE_S, open_rounds
from kit.workers.rounds import BATCH_TASKS, HAND_IN_S, ROUND_TASKS, TRAIN_SHARE, RoundsExecutor


@dataclass
class Clock:
    time_s: float = 0.0

    def now_s(self) -> float:
        return self.time_s


@dataclass
class Crew:
    """Finishes its oldest item at every poll; `answer` makes the result."""

    name: str
    log: list[str]
    answer: object
    workers: int = 1
    items: list[WorkItem] = field(default_factory=list)
    seen: list[WorkItem] = field(default_factory=list)

    def __call__(self) -> Crew:
        self.log.append(f"open {self.name}")
        return self

    def submit(self, item: WorkItem) -> None:
        self.items.append(item)
        self.seen.append(item)

    def idle(self) -> int:
        return max(0, self.workers - len(self.items))

    def idle_search(self) -> int:
        return 0

    def poll(self, timeout_s: float) -> list[WorkResult]:
        if not self.items:
            return []
        self.log.append(self.name)
        return [self.answer(self.items.pop(0))]

    def close(self) -> None:
        self.log.append(f"close {self.name}")


def train(item: WorkItem) -> WorkResult:
    assert item.adapter_out is not None and not item.batch
    adapter = Adapter(item.task.task_id, item.adapter_out, "lora", item.task.task_id)
    item.adapter_out.mkdir(parents=True)
    return WorkResult(
        item.task.task_id, item.plan, stage_s={"train": 2.0}, counts={"steps": 7}, adapter=adapter
    )


def answer(item: WorkItem) -> WorkResult:
    return WorkResult(
        item.task.task_id, item.plan, stage_s={"sample": 1.0}, counts={"completions": 4}
    )


def serve(batch: WorkItem) -> WorkResult:
    return WorkResult(batch.task.task_id, batch.plan, batch=tuple(map(answer, batch.batch)))


def items(count: int, steps: int = 7, deadline_s: float = math.inf) -> list[WorkItem]:
    return [
        WorkItem(
            Task(f"t{n:02}", (Pair(((1,),), ((1,),)),) * 2, (((1,),),)),
            Plan(f"t{n:02}", num_steps=steps, num_test_views=1),
            deadline_s,
        )
        for n in range(count)
    ]


def run(executor: RoundsExecutor, given: list[WorkItem]) -> list[WorkResult]:
    for item in given:
        executor.submit(item)
    return polled(executor, len(given))


def polled(executor: RoundsExecutor, count: int) -> list[WorkResult]:
    results: list[WorkResult] = []
    for _ in range(20 * count + 20):
        results += executor.poll(0.0)
        if len(results) >= count:
            return results
    raise AssertionError(f"{len(results)} of {count} results")


@pytest.fixture
def crews(tmp_path: Path):
    log: list[str] = []
    return log, Crew("train", log, train), Crew("serve", log, serve)


def make(crews, tmp_path: Path, **options) -> RoundsExecutor:
    _, trainers, servers = crews
    options = {"search": None, "clock": Clock(), "until_s": math.inf, **options}
    return RoundsExecutor(trainers, servers, adapters=tmp_path / "adapters", **options)


def test_a_round_is_trained_then_served_in_batches(crews, tmp_path: Path) -> None:
    log, trainers, servers = crews
    given = items(BATCH_TASKS + 3)
    executor = make(crews, tmp_path)
    results = run(executor, given)
    assert sorted(r.task_id for r in results) == [item.task.task_id for item in given]
    assert log == [
        "open train", *["train"] * len(given), "close train", "open serve", "serve", "serve",
    ]  # fmt: skip
    assert [len(batch.batch) for batch in servers.seen] == [BATCH_TASKS, 3]
    for batch in servers.seen:
        for part in batch.batch:
            assert part.adapter is not None and part.adapter.task_id == part.task.task_id
            assert part.plan.num_steps == 0
    assert len(trainers.seen) == len(given)


def test_the_longest_are_trained_first_where_there_is_time_for_all(crews, tmp_path: Path) -> None:
    """So that the trainers of a round end at about the same time."""
    _, trainers, _ = crews
    given = [replace(item, deadline_s=10.0 * (n + 1)) for n, item in enumerate(items(4))]
    run(make(crews, tmp_path, until_s=1000.0), given)
    assert [item.task.task_id for item in trainers.seen] == ["t03", "t02", "t01", "t00"]

    trainers.seen.clear()
    run(make(crews, tmp_path / "short", until_s=40.0), given)
    assert [item.task.task_id for item in trainers.seen] == ["t00", "t01", "t02", "t03"], (
        "where time is short, as many as possible"
    )


def test_batches_become_smaller_so_that_all_servers_end_together(crews, tmp_path: Path) -> None:
    _, _, servers = crews
    servers.workers = 4
    run(make(crews, tmp_path), items(40, steps=0))
    sizes = [len(batch.batch) for batch in servers.seen]
    assert sizes[:2] == [BATCH_TASKS] * 2 and sum(sizes) == 40
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] == 1


def test_no_task_is_taken_for_a_round_that_would_open_its_engines_too_late(
    crews, tmp_path: Path
) -> None:
    clock = Clock()
    executor = make(crews, tmp_path, clock=clock, until_s=1000.0)
    crews[1].poll = slowly(crews[1].poll, clock, 80.0)
    crews[2].poll = slowly(crews[2].poll, clock, 120.0)
    results = run(executor, items(1))
    assert len(results) == 1
    # 78 s and 119 s until the engines had begun to work; both closed or about to be.
    for left_s, takes in ((250.0, ROUND_TASKS), (190.0, 0)):
        clock.time_s = 1000.0 - left_s
        assert executor.idle() == takes


def test_what_is_trained_is_served_before_the_servers_close(crews, tmp_path: Path) -> None:
    """Tasks that are taken while others are served wait for the next round."""
    log, trainers, _ = crews
    executor = make(crews, tmp_path)
    for item in items(2 * BATCH_TASKS):
        executor.submit(item)
    assert len(polled(executor, 1)) == BATCH_TASKS
    late = replace(items(1)[0], plan=replace(items(1)[0].plan, round=1))
    executor.submit(late)
    polled(executor, BATCH_TASKS)
    assert len(trainers.seen) == 2 * BATCH_TASKS, "the late one is not trained in between"
    assert log.count("open serve") == 1
    polled(executor, 1)
    assert log.count("open train") == log.count("open serve") == 2


def test_near_the_end_the_servers_stay_and_ask_the_base_model(crews, tmp_path: Path) -> None:
    clock = Clock()
    executor = make(crews, tmp_path, clock=clock, until_s=1000.0)
    crews[2].poll = slowly(crews[2].poll, clock, 120.0)
    run(executor, items(1))
    clock.time_s = 900.0
    (result,) = run(executor, [replace(items(1)[0], plan=replace(items(1)[0].plan, round=1))])
    assert result.cut and result.counts["completions"] == 4
    assert crews[0].count("open serve") == 1


def test_results_are_in_before_the_run_ends(crews, tmp_path: Path) -> None:
    """A batch that ends at its deadline still has to come back."""
    _, _, servers = crews
    run(make(crews, tmp_path, until_s=10_000.0), items(1))
    assert servers.seen[0].deadline_s == 10_000.0 - HAND_IN_S


def test_engines_that_were_never_open_have_not_begun(crews, tmp_path: Path) -> None:
    _, trainers, _ = crews
    trainers.answer = lambda item: WorkResult(
        item.task.task_id, item.plan, failure="no worker was ready in time", cut=True
    )
    clock = Clock()
    executor = make(crews, tmp_path, clock=clock, until_s=1e5)
    first = [replace(item, deadline_s=100.0) for item in items(2)]
    run(executor, first)
    assert {item.deadline_s for item in trainers.seen} == {TRAIN_SHARE * 100.0 + START_S}, (
        "the second one is still allowed the seconds that opening takes"
    )


def test_a_round_fits_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config, specs = WorkersConfig(), dict.fromkeys(("train", "serve", "search"), SolverSpec("x:y"))
    own, other = tmp_path / "run", tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(other))
    free = {own: 20_000, other: 90_000}
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(free[Path(path)]))
    for size, tasks in ((0, ROUND_TASKS), (3_000, 15), (30_000, 2)):
        executor = open_rounds(config, specs, Staffing(2, 1), own, adapter_bytes=size)
        assert executor.idle() == tasks, "half of the larger disk, and no worker without a task"
    free[own] = 10_000_000
    executor = open_rounds(config, specs, Staffing(2, 1), own, adapter_bytes=3_000)
    assert executor.idle() == ROUND_TASKS


@pytest.mark.parametrize(("left_s", "serve_s"), [(math.inf, 18.0), (100.0, 4.5), (10.0, 2.0)])
def test_servers_may_end_a_step_inside_the_time_for_handing_in(
    left_s: float, serve_s: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A batch whose server is killed loses its scores, and the next one a start of the engine."""
    grace_s: dict[str, float] = {}

    def opened(config: WorkersConfig, spec: SolverSpec, *rest: object, **_: object) -> Crew:
        grace_s[spec.factory] = config.grace_s
        return Crew(spec.factory, [], answer)

    monkeypatch.setattr("kit.workers.open_rounds.open_executor", opened)
    specs = {name: SolverSpec(name) for name in ("train", "serve", "search")}
    executor = open_rounds(
        WorkersConfig(), specs, Staffing(1, 1, 1), tmp_path, until_s=left_s, clock=Clock()
    )
    for count in (0, 7):
        executor.submit(items(1, steps=count)[0])
        executor.poll(0.0)
        executor.poll(0.0)
    assert grace_s == {
        "train": WRITE_S, "serve": pytest.approx(serve_s), "search": WorkersConfig().grace_s
    }  # fmt: skip


def slowly(poll, clock: Clock, seconds: float):
    """A crew's poll after which the clock stands later, when something came of it."""

    def polled(timeout_s: float) -> list[WorkResult]:
        results = poll(timeout_s)
        clock.time_s += seconds if results else 0.0
        return results

    return polled


def test_a_result_is_of_both_crews_and_of_the_plan_that_was_given(crews, tmp_path: Path) -> None:
    (result,) = run(make(crews, tmp_path), items(1))
    assert result.plan == items(1)[0].plan
    assert result.stage_s == {"train": 2.0, "sample": 1.0}
    assert result.counts == {"steps": 7, "completions": 4}
    assert (result.failure, result.cut, result.adapter) == (None, False, None)
    assert not any((tmp_path / "adapters").iterdir()), "an adapter that was served is deleted"


def test_the_next_round_takes_turns_again(crews, tmp_path: Path) -> None:
    log, _, _ = crews
    executor = make(crews, tmp_path)
    run(executor, items(2))
    run(executor, [replace(item, plan=replace(item.plan, round=1)) for item in items(2)])
    assert log.count("open train") == log.count("open serve") == 2
    assert log[log.index("open serve") :].index("close serve") < len(log)


def test_large_gpus_keep_both(crews, tmp_path: Path) -> None:
    log, _, servers = crews
    executor = make(crews, tmp_path, alternate=False)
    run(executor, items(4))
    assert not any(line.startswith("close") for line in log)
    assert len(servers.seen) > 1, "the first tasks are served while others are trained"
    executor.close()
    assert {"close train", "close serve"} <= set(log)


def test_what_needs_no_training_is_served_at_once(crews, tmp_path: Path) -> None:
    log, trainers, servers = crews
    run(make(crews, tmp_path), items(3, steps=0))
    assert log == ["open serve", "serve"]
    assert not trainers.seen
    assert [part.adapter for part in servers.seen[0].batch] == [None] * 3


def test_training_leaves_time_to_serve(crews, tmp_path: Path) -> None:
    """Deadlines of crews lie inside the run; tasks that training does not reach are asked all the
    same, and count as cut."""
    _, trainers, servers = crews
    clock = Clock()
    trainers.answer = lambda item: (setattr(clock, "time_s", clock.time_s + 40), train(item))[1]
    executor = make(crews, tmp_path, clock=clock, until_s=100.0)
    results = run(executor, items(4, deadline_s=1000.0))
    assert [item.deadline_s for item in trainers.seen] == [TRAIN_SHARE * 95.0] * 2
    assert [batch.deadline_s for batch in servers.seen] == [95.0]
    assert [r.cut for r in sorted(results, key=lambda r: r.task_id)] == [False, False, True, True]


def test_a_failed_training_is_told_and_the_base_model_answers(crews, tmp_path: Path) -> None:
    _, trainers, servers = crews
    trainers.answer = lambda item: WorkResult(item.task.task_id, item.plan, failure="no memory")
    (result,) = run(make(crews, tmp_path), items(1))
    assert result.failure == "no memory"
    assert servers.seen[0].batch[0].adapter is None
    assert result.counts["completions"] == 4


def test_searches_have_a_crew_of_their_own(crews, tmp_path: Path) -> None:
    log, _, _ = crews
    search = Crew("search", log, answer, workers=2)
    executor = make(crews, tmp_path, search=search)
    (item,) = items(1)
    search_item = replace(item, plan=replace(item.plan, leg="search"))
    assert (executor.idle(), executor.idle_search()) == (ROUND_TASKS, 2)
    executor.submit(search_item)
    assert (executor.idle(), executor.idle_search()) == (ROUND_TASKS, 1)
    assert [r.plan.leg for r in executor.poll(0.0)] == ["search"]
    executor.submit(item)
    assert executor.idle() == ROUND_TASKS - 1


def test_only_child_processes_can_hold_two_engines(tmp_path: Path) -> None:
    spec = SolverSpec("nowhere:open")
    specs = dict.fromkeys(("train", "serve", "search"), spec)
    with pytest.raises(ValueError, match=r"workers.executor=inline.*workers.executor=pool"):
        open_rounds(WorkersConfig(executor="inline"), specs, Staffing(1, 1), tmp_path)
