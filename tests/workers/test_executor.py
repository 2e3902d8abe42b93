"""How many workers a machine gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kit.workers import executor
from kit.workers.executor import (
    SMALL_MODEL_BYTES,
    Staffing,
    WorkersConfig,
    choose_staffing,
    describe,
    usable_cores,
    weights_bytes,
)

GIB = 2**30


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "usable_cores", lambda: 8)
    monkeypatch.setattr(executor, "available_bytes", lambda: 64 * GIB)


@pytest.mark.parametrize(
    ("config", "model_bytes", "staffing"),
    [
        (WorkersConfig(), 20 * 2**20, Staffing(8, 1)),
        (WorkersConfig(), SMALL_MODEL_BYTES, Staffing(1, 8)),
        (WorkersConfig(count=2), 20 * 2**20, Staffing(2, 1)),
        (WorkersConfig(count=2), 2 * GIB, Staffing(2, 4)),
        (WorkersConfig(count=3, threads=5), 9 * GIB, Staffing(3, 5)),
        (WorkersConfig(count=20), 0, Staffing(20, 1)),
        (WorkersConfig(executor="inline", count=4), 0, Staffing(1, 1)),
        (WorkersConfig(executor="inline"), 2 * GIB, Staffing(1, 8)),
    ],
)
def test_staffing(config: WorkersConfig, model_bytes: int, staffing: Staffing) -> None:
    assert choose_staffing(config, model_bytes) == staffing


@pytest.mark.parametrize(
    ("config", "model_bytes", "staffing"),
    [
        (WorkersConfig(), 2**20, Staffing(1, 1, 7)),
        (WorkersConfig(), 9 * GIB, Staffing(1, 1, 7)),
        (WorkersConfig(count=2, search=3), 9 * GIB, Staffing(2, 2, 3)),
        (WorkersConfig(count=9), 9 * GIB, Staffing(9, 1)),
        (WorkersConfig(), 0, Staffing(8, 1)),
        (WorkersConfig(executor="inline"), 2**20, Staffing(1, 1)),
    ],
)
def test_beside_a_gpu_the_other_cores_search(
    config: WorkersConfig, model_bytes: int, staffing: Staffing
) -> None:
    assert choose_staffing(config, model_bytes, devices=1, searches=True) == staffing
    assert choose_staffing(config, model_bytes, devices=1, searches=False).search == 0
    assert choose_staffing(WorkersConfig(search=2), 2**20, searches=True) == Staffing(8, 1, 2)


def test_every_gpu_gets_a_worker() -> None:
    four = choose_staffing(WorkersConfig(), 9 * GIB, devices=4, searches=True)
    assert four == Staffing(4, 1, 4)
    assert choose_staffing(WorkersConfig(), 9 * GIB, devices=4) == Staffing(4, 2)
    # Without a model there is nothing to do on them.
    assert choose_staffing(WorkersConfig(), 0, devices=4, searches=True) == Staffing(8, 1)


def test_little_memory_means_fewer_workers_but_never_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "available_bytes", lambda: 2 * GIB)
    assert choose_staffing(WorkersConfig(), 2**20) == Staffing(3, 1)
    monkeypatch.setattr(executor, "available_bytes", lambda: 1)
    assert choose_staffing(WorkersConfig(), 2**20) == Staffing(1, 1)


def test_this_machine_has_a_core() -> None:
    assert usable_cores() >= 1


def test_only_safetensors_count_as_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(7))
    (tmp_path / "pytorch_model.bin").write_bytes(bytes(100))
    assert weights_bytes(tmp_path) == 7


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="inline, pool, ray, got 'slurm'"):
        WorkersConfig(executor="slurm")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="count must not be negative, got -1"):
        WorkersConfig(count=-1)
    with pytest.raises(ValueError, match="silent_s must not be negative, got -1"):
        WorkersConfig(silent_s=-1.0)


def test_an_error_in_one_line() -> None:
    assert describe(ValueError("first\nsecond")) == "ValueError: first"
    assert describe(MemoryError()) == "MemoryError"


def test_the_parent_side_imports_no_torch() -> None:
    code = (
        "import sys, kit.workers.pool, kit.workers.child, kit.solve.phases, kit.solve.toolbox;"
        "import kit.solve.solver, kit.staff;"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
