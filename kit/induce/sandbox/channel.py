"""Talking to the sandbox's child in JSON lines, with an end to every wait.

What it does: starts `kit.induce.sandbox.nursery` in a clean environment; sends a line and waits
for one, up to a time and a number of bytes. What it does not: know what the lines mean.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.induce.sandbox.mechanisms import Mechanism

_REAP_S = 1.0
_CHUNK_BYTES = 1 << 16

# One thread for every library that asks: a process with threads cannot enter a namespace.
_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


# Where the child finds these, and with them all that is installed beside them.
_PACKAGES = ("numpy", "scipy", "pyseccomp")


class ChannelLost(Exception):
    """The child is gone, silent or talks rubbish; the message says which."""


class Channel:
    """One child process and the pipes to it."""

    def __init__(self, mechanisms: Sequence[Mechanism]) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-s", "-S", "-B", "-m", "kit.induce.sandbox.nursery"),
                json.dumps({"mechanisms": list(mechanisms)}),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=os.path.abspath(os.sep),
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._sending = self._process.stdin.fileno()
        self._receiving = self._process.stdout.fileno()
        os.set_blocking(self._sending, False)
        os.set_blocking(self._receiving, False)
        self._rest = b""

    def alive(self) -> bool:
        """Whether the child was running a moment ago."""
        return self._process.poll() is None

    def tell(self, message: dict[str, Any], timeout_s: float) -> None:
        """Send one line.

        Raises:
            ChannelLost: it could not be sent in time, or nobody is there.
        """
        data = json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"
        until_s = time.monotonic() + timeout_s
        while data:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([], [self._sending], [], left_s)[1]:
                raise ChannelLost("its process does not read")
            try:
                data = data[os.write(self._sending, data) :]
            except BrokenPipeError as error:
                raise ChannelLost("its process is gone") from error

    def hear(self, timeout_s: float, limit_bytes: int) -> dict[str, Any]:
        """The next line.

        Raises:
            ChannelLost: none came in time, or it is too long or not a JSON object.
        """
        until_s = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([self._receiving], [], [], left_s)[0]:
                raise ChannelLost("its process does not answer")
            chunk = os.read(self._receiving, _CHUNK_BYTES)
            if not chunk:
                raise ChannelLost("its process is gone")
            self._rest += chunk
            if len(self._rest) > limit_bytes:
                raise ChannelLost("its process answers without end")
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ChannelLost("its process answers rubbish") from error
        if not isinstance(message, dict):
            raise ChannelLost("its process answers rubbish")
        return message

    def close(self) -> None:
        """Kill the child; everything it started ends with it or within one program's time."""
        self._process.kill()
        # A process stuck in the kernel dies when that lets go of it; nobody waits for it here.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_REAP_S)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def _environment() -> dict[str, str]:
    """Nothing of this process's own: where modules are, and what makes programs repeatable."""
    folders = [Path(__file__).resolve().parents[3]]
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            file = Path(spec.origin).resolve()
            folders.append(file.parents[1] if file.name == "__init__.py" else file.parent)
    return {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(map(str, folders))),
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(_POOLS, "1"),
    }
