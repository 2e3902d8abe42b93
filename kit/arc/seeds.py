"""The only source of randomness: seeds derived from the run seed by a stable hash.

`hash()` is salted per process; blake2b is not, so the same run seed gives the same draws
under any PYTHONHASHSEED, on any machine.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np


def derive_seed(run_seed: int, *parts: str | int) -> int:
    """A 63-bit seed for one purpose, e.g. `derive_seed(seed, task_id, "views", round)`."""
    text = "\x1f".join([str(run_seed), *(f"{type(p).__name__}:{p}" for p in parts)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def python_rng(run_seed: int, *parts: str | int) -> random.Random:
    """A `random.Random` seeded by `derive_seed`."""
    return random.Random(derive_seed(run_seed, *parts))


def numpy_rng(run_seed: int, *parts: str | int) -> np.random.Generator:
    """A numpy generator seeded by `derive_seed`."""
    return np.random.default_rng(derive_seed(run_seed, *parts))
