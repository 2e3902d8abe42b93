"""What a trace was recorded with: machine, model, options, levels; its first line.

What it does not: name folders of the machine; a model is told by its digests.
"""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kit.rank.choose import RankConfig
from kit.solve.toolbox import BUNDLED_MODEL, ToolboxSettings
from kit.solve.wire import to_plain
from kit.validate.traces_lines import head_line
from kit.validate.traces_plan import Levels
from kit.validate.traces_solver import Seconds


def make_head(
    toolbox: ToolboxSettings, rank: RankConfig, levels: Levels, seed: int, seconds: Seconds
) -> dict[str, Any]:
    """The first line of a recording with these options on this machine."""
    options = to_plain(toolbox)
    name = model_name(toolbox.solve.model)
    options["solve"]["model"] = name
    folder = toolbox.solve.model
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    model = {"name": name, "bytes": size, "files": model_files(folder)}
    on = {**machine(), "seconds": seconds}
    return head_line(on, model, options, to_plain(rank), asdict(levels), seed)


def model_name(folder: Path) -> str:
    """The folder's name; "bundled" for the kit's own."""
    return "bundled" if folder.resolve() == BUNDLED_MODEL else folder.name


def model_files(folder: Path) -> dict[str, str]:
    """File -> digest, of what decides the answers of a model."""
    return {
        path.name: hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
        for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")])
    }


def machine() -> dict[str, Any]:
    """Processor, cores and Python of this machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
    }
