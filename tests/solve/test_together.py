"""Many tasks asked in one call: the same answers as alone, whatever goes wrong with one of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.budget.plan import Plan
from kit.encode.cells import CellEncoding
from kit.finetune.trainer import Adapter
from kit.generate.decode import GenerateConfig
from kit.solve.phases import solve_item
from kit.solve.together import solve_together
from kit.solve.toolbox import Elsewhere, Toolbox
from kit.solve.work import WorkItem, WorkResult, discard
from tests.fakes import FakeClock, ScriptedSampler

A: Grid = ((1, 2, 3), (4, 5, 6))
B: Grid = ((7, 8), (9, 0), (1, 2))


class Counted(ScriptedSampler):
    """Notes every call, and the thread it came from."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.calls: list[tuple[str, int]] = []
        self.threads: set[str] = set()

    def sample(self, requests: Sequence, deadline) -> Iterator:
        keys = [request.key for request in requests]
        assert len(set(keys)) == len(keys), "keys are unique in one call"
        self.calls.append(("sample", len(requests)))
        self.threads.add(threading.current_thread().name)
        return super().sample(requests, deadline)

    def score(self, requests: Sequence, deadline) -> Iterator:
        self.calls.append(("score", len(requests)))
        self.threads.add(threading.current_thread().name)
        return super().score(requests, deadline)


def part(name: str, *tests: Grid, **plan: int) -> WorkItem:
    pairs = tuple(Pair(grid, grid) for grid in (A, B, A[::-1]))
    numbers = {"num_test_views": 4, "num_score_views": 2, "seed": 5, **plan}
    adapter = Adapter(name, Path(name), "lora", name)
    return WorkItem(Task(name, pairs, tests), Plan(name, **numbers), adapter=adapter)


def recolours(query: Grid, request: object) -> Grid:
    """Not the same in every view, so that there is something to score."""
    first = (query[0][0] + query[0][1]) % 10
    return ((first, *query[0][1:]), *query[1:])


def tools(sampler: ScriptedSampler, tmp_path: Path) -> Toolbox:
    return Toolbox(
        CellEncoding(), Elsewhere(), sampler, AugmentConfig(), GenerateConfig(), tmp_path
    )


def together(sampler: ScriptedSampler, tmp_path: Path, *parts: WorkItem) -> WorkResult:
    clock = FakeClock(1.0)
    item = replace(parts[0], batch=parts)
    return solve_together(item, tools(sampler, tmp_path), clock, discard)


PARTS = (part("a", A), part("b", B, A), part("c", A[::-1]))


def test_every_task_gets_the_answers_that_it_gets_alone(tmp_path: Path) -> None:
    result = together(Counted(rule=recolours), tmp_path, *PARTS)
    assert [r.task_id for r in result.batch] == ["a", "b", "c"]
    for item, found in zip(PARTS, result.batch, strict=True):
        alone = solve_item(item, tools(Counted(rule=recolours), tmp_path), FakeClock(1.0))
        assert found.candidates == alone.candidates and found.candidates
        assert found.scores == alone.scores and found.scores
        assert (found.counts, found.failure) == (alone.counts, None)


def test_all_tasks_share_calls_and_bring_their_own_adapters(tmp_path: Path) -> None:
    sampler = Counted(rule=recolours)
    together(sampler, tmp_path, *PARTS)
    # Four test inputs: first one view of each, then the other three, then what is contested.
    assert sampler.calls == [("sample", 4), ("sample", 12), ("score", 8)]
    assert {(r.key[0], r.adapter.sha256) for r in sampler.sampled} == {
        (0, "a"), (1, "b"), (2, "c"),
    }  # fmt: skip
    assert sampler.threads == {threading.current_thread().name}


def test_requests_come_in_the_order_of_tasks_not_of_threads(tmp_path: Path) -> None:
    orders = []
    for _ in range(3):
        sampler = Counted(rule=recolours)
        together(sampler, tmp_path, *PARTS)
        orders.append([request.key for request in sampler.sampled])
    assert orders[0] == orders[1] == orders[2]


def test_a_task_that_is_done_early_does_not_hold_the_others_up(tmp_path: Path) -> None:
    short = part("s", A, num_test_views=1, num_score_views=0)
    result = together(Counted(rule=recolours), tmp_path, short, part("l", B))
    assert [len(r.candidates) for r in result.batch] == [1, 4]


