"""Builders of candidates and random pools for the tests of choosing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from kit.arc.candidate import Candidate, ViewScore
from kit.arc.grid import Grid
from kit.augment.transform import DIHEDRAL_NAMES
from kit.rank.pool import CandidatePool


def _propose(
    grid: Grid, group: str = "identity", nats: float | None = -1.0, test_index: int = 0
) -> Candidate:
    source = "search" if group == "program" else "sample"
    return Candidate("t", test_index, grid, source, group, nats)


def _random_grid(rng: random.Random, colours: int) -> Grid:
    height, width = rng.choice(((1, 1), (1, 2), (2, 2), (2, 2), (2, 2), (3, 2)))
    return tuple(tuple(rng.randrange(colours) for _ in range(width)) for _ in range(height))


def _random_pool(rng: random.Random, tests: int = 1) -> CandidatePool:
    """A small pool rich in ties: few distinct grids, few distinct log-probabilities."""
    grids = [_random_grid(rng, rng.choice((2, 3))) for _ in range(rng.randint(1, 5))]
    groups = rng.sample((*DIHEDRAL_NAMES, "program"), rng.randint(1, 5))
    candidates = [
        _propose(
            rng.choice(grids),
            rng.choice(groups),
            rng.choice((None, -1.0, -2.0)),
            rng.randrange(tests),
        )
        for _ in range(rng.choice((0, 1, 2, 3, 5, 8)))
    ]
    scores = [
        ViewScore(
            "t", test, grid, (rng.choice((-1.0, -2.0, -float("inf"))), -1.5), rng.randrange(2)
        )
        for grid in grids
        for test in range(tests)
        if rng.random() < 0.5
    ]
    return CandidatePool(tuple(candidates), tuple(scores))


@pytest.fixture
def propose() -> Callable[..., Candidate]:
    """`propose(grid, group, nats, test_index)`: a candidate of task "t"."""
    return _propose


@pytest.fixture
def random_pool() -> Callable[..., CandidatePool]:
    """`random_pool(rng, tests)`: a small random pool of task "t"."""
    return _random_pool
