"""The NVIDIA GPUs of this machine as their driver tells of them.

What it does: asks `nvidia-smi` once. What it does not: import torch, or any package; the installer
of the wheels reads it before there are any.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from kit.engine import cards

LEAST_CAPABILITY = cards.LEAST_CAPABILITY / 10
"""Least compute capability that torch and vLLM have code for.

Source: the fat binaries of torch 2.13.0 and vLLM 0.27.1 (`offline_wheels/verify.py`); T4 has 7.5,
P100 6.0.
"""

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        driver: version of the NVIDIA driver, e.g. (580, 65, 6).
        capability: compute capability, e.g. 8.9.
        memory_mib: all of its memory.
    """

    name: str
    driver: tuple[int, ...]
    capability: float
    memory_mib: int

    def problem(self) -> str | None:
        """Why no engine runs on it, None when they do."""
        if self.capability >= LEAST_CAPABILITY:
            return None
        return (
            f"{self.name} has compute capability {self.capability}: neither torch nor vLLM has "
            f"code below {LEAST_CAPABILITY}; choose another accelerator (T4 x2, L4 x4)"
        )


def read_gpus() -> list[Gpu]:
    """The GPUs of this machine; none where `nvidia-smi` is absent or fails."""
    fields = "name,driver_version,compute_cap,memory.total"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S
        )
        rows = [line.split(", ") for line in ran.stdout.splitlines()]
        return [
            Gpu(name, tuple(map(int, driver.split("."))), float(capability), int(memory))
            for name, driver, capability, memory in rows
        ]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
