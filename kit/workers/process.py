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
import threading
from pathlib import Path
from typing import Any

Child = subprocess.Popen[str]

Events = queue.Queue[tuple[Child, dict[str, Any]]]
"""(child, message); the last message of every child is {"kind": "gone"}."""

_REAP_S = 0.5


def start_child(opening: dict[str, Any], threads: int, log_path: Path, events: Events) -> Child:
    """A running worker process.

    Args:
        opening: the first line it is sent: which solver to open, and how.
        threads: for the thread pools that libraries size when they are imported.
        log_path: its prints, warnings and tracebacks are appended here.
        events: gets every message it sends, from a thread of its own.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "kit.workers.child", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            env=_environment(threads),
        )
    threading.Thread(target=_read, args=(child, events), name="answers", daemon=True).start()
    tell_child(child, opening)
    return child


def tell_child(child: Child, message: Any) -> None:
    """Send one line. That a child is gone shows in its events, not here."""
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(json.dumps(message, separators=(",", ":")) + "\n")
        child.stdin.flush()


def bury_children(children: list[Child]) -> None:
    """Kill processes and collect them, so that no zombie stays; a dead one is fine."""
    for child in children:
        child.kill()
    for child in children:
        # A process stuck in the kernel dies when that lets go of it; nobody waits for it here.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=_REAP_S)
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()


def describe_exit(child: Child) -> str:
    """How a buried process ended, in words."""
    code = child.returncode
    if code is None:
        return "stopped answering"
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _read(child: Child, events: Events) -> None:
    """Turn a child's answers into events until it hangs up."""
    assert child.stdout is not None
    # A child killed in the middle of a line leaves half a message, which is dropped.
    with child.stdout, contextlib.suppress(ValueError):
        for line in child.stdout:
            events.put((child, json.loads(line)))
    events.put((child, {"kind": "gone"}))


def _environment(threads: int) -> dict[str, str]:
    """The child's environment: the same import path, and thread pools of the right size."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *(os.path.abspath(path) for path in sys.path)]
    pools = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return os.environ | pools | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
