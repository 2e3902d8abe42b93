"""A server in a process of its own, a sandbox, and clocks for writing programs."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.budget.clock import SystemClock
from kit.induce.meter import Meter
from kit.induce.sandbox.sandbox import Sandbox, SandboxError, open_sandbox


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """URL of a running `openai_server`."""
    script = Path(__file__).with_name("openai_server.py")
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The best sandbox of this machine; the programs here are our own."""
    try:
        opened = open_sandbox(allow_weak=True)
    except SandboxError as error:
        pytest.skip(str(error))
    with opened:
        yield opened


@pytest.fixture
def meter() -> Callable[..., Meter]:
    """`meter(seconds)` from now on; without seconds it never stops."""

    def make(seconds: float = math.inf) -> Meter:
        clock = SystemClock()
        return Meter(clock, clock.now_s() + seconds)

    return make
