"""What memory a forward and backward pass needs, what there is, and when it ran out; no torch.

What it does: the numbers that decide between keeping activations and computing them again. What it
does not: measure anything on a GPU; whoever has torch asks the driver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

NO_LIMIT_BYTES = 2**62
"""Stands for the memory of a system that does not tell."""


@dataclass(frozen=True, slots=True)
class _GroupFiles:
    """Names of files in a control group's folder, and of the line of memory.stat that counts
    cached files."""

    limit: str
    used: str
    cached: str


# What stands in the second field of /proc/self/cgroup -> (where its groups are mounted, files).
_GROUP_FILES = {
    "": ("sys/fs/cgroup", _GroupFiles("memory.max", "memory.current", "inactive_file")),
    "memory": (
        "sys/fs/cgroup/memory",
        _GroupFiles("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ),
}


@dataclass(frozen=True, slots=True)
class ActivationSizes:
    """What decides how much a model of the Llama family keeps for its backward pass.

    Attributes:
        num_layers, hidden, ffn: as in config.json.
        attention: heads * head_dim + 2 * key-value heads * head_dim, numbers of q, k, v per token.
        value_bytes: of one number in the model's dtype.
    """

    num_layers: int
    hidden: int
    ffn: int
    attention: int
    value_bytes: int

    def kept_bytes(self, num_tokens: int) -> int:
        """Bytes that a pass over so many tokens keeps without checkpointing.

        Per layer and token: two norms with their inputs (4 hidden), q, k, v and the attention's
        output, gate, up, their activation and product (4 ffn) in the model's dtype; and the
        inputs of the LoRA matrices in float32 (6 hidden and 1 ffn), which peft makes.
        """
        own = (5 * self.hidden + self.attention + 4 * self.ffn) * self.value_bytes
        lora = (6 * self.hidden + self.ffn) * 4
        return num_tokens * self.num_layers * (own + lora)


def available_bytes(root: Path = Path("/")) -> int:
    """Memory that this machine, or the container around this process, can still hand out; a large
    number where neither tells.

    Args:
        root: below which the kernel's files lie.
    """
    return max(0, min(_machine_bytes(root), *_container_bytes(root)))


def _machine_bytes(root: Path) -> int:
    meminfo = root / "proc/meminfo"
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return NO_LIMIT_BYTES


def _container_bytes(root: Path) -> list[int]:
    """What is left below the limits of this process's control groups, version 2 and 1.

    Cached files count as free: the kernel drops them before it kills anything.
    """
    left = [NO_LIMIT_BYTES]
    for folder, files in _groups(root):
        try:
            most = (folder / files.limit).read_text(encoding="ascii").strip()
            if most != "max":
                held = int((folder / files.used).read_text(encoding="ascii"))
                stat = (folder / "memory.stat").read_text(encoding="ascii")
                left.append(int(most) - held + _stat_bytes(stat, files.cached))
        except (OSError, ValueError):
            continue
    return left


def _groups(root: Path) -> Iterator[tuple[Path, _GroupFiles]]:
    """(Folder, its files) of every group that this process is in, the outermost last.

    Inside a container its own group is what is mounted, and the name of the group may be one
    that only the host knows: folders that are not there are passed over by the caller.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, name = line.split(":", 2)
        if kinds not in _GROUP_FILES:
            continue
        place, files = _GROUP_FILES[kinds]
        path = PurePosixPath(name)
        for group in (path, *path.parents):
            yield root / place / group.relative_to("/"), files


def _stat_bytes(stat: str, name: str) -> int:
    """One line of a control group's memory.stat; 0 where it has none of this name."""
    rows = (line.split() for line in stat.splitlines())
    return next((int(row[1]) for row in rows if row[0] == name), 0)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception means that memory ran out; torch raises plain RuntimeErrors for it."""
    text = str(error).lower()
    phrases = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(phrase in text for phrase in phrases)
    )