def test_an_engine_that_fails_fails_the_stage_of_every_task(tmp_path: Path) -> None:
    result = together(Counted(fail=RuntimeError("engine is gone")), tmp_path, *PARTS)
    for found in result.batch:
        assert found.failure == "sample: RuntimeError: engine is gone"
        assert found.candidates == ()


class Poisoned(Counted):
    """Breaks at the first request under the adapter `bad`, in whichever call that is."""

    def __init__(self, bad: str, kind: str) -> None:
        super().__init__(rule=recolours)
        self._bad, self._kind = bad, kind

    def sample(self, requests: Sequence, deadline) -> Iterator:
        yield from self._poisoned("sample", requests, super().sample(requests, deadline))

    def score(self, requests: Sequence, deadline) -> Iterator:
        yield from self._poisoned("score", requests, super().score(requests, deadline))

    def _poisoned(self, kind: str, requests: Sequence, answers: Iterator) -> Iterator:
        # The scripted sampler answers in reverse order.
        for request in reversed(requests):
            if kind == self._kind and request.adapter.sha256 == self._bad:
                raise ValueError("a prompt that breaks the engine")
            yield next(answers)


@pytest.mark.parametrize("kind", ["sample", "score"])
def test_a_task_that_breaks_the_call_fails_alone(tmp_path: Path, kind: str) -> None:
    sampler = Poisoned("b", kind)
    result = together(sampler, tmp_path, *PARTS)
    good, bad = (result.batch[0], result.batch[2]), result.batch[1]
    assert bad.failure == f"{kind}: ValueError: a prompt that breaks the engine"
    for item, found in zip((PARTS[0], PARTS[2]), good, strict=True):
        alone = solve_item(item, tools(Counted(rule=recolours), tmp_path), FakeClock(1.0))
        assert found.candidates == alone.candidates and found.scores == alone.scores
        assert (found.counts, found.failure) == (alone.counts, None)
    asked = [(r.key, r.adapter.sha256) for r in sampler.sampled]
    assert len(asked) == len(set(asked)), "what was answered is not asked again"


def test_want_of_memory_asks_for_less_at_once(tmp_path: Path) -> None:
    sampler = Counted(rule=recolours, room=6)
    result = together(sampler, tmp_path, *PARTS)
    assert max(size for kind, size in sampler.calls if kind == "sample") == 12
    assert [len(r.candidates) for r in result.batch] == [4, 8, 4]
    assert all(r.failure is None for r in result.batch)


def test_seconds_are_shared_out(tmp_path: Path) -> None:
    clock = FakeClock(1.0)
    sampler = Counted(rule=recolours, clock=clock, second_s=1.0)
    parts = PARTS[:2]
    item = replace(parts[0], batch=parts)
    result = solve_together(item, tools(sampler, tmp_path), clock, discard)
    spent_s = clock.now_s() - 1.0
    assert sum(sum(r.stage_s.values()) for r in result.batch) <= spent_s + 1e-6
    assert all(r.stage_s["sample"] > 0 for r in result.batch)


def test_what_is_known_is_published_for_the_whole_batch(tmp_path: Path) -> None:
    seen: list[WorkResult] = []
    item = replace(PARTS[0], batch=PARTS)
    box = tools(Counted(rule=recolours, score_fail=RuntimeError("x")), tmp_path)
    solve_together(item, box, FakeClock(1.0), seen.append)
    assert {len(partial.batch) for partial in seen} == {3}
    assert all(found.candidates for found in seen[-1].batch)


def test_a_process_that_serves_does_not_train(tmp_path: Path) -> None:
    untrained = replace(part("a", A, num_steps=5, num_train_views=8), adapter=None)
    (found,) = together(Counted(), tmp_path, untrained).batch
    assert found.failure is not None
    assert found.failure.startswith("train: RuntimeError: this process does not train")
    assert found.candidates, "the base model answers all the same"


@pytest.mark.parametrize("count", [1, 12])
def test_any_number_of_tasks(tmp_path: Path, count: int) -> None:
    parts = [part(f"t{n:02}", A) for n in range(count)]
    result = together(Counted(), tmp_path, *parts)
    assert [r.task_id for r in result.batch] == [item.task.task_id for item in parts]
    assert all(len(r.candidates) == 4 for r in result.batch)
