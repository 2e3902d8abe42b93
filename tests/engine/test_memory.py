"""Memory that is left: the machine's, and less of it inside a container.

pytest tests/engine/test_memory.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.engine.memory import NO_LIMIT_BYTES, available_bytes

GIB = 2**30


def write(root: Path, name: str, text: object) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with 64 GiB free and no control groups."""
    write(tmp_path, "proc/meminfo", f"MemTotal: 1 kB\nMemAvailable: {64 * GIB // 1024} kB")
    return tmp_path


def test_a_machine_without_groups_tells_for_itself(root: Path) -> None:
    assert available_bytes(root) == 64 * GIB
    assert available_bytes(root / "nowhere") == NO_LIMIT_BYTES


def test_this_machine_tells_something() -> None:
    assert 0 < available_bytes() <= NO_LIMIT_BYTES


@pytest.mark.parametrize("name", ["/", "/docker/that/only/the/host/knows"])
def test_a_container_of_version_2_has_what_its_limit_leaves(root: Path, name: str) -> None:
    group = "sys/fs/cgroup"
    write(root, "proc/self/cgroup", f"0::{name}")
    write(root, f"{group}/memory.max", 4 * GIB)
    write(root, f"{group}/memory.current", 3 * GIB)
    write(root, f"{group}/memory.stat", f"anon 1\ninactive_file {GIB}")
    assert available_bytes(root) == 2 * GIB
    write(root, f"{group}/memory.max", "max")
    assert available_bytes(root) == 64 * GIB


def test_the_narrowest_of_nested_groups_counts(root: Path) -> None:
    write(root, "proc/self/cgroup", "4:memory:/user/job\n0::/")
    for name, limit in (("", 9 * GIB), ("/user", 8 * GIB), ("/user/job", 20 * GIB)):
        folder = f"sys/fs/cgroup/memory{name}"
        write(root, f"{folder}/memory.limit_in_bytes", limit)
        write(root, f"{folder}/memory.usage_in_bytes", GIB)
        write(root, f"{folder}/memory.stat", "total_inactive_file 0")
    assert available_bytes(root) == 7 * GIB


def test_more_than_the_limit_leaves_nothing(root: Path) -> None:
    write(root, "proc/self/cgroup", "0::/")
    write(root, "sys/fs/cgroup/memory.max", GIB)
    write(root, "sys/fs/cgroup/memory.current", 2 * GIB)
    write(root, "sys/fs/cgroup/memory.stat", "anon 1")
    assert available_bytes(root) == 0
