"""What nvidia-smi says, and where it says nothing.

pytest tests/test_gpus.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.gpus import Gpu, read_gpus


def put_nvidia_smi(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=None)


def test_every_gpu_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "Tesla T4, 550.90.07, 7.5, 15360\\nTesla P100-PCIE-16GB, 550.90.07, 6.0, 16384\\n"
    put_nvidia_smi(tmp_path, f"printf '{lines}'", monkeypatch)
    t4, p100 = read_gpus()
    assert t4 == Gpu("Tesla T4", (550, 90, 7), 7.5, 15360)
    assert t4.problem() is None
    assert "compute capability 6.0: neither torch nor vLLM has code below 7.5" in str(
        p100.problem()
    )


@pytest.mark.parametrize(
    "body", ["exit 9", "echo 'NVIDIA-SMI has failed'", "printf 'A100, [N/A], 8.0, 1\\n'", ":"]
)
def test_a_program_that_knows_nothing_means_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    put_nvidia_smi(tmp_path, body, monkeypatch)
    assert read_gpus() == []


def test_no_program_means_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_gpus() == []
