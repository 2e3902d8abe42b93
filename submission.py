"""Solve ARC tasks and write submission.json. Runs without arguments, on Kaggle and anywhere else.

python submission.py --time-budget 10m
python submission.py --help
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def run() -> int:
    """The whole program; its exit code."""
    # Until the program handles them itself: there is nothing yet that could be lost.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        from kit.interrupt import process_began_s

        # The time budget counts from the start of the process, before anything else is imported.
        started_s = process_began_s()
        from kit.entry import main
    except ImportError as error:
        print(f"error: {error}\n       pip install -r requirements.txt", file=sys.stderr)
        return 2

    return main(sys.argv[1:], started_s)


def _leave(number: int, frame: FrameType | None) -> None:
    """End at once, with the exit code that a shell gives a process ended by this signal."""
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(run())
