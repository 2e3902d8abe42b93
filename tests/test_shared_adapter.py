"""A shared adapter from one start of a run to the next: taken over whole or not at all.

pytest tests/test_shared_adapter.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.config import make_config
from kit.finetune.adapter_dir import WEIGHT_FILES, open_adapter
from kit.shared_adapter import DamagedAdapterError, note_adapter, take_over_adapter
from kit.solve.work import WorkItem, WorkResult
from tests.run_bench import TTT, Bench, fakes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An adapter that was trained and noted."""
    path = tmp_path / "shared_adapter"
    path.mkdir()
    (path / WEIGHT_FILES["lora"]).write_bytes(bytes(range(200)))
    note_adapter(open_adapter(path, "shared", "lora"))
    return path


def test_what_was_trained_is_taken_over(folder: Path) -> None:
    adapter = take_over_adapter(folder, "shared", "lora")
    assert adapter == open_adapter(folder, "shared", "lora")


def test_nothing_there_is_no_fault(tmp_path: Path) -> None:
    assert take_over_adapter(tmp_path / "shared_adapter", "shared", "lora") is None


@pytest.mark.parametrize("at", range(0, 200, 37))
def test_one_changed_byte_is_seen_and_the_next_start_begins_anew(folder: Path, at: int) -> None:
    path = folder / WEIGHT_FILES["lora"]
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedAdapterError, match="shared_adapter: has changed since"):
        take_over_adapter(folder, "shared", "lora")
    assert take_over_adapter(folder, "shared", "lora") is None
    assert list(folder.parent.iterdir()) == []


@pytest.mark.parametrize("lost", ["weights", "note", "folder"])
def test_a_part_of_it_is_not_enough(folder: Path, lost: str) -> None:
    if lost == "weights":
        (folder / WEIGHT_FILES["lora"]).unlink()
    elif lost == "note":
        folder.with_name("shared_adapter.sha256").unlink()
    else:
        (folder / WEIGHT_FILES["lora"]).unlink()
        folder.rmdir()
        folder.touch()
    with pytest.raises(DamagedAdapterError, match="shared_adapter: cannot be taken over"):
        take_over_adapter(folder, "shared", "lora")
    assert take_over_adapter(folder, "shared", "lora") is None


def test_a_resumed_run_trains_a_damaged_adapter_again_and_says_so(tmp_path: Path) -> None:
    options = ["budget.unit=work", "budget.time_s=100000", "finetune.shared=true", TTT]
    bench = Bench(tmp_path, fakes.make_tasks(2), make_config("smoke", options))
    out = bench.adapter_out = tmp_path / "shared_adapter"
    trained = []

    def answer(item: WorkItem) -> WorkResult:
        result = fakes.fake_result(item)
        if not item.union:
            return result
        trained.append(item)
        out.mkdir()
        (out / WEIGHT_FILES["lora"]).write_bytes(b"weights")
        return replace(result, candidates=(), adapter=open_adapter(out, "shared", "lora"))

    bench.executor.answer = answer
    assert bench.run().problems == () and len(trained) == 1
    answers = bench.answers()
    (out / WEIGHT_FILES["lora"]).write_bytes(b"Weights")
    report = bench.run()
    assert len(trained) == 2 and report.stopped == "done"
    assert report.problems == (f"{out}: has changed since it was trained; it is trained again",)
    assert bench.answers() == answers
