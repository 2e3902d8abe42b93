"""Random tasks with a known rule, and a script run under two hash seeds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.arc.grid import Grid
from kit.arc.task import Pair, Task

REPOSITORY = Path(__file__).parents[2]


def random_grid(rng: random.Random, height: int, width: int, num_colours: int = 10) -> Grid:
    """An (height, width) grid of colours 0..num_colours-1."""
    return tuple(tuple(rng.randrange(num_colours) for _ in range(width)) for _ in range(height))


def make_task(
    num_pairs: int, height: int = 4, width: int = 5, num_colours: int = 6, num_tests: int = 1
) -> Task:
    """A task of random grids, the output being the input upside down."""
    rng = random.Random(num_pairs * 1000 + height * 31 + width)
    inputs = [random_grid(rng, height, width, num_colours) for _ in range(num_pairs + num_tests)]
    return Task(
        "t1",
        tuple(Pair(grid, grid[::-1]) for grid in inputs[:num_pairs]),
        tuple(inputs[num_pairs:]),
    )


@pytest.fixture(name="make_task")
def _make_task() -> Callable[..., Task]:
    return make_task


@pytest.fixture(name="random_grid")
def _random_grid() -> Callable[..., Grid]:
    return random_grid


@pytest.fixture
def outputs_under_hash_seeds() -> Callable[[str], list[str]]:
    """Runs a script in fresh interpreters with two hash seeds; what each printed."""

    def run(script: str) -> list[str]:
        printed = []
        for hash_seed in ("1", "4242"):
            env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)}
            done = subprocess.run(
                [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
            )
            printed.append(done.stdout)
        return printed

    return run
