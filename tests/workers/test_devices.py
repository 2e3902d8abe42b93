"""GPUs by their device files, with made-up files."""

from __future__ import annotations

from pathlib import Path

from kit.workers.devices import gpu_devices


def test_device_files_count_in_order(tmp_path: Path) -> None:
    for name in ("nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia-uvm", "sda"):
        (tmp_path / name).touch()
    assert gpu_devices(tmp_path, {}) == ("nvidia0", "nvidia2", "nvidia10")
    assert gpu_devices(tmp_path / "absent", {}) == ()


def test_the_users_choice_counts(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1"):
        (tmp_path / name).touch()
    for value, count in (("", 0), ("-1", 0), ("0", 1), ("1", 1), ("0,1", 2), ("0,1,2", 2)):
        assert len(gpu_devices(tmp_path, {"CUDA_VISIBLE_DEVICES": value})) == count
