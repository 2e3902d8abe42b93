"""Which GPUs this process may use, found without importing torch.

What it does: counts devices of NVIDIA's driver and respects CUDA_VISIBLE_DEVICES. What it does
not: say whether they work; `python -m kit doctor` does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

DEVICE_FOLDER = Path("/dev")


def gpu_devices(
    folder: Path = DEVICE_FOLDER, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Names of the GPUs that torch would see, in order; none on other systems than Linux.

    Args:
        folder: where the driver makes its device files.
    """
    if not folder.is_dir():
        return ()
    found = [p.name for p in folder.iterdir() if re.fullmatch(r"nvidia\d+", p.name)]
    devices = tuple(sorted(found, key=lambda name: int(name.removeprefix("nvidia"))))
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return devices
    # Like the driver: what follows a name that is no device does not count.
    wanted = [name.strip() for name in visible.split(",")]
    allowed = [name for name in wanted if name and name != "-1"]
    return devices[: len(allowed)]
