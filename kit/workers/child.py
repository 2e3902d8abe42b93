"""The worker process: gets items as JSON lines, writes what it says as JSON lines.

Started by `kit.workers.process` as `python -m kit.workers.child`. The process ends when its
standard input does, that is when the parent closes it or dies, also in the middle of an item. What
the solver or a library prints goes to standard error, which the parent points at the worker's log.
Ctrl-C is ignored: the terminal sends it to the whole group, and the parent decides.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

from kit.workers.service import Message, Say, serve

_PR_SET_PDEATHSIG = 1
"""Source: Linux prctl(2)."""


def main() -> None:
    """Serve one parent until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent(int(sys.argv[1]))
    requests, answers = _private_streams()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    lines = _lines(requests)
    serve(lines.get(), lines.get, _sender(answers))
    # Not sys.exit(): the thread that beats may be in the middle of a line.
    os._exit(1)


def _die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process before its parent and with it.

    End of file on the pipe is not enough: a library that holds the interpreter lock would keep
    the reading thread from seeing it.
    """
    if sys.platform == "linux":
        # When memory runs out the kernel shall take a worker, not the process that holds the file.
        with contextlib.suppress(OSError):  # some containers forbid it, and can do without
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request was made
            os._exit(1)


def _private_streams() -> tuple[IO[str], IO[str]]:
    """The pipes to the parent, moved away from descriptors 0 and 1 so that no print reaches it."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _lines(requests: IO[str]) -> queue.SimpleQueue[Any]:
    """Parsed requests, read by a thread that ends the process when the parent hangs up."""
    parsed: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def read() -> None:
        for line in requests:
            parsed.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, name="requests", daemon=True).start()
    return parsed


def _sender(answers: IO[str]) -> Say:
    def send(message: Message) -> None:
        answers.write(json.dumps(message, separators=(",", ":")) + "\n")
        answers.flush()

    return send


if __name__ == "__main__":
    main()
