"""Solve ARC tasks and write submission.json. Runs without arguments, on Kaggle and anywhere else.

python submission.py --time-budget 10m
python submission.py --help
"""

from __future__ import annotations

import sys
import time


def run() -> int:
    """The whole program; its exit code."""
    # The time budget counts from here, before anything else is imported.
    started_s = time.monotonic()
    from kit.entry import main

    return main(sys.argv[1:], started_s)


if __name__ == "__main__":
    sys.exit(run())
