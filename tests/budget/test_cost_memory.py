"""What is remembered of costs, and that no file of any kind stops a run."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from kit.budget.calibrate import GPU_SPEED, machine_speed
from kit.budget.cost import OVERHEAD_S, Rates, unmeasured_rates
from kit.budget.cost_memory import MOST_KEYS, REMEMBERED, costs_file, recall, remember

PRIOR = unmeasured_rates(10**7, 1)


def measured(count: int, seconds: float = 2.0) -> Rates:
    rates = PRIOR
    for number in range(count):
        rates = rates.observe("train", 1000.0 + number, seconds).observe("search", 1.0, 1.0)
    return rates


def test_a_second_run_knows_what_the_first_measured(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "costs.json"
    assert remember(path, "here", measured(30))
    known = recall(path, "here", PRIOR)
    assert len(known.seen["train"]) == REMEMBERED and "search" not in known.seen
    assert known.p50_s({"train": 1000.0}) == pytest.approx(2.0 + OVERHEAD_S, rel=0.05)
    assert recall(path, "elsewhere", PRIOR) == PRIOR


def test_keys_do_not_disturb_each_other_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    for number in range(MOST_KEYS + 5):
        assert remember(path, f"k{number}", measured(2, number + 1.0))
    assert recall(path, "k4", PRIOR) == PRIOR
    for number in (5, MOST_KEYS + 4):
        assert recall(path, f"k{number}", PRIOR).seen["train"][0][1] == number + 1.0
    assert len(os.listdir(tmp_path)) == 1, "no temporary file stays"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe", b"[]", b'{"version": 2, "costs": {"here": {"train": [[1, 1]]}}}',
        b'{"version": 1, "costs": []}', b'{"version": 1, "costs": {"here": 5}}',
        b'{"version": 1, "costs": {"here": {"train": {"a": 1}, "sample": 3}}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_broken_file_is_no_file_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "costs.json"
    path.write_bytes(content)
    assert recall(path, "here", PRIOR).seen.get("train", ()) == ()
    assert remember(path, "here", measured(3))
    assert len(recall(path, "here", PRIOR).seen["train"]) == 3


def test_only_pairs_of_positive_numbers_count(tmp_path: Path) -> None:
    pairs = [[1, 2.0], [1], [0, 1], [-1, 1], ["1", 1], [True, 1], None, [1, 2, 3], [1e400, 1]]
    text = json.dumps({"version": 1, "costs": {"here": {"train": pairs, "dance": [[1, 1]]}}})
    path = tmp_path / "costs.json"
    path.write_text(text)
    assert recall(path, "here", PRIOR).seen == {"train": ((1.0, 2.0),)}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert not remember(blocked / "costs.json", "here", measured(2))
    assert recall(blocked / "costs.json", "here", PRIOR) == PRIOR
    (tmp_path / "costs.json").mkdir()
    assert not remember(tmp_path / "costs.json", "here", measured(2))
    assert os.listdir(tmp_path / "costs.json") == []


def test_nothing_measured_writes_nothing(tmp_path: Path) -> None:
    assert not remember(tmp_path / "costs.json", "here", PRIOR)
    assert os.listdir(tmp_path) == []


def test_runs_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    threads = [
        threading.Thread(target=remember, args=(path, f"k{number}", measured(5)))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert json.loads(path.read_text())["version"] == 1
    assert any(recall(path, f"k{number}", PRIOR).seen for number in range(8))


def test_the_file_lies_in_the_users_cache_folder(tmp_path: Path) -> None:
    assert costs_file({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "arc-ttt-kit/costs.json"
    assert costs_file({}) == Path.home() / ".cache/arc-ttt-kit/costs.json"


def test_a_machine_has_a_speed() -> None:
    assert 0.1 <= machine_speed(2) <= 10.0
    assert machine_speed(2, has_gpu=True) == GPU_SPEED
