"""What workers compute on: one GPU each where there are any, else the cores of the CPU.

What it does: counts devices of NVIDIA's driver without importing torch, respects
CUDA_VISIBLE_DEVICES, and deals devices out to workers. What it does not: say whether they work;
`python -m kit doctor` does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEVICE_FOLDER = Path("/dev")


@dataclass(frozen=True, slots=True)
class Device:
    """What one worker computes on.

    Attributes:
        name: "cpu:0", "gpu:1", for people.
        visible: value of CUDA_VISIBLE_DEVICES in its process; None to leave that alone.
    """

    name: str
    visible: str | None = None

    def environment(self) -> dict[str, str]:
        """Variables that its process gets besides those of this one."""
        return {} if self.visible is None else {"CUDA_VISIBLE_DEVICES": self.visible}


def gpu_devices(
    folder: Path = DEVICE_FOLDER, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """The GPUs that torch would see, in order, as CUDA_VISIBLE_DEVICES names them; none on other
    systems than Linux.

    Args:
        folder: where the driver makes its device files.
    """
    if not folder.is_dir():
        return ()
    count = sum(bool(re.fullmatch(r"nvidia\d+", path.name)) for path in folder.iterdir())
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return tuple(map(str, range(count)))
    # Like the driver: what follows a name that is no device does not count.
    wanted = [name.strip() for name in visible.split(",")]
    return tuple(name for name in wanted if name and name != "-1")[:count]


def used_gpus(device: str) -> tuple[str, ...]:
    """The GPUs that a run with `solve.device=device` computes on: none where it says "cpu"."""
    return () if device == "cpu" else gpu_devices()


def deal_devices(workers: int, searchers: int, gpus: Sequence[str] = ()) -> tuple[Device, ...]:
    """One device for each worker, then one for each of those that only search.

    GPUs are dealt in turn. Searchers see none of them, so that they take none of their memory.

    Args:
        gpus: see `gpu_devices`; none where workers have no use for them.
    """
    if not gpus:
        return tuple(Device(f"cpu:{index}") for index in range(workers + searchers))
    driving = [gpus[index % len(gpus)] for index in range(workers)]
    return (
        *(Device(f"gpu:{name}", name) for name in driving),
        *(Device(f"cpu:{index}", "") for index in range(searchers)),
    )
