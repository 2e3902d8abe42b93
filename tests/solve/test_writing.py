"""The writing leg of an item, around writers that are stand-ins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kit.arc.candidate import Candidate, ProgramEvidence
from kit.arc.task import Pair, Task
from kit.budget.plan import Plan
from kit.induce.meter import Meter
from kit.induce.sandbox.sandbox import SandboxError
from kit.induce.writing.settings import WritingConfig
from kit.induce.writing.write import WritingResult
from kit.solve import writing
from kit.solve.solver import TaskSolver
from kit.solve.toolbox import SolveConfig, ToolboxSettings
from kit.solve.work import WorkItem, discard

GRID = ((1,),)
TASK = Task("t", (Pair(GRID, GRID),), (GRID,))
WRITTEN = Candidate(
    "t", 0, GRID, "llm_program", "program", program="def transform(grid): ...",
    evidence=ProgramEvidence("written", 40.0, 1, 1, None, 0.5),
)  # fmt: skip


class Clock:
    """A clock that stands."""

    def now_s(self) -> float:
        return 100.0


class Thing:
    """Can be closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> list[Thing]:
    """The writers and sandboxes that were opened."""
    opened: list[Thing] = []

    def make(*arguments: object) -> Thing:
        opened.append(Thing())
        return opened[-1]

    monkeypatch.setattr(writing, "open_writer", make)
    monkeypatch.setattr(writing, "open_sandbox", make)
    return opened


def answer_with(monkeypatch: pytest.MonkeyPatch, write: Callable[..., WritingResult]) -> TaskSolver:
    monkeypatch.setattr(writing, "write_programs", write)
    settings = ToolboxSettings(SolveConfig(), programs=WritingConfig(server="http://localhost:1"))
    return TaskSolver(settings, 1, Path())


def test_programs_come_back_and_everything_is_opened_once(
    monkeypatch: pytest.MonkeyPatch, things: list[Thing]
) -> None:
    seen = []

    def write(
        task: Task, writer: Thing, sandbox: Thing, meter: Meter, seed: int,
        config: WritingConfig, round_index: int,
    ) -> WritingResult:  # fmt: skip
        seen.append((seed, round_index, meter.left_s(), config.server))
        return WritingResult((WRITTEN,), {"written": 4})

    solver = answer_with(monkeypatch, write)
    item = WorkItem(TASK, Plan("t", leg="write", seed=3, search_s=7.0), 105.0)
    for _ in range(2):
        result = solver.solve(item, Clock(), discard)
    assert result.candidates == (WRITTEN,) and result.counts == {"written": 4, "candidates": 1}
    assert seen == [(3, 0, 5.0, "http://localhost:1")] * 2
    assert len(things) == 2 and "write" in result.stage_s
    solver.close()
    assert all(thing.closed for thing in things)


def test_the_writer_gets_the_device_of_the_run(
    monkeypatch: pytest.MonkeyPatch, things: list[Thing]
) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(writing, "open_writer", lambda *all_: given.append(all_) or Thing())
    monkeypatch.setattr(writing, "write_programs", lambda *arguments: WritingResult())
    programs = WritingConfig(server="http://localhost:1")
    settings = ToolboxSettings(SolveConfig(device="cpu"), programs=programs)
    TaskSolver(settings, 3, Path()).solve(WorkItem(TASK, Plan("t", leg="write")), Clock(), discard)
    assert given == [(programs, 3, "cpu")]


def test_a_silent_writer_and_a_missing_sandbox_are_failures_of_the_item(
    monkeypatch: pytest.MonkeyPatch, things: list[Thing]
) -> None:
    silent = WritingResult(cut=True, failure="no answer from http://localhost:1")
    solver = answer_with(monkeypatch, lambda *arguments: silent)
    item = WorkItem(TASK, Plan("t", leg="write"))
    result = solver.solve(item, Clock(), discard)
    assert result.failure == "write: no answer from http://localhost:1" and result.cut

    def refuse(allow_weak: bool) -> Thing:
        raise SandboxError("only a weak sandbox works here")

    monkeypatch.setattr(writing, "open_sandbox", refuse)
    solver = answer_with(monkeypatch, lambda *arguments: silent)
    failure = solver.solve(item, Clock(), discard).failure
    assert failure == "write: SandboxError: only a weak sandbox works here"
