"""The kinds of sandbox that the tests attack, and a program that must always work."""

from __future__ import annotations

import os

import pytest

from kit.induce.sandbox.limits import MIB, Limits
from kit.induce.sandbox.mechanisms import Mechanism
from kit.induce.sandbox.probe import probe
from kit.induce.sandbox.runner import MechanismBroken, Sandbox

SHORT = Limits(cpu_s=1.0, wall_s=0.4, memory_bytes=128 * MIB, output_bytes=100_000)
HONEST = "def transform(grid):\n    return grid.T[::-1]"
GRID = ((1, 2), (3, 4))
TURNED = ((2, 4), (1, 3))


def mechanisms(kind: str) -> tuple[Mechanism, ...]:
    """best: what `open_sandbox` takes here; weak: what it takes where the kernel has no walls."""
    if kind == "best":
        return probe().mechanisms
    user: tuple[Mechanism, ...] = ("unprivileged user",) if os.geteuid() == 0 else ()
    return (*user, "python hooks")


def make(kind: str, limits: Limits = SHORT) -> Sandbox:
    """A sandbox of a kind; the test is skipped where there is none."""
    if kind == "best" and probe().mode != "strong":
        pytest.skip(f"no strong sandbox here: {probe()}")
    try:
        return Sandbox(mechanisms(kind), limits)
    except MechanismBroken as error:
        pytest.skip(f"{kind}: {error}")


def still_works(sandbox: Sandbox) -> bool:
    """Whether the next honest program gets its answer; a busy machine may be late now and then."""
    outcome = sandbox.run(HONEST, [GRID])
    for _ in range(3):
        if outcome.status != "timeout":
            break
        outcome = sandbox.run(HONEST, [GRID])
    return outcome.status == "ok" and outcome.outputs == (TURNED,)
