"""How many threads torch uses in this process."""

from __future__ import annotations

import torch


def set_threads(threads: int) -> None:
    """Use `threads` threads inside one operation; operations run one after another."""
    torch.set_num_threads(threads)
