"""Starting, feeding and burying one worker process; knows nothing of items.

The child runs `kit.workers.child`, gets JSON lines on its standard input and answers in JSON lines
on its standard output; whatever else it prints goes to its log file.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from kit.workers.devices import Device
from kit.workers.executor import scratch_folder

Message = dict[str, Any]

_REAP_S = 0.5

_SIGKILL = 9
"""What the kernel's out-of-memory killer sends. One that this process sends comes behind the end of
a child, or to a child that nobody asks any more how it ended."""


class Child(Protocol):
    """One worker, wherever it runs. Its messages (see `kit.workers.service`) come as events; the
    last one is {"kind": "gone"}."""

    @property
    def begun(self) -> bool:
        """Whether it runs; one that still waits for a place on some machine is not silent."""
        ...

    def tell(self, message: Message) -> None:
        """Send a message. That a child is gone shows in its events, not here."""
        ...

    def kill(self) -> None:
        """End it at once; a dead one is fine."""
        ...

    def bury(self) -> None:
        """Collect what is left of a killed one; does not wait long."""
        ...

    def how_it_ended(self) -> str:
        """Words for a buried one: "was killed by signal 9"."""
        ...

    def ran_out(self) -> bool:
        """Whether a buried one seems to have been killed for want of memory: by somebody else, in
        the way in which the system does it."""
        ...


Events = queue.Queue[tuple[Child, Message]]
"""(child, message)."""


class Launcher(Protocol):
    """Starts workers in numbered places."""

    def start(self, index: int, opening: Message, events: Events) -> Child:
        """A worker that is told its opening (all but the scratch folder, which is added here) and
        whose messages go to `events`."""
        ...

    def log_of(self, index: int) -> str:
        """Where to read what the workers in a place printed."""
        ...

    def close(self) -> None:
        """Let go of whatever workers were started on; all are buried by then."""
        ...


def bury_children(children: Sequence[Child]) -> None:
    """Kill all, then collect all, so that none waits for another."""
    for child in children:
        child.kill()
    for child in children:
        child.bury()


class ProcessLauncher:
    """Workers as processes of this machine."""

    def __init__(self, run_folder: Path, devices: Sequence[Device]) -> None:
        """Start nothing yet.

        Args:
            run_folder: gets workers/worker-<n>.log and scratch/worker-<n>/.
            devices: what the worker in each place computes on.
        """
        self._folder = run_folder
        self._devices = devices

    def start(self, index: int, opening: Message, events: Events) -> ProcessChild:
        """See `Launcher`."""
        opening = {**opening, "scratch": str(self._scratch(index))}
        environment = child_environment(opening["threads"]) | self._devices[index].environment()
        return ProcessChild(opening, environment, self._log_path(index), events)

    def log_of(self, index: int) -> str:
        """The path of the log."""
        return str(self._log_path(index))

    def close(self) -> None:
        """Nothing is held."""

    def _scratch(self, index: int) -> Path:
        """Its scratch folder; a full or read-only run folder does not keep a worker from
        starting."""
        try:
            return scratch_folder(self._folder, index)
        except OSError:
            return Path(tempfile.mkdtemp(prefix="arc-ttt-kit-scratch-"))

    def _log_path(self, index: int) -> Path:
        return self._folder / "workers" / f"worker-{index}.log"


class ProcessChild:
    """See the module docstring; implements `Child`."""

    begun = True

    def __init__(
        self, opening: Message, environment: dict[str, str], log_path: Path, events: Events
    ) -> None:
        """Start it; its prints, warnings and tracebacks are appended to `log_path`."""
        with _open_log(log_path) as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "kit.workers.child", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                env=environment,
            )
        threading.Thread(target=self._read, args=(events,), name="answers", daemon=True).start()
        self.tell(opening)

    def tell(self, message: Message) -> None:
        """See `Child`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message, separators=(",", ":")) + "\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """See `Child`."""
        self._process.kill()

    def bury(self) -> None:
        """Wait for its end and leave no zombie."""
        # A process stuck in the kernel dies when that lets go of it; nobody waits for it here.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_REAP_S)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def how_it_ended(self) -> str:
        """See `Child`."""
        code = self._process.returncode
        if code is None:
            return "stopped answering"
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def ran_out(self) -> bool:
        """See `Child`; what a user kills in this way looks the same."""
        return self._process.returncode == -_SIGKILL

    def _read(self, events: Events) -> None:
        """Turn its answers into events until it hangs up."""
        stream = self._process.stdout
        assert stream is not None
        # A child killed in the middle of a line leaves half a message, which is dropped.
        with stream, contextlib.suppress(ValueError):
            for line in stream:
                events.put((self, json.loads(line)))
        events.put((self, {"kind": "gone"}))


def _open_log(path: Path) -> IO[bytes]:
    """The log, opened for appending; nowhere when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")
    except OSError:
        return open(os.devnull, "ab")


def child_environment(threads: int) -> dict[str, str]:
    """A worker's environment: the same import path, and thread pools of the right size."""
    return os.environ | child_variables(threads)


def child_variables(threads: int) -> dict[str, str]:
    """The variables of a worker that differ from this process's."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *(os.path.abspath(path) for path in sys.path)]
    pools = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return pools | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
