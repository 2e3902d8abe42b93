"""What a sandbox can be made of besides resource limits, which are always in force."""

from __future__ import annotations

from typing import Literal

Mechanism = Literal["unprivileged user", "namespaces", "seccomp", "python hooks"]
"""Walls first: the kernel stands behind all but the last, see `confine` and `hooks`."""

KERNEL_WALLS: tuple[Mechanism, ...] = ("namespaces", "seccomp")
"""Without one of these no sandbox is called strong, whatever the attacks that were tried say."""
