"""The loop around the steps: when it asks, saves and stops.

pytest tests/pretrain/test_base_run.py
"""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import pytest

pytest.importorskip("torch")

from kit.encode.encoding import Encoded
from kit.pretrain import base_run
from kit.pretrain.base_run import fine_tune
from kit.pretrain.base_settings import BaseConfig
from tests.pretrain.base_models import tiny_batch

BATCH = tiny_batch(2)
STEPS = 16


class FakeLearner:
    """Counts steps; its loss falls by one a step."""

    def __init__(self, stop: threading.Event | None = None, stop_at: int = 0) -> None:
        self.config = BaseConfig(max_steps=STEPS, batch_tasks=2)
        self.step = self.tokens = 0
        self.seconds = 0.0
        self.saved: list[int] = []
        self._stop, self._stop_at = stop, stop_at

    def lr(self) -> float:
        return self.config.finetune().lr / 2

    def train_step(self, batch: list[Encoded]) -> float:
        self.step += 1
        self.tokens += sum(map(len, batch))
        if self._stop is not None and self.step == self._stop_at:
            self._stop.set()
        return 100.0 - self.step

    def evaluate(self, questions: list[Encoded]) -> tuple[float, float]:
        return 50.0 - self.step, 0.5

    def save(self, folder: Path, notes: dict) -> None:
        assert notes == {"format": "cells"}
        self.saved.append(self.step)


class FakeTasks:
    """The same batch at every step."""

    def batch(self, step: int) -> list[Encoded]:
        return BATCH


def run(learner: FakeLearner, out: Path, tick_s: float = 1.0, **rest: object) -> bool:
    """`fine_tune` with a clock that advances at every look."""
    now = [0.0]

    def clock() -> float:
        now[0] += tick_s
        return now[0]

    held_out = {"kind": BATCH}
    notes = {"format": "cells"}
    return fine_tune(learner, FakeTasks(), held_out, out, notes, clock=clock, **rest)


def rows_of(out: Path) -> list[dict[str, str]]:
    """Rows of the history."""
    with (out / "history.csv").open() as lines:
        return [*csv.DictReader(lines)]


def test_questions_are_asked_before_during_and_after(tmp_path) -> None:
    learner = FakeLearner()
    assert run(learner, tmp_path)
    asked = [int(row["step"]) for row in rows_of(tmp_path) if row["kind loss"]]
    assert asked == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert len(asked) == base_run.EVALUATIONS + 1
    last = rows_of(tmp_path)[-1]
    assert (float(last["loss"]), float(last["kind loss"])) == (84.5, 34.0)
    assert float(last["rate"]) == 0.5


def test_checkpoints_come_by_the_clock_and_at_the_end(tmp_path) -> None:
    seldom, often = FakeLearner(), FakeLearner()
    run(seldom, tmp_path / "a")
    run(often, tmp_path / "b", tick_s=base_run.SAVE_EVERY_S)
    assert seldom.saved == [16]
    assert often.saved == [*range(1, 17), 16]


def test_time_that_is_up_ends_a_run_in_good_order(tmp_path) -> None:
    learner = FakeLearner()
    assert not run(learner, tmp_path, seconds=30.0)
    assert 0 < learner.step < STEPS and learner.saved == [learner.step]
    assert int(rows_of(tmp_path)[-1]["step"]) == learner.step


def test_a_stopped_run_goes_on_in_its_history(tmp_path) -> None:
    stop = threading.Event()
    learner = FakeLearner(stop, stop_at=5)
    assert not run(learner, tmp_path, stop=stop)
    assert learner.step == 5 and learner.saved == [5]
    learner._stop = None
    assert run(learner, tmp_path)
    steps = [int(row["step"]) for row in rows_of(tmp_path)]
    assert steps == sorted(set(steps)) and steps[0] == 0 and {5, 16} <= set(steps)
