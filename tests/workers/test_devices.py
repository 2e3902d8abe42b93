"""GPUs by their device files, with made-up files; devices dealt out to workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.workers import devices
from kit.workers.devices import deal_devices, gpu_devices


def test_device_files_count_in_order(tmp_path: Path) -> None:
    for name in ("nvidia10", "nvidia2", "nvidia0", "nvidiactl", "nvidia-uvm", "sda"):
        (tmp_path / name).touch()
    assert gpu_devices(tmp_path, {}) == ("0", "1", "2")
    assert gpu_devices(tmp_path / "absent", {}) == ()


def test_the_users_choice_counts(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1"):
        (tmp_path / name).touch()
    for value, wanted in (
        ("", ()),
        ("-1", ()),
        ("0", ("0",)),
        ("1", ("1",)),
        ("1, 0", ("1", "0")),
        ("0,1,2", ("0", "1")),
        ("GPU-8932f937", ("GPU-8932f937",)),
    ):
        assert gpu_devices(tmp_path, {"CUDA_VISIBLE_DEVICES": value}) == wanted


def test_every_worker_gets_a_device_of_its_own_and_searchers_none() -> None:
    dealt = deal_devices(3, 1, ("2", "5"))
    assert [device.name for device in dealt] == ["gpu:2", "gpu:5", "gpu:2", "cpu:0"]
    shown = [device.environment()["CUDA_VISIBLE_DEVICES"] for device in dealt]
    assert shown == ["2", "5", "2", ""]


def test_cores_are_devices_too_and_hide_nothing() -> None:
    dealt = deal_devices(2, 1)
    assert [device.name for device in dealt] == ["cpu:0", "cpu:1", "cpu:2"]
    assert all(device.environment() == {} for device in dealt)


def test_a_run_on_the_cpu_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "gpu_devices", lambda: ("0", "1"))
    assert devices.used_gpus("cpu") == ()
    assert devices.used_gpus("auto") == devices.used_gpus("cuda") == ("0", "1")
