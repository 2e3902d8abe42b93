"""Synthetic traces: tasks whose recorded outcomes a test decides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, replace

from kit.arc.candidate import Candidate, ProgramEvidence, ViewScore
from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.rank.choose import RankConfig
from kit.rank.pool import CandidatePool
from kit.solve.wire import to_plain
from kit.validate.traces import Piece, Trace, TracedTask, evidence_of, right_of
from kit.validate.traces_lines import head_line
from kit.validate.traces_plan import Levels

LEVELS = Levels(steps=(0, 30, 60), again=(60,), views=(4, 8), score_views=4, slices=(0.3, 1.0, 3.0))
RIGHT: Grid = ((7, 7), (7, 7))
WRONG: Grid = ((8, 8), (8, 8))


def make_task(name: str, side: int = 3) -> Task:
    """A task no cheap guess solves; larger sides are larger tasks."""
    pair = Pair(((1,) * side,) * side, ((2, 3), (4, 5)))
    other = Pair(((2,) * side,) * side, ((5, 4), (3, 2)))
    return Task(name, (pair, other), (((3,) * side,) * side,))


def sample_pool(name: str, grid: Grid, votes: int, views: int) -> CandidatePool:
    """`votes` of `views` samples for a grid, the others for grids of their own."""
    others = [((index, index, 0),) for index in range(views - votes)]
    candidates = [
        Candidate(name, 0, held, "sample", "identity", -1.0 - place, 4)
        for place, held in enumerate([grid] * votes + others)
    ]
    scores = [ViewScore(name, 0, held, (-1.0,)) for held in dict.fromkeys([grid, *others])]
    return CandidatePool(tuple(candidates), tuple(scores))


def program_pool(name: str, grid: Grid, confidence: float, round_: int = 0) -> CandidatePool:
    """One program that covers all pairs."""
    evidence = ProgramEvidence("stacking", 10.0, 2, 2, 1.0, confidence)
    return CandidatePool(
        (Candidate(name, 0, grid, "search", "program", None, 0, "a program", round_, evidence),)
    )


def judged(piece: Piece, traced: TracedTask) -> Piece:
    """A piece with its evidence and worth as a recorder would write them."""
    pool, config = piece.pool, RankConfig()
    return replace(
        piece,
        evidence=to_plain(evidence_of(traced.task, pool, config, piece.observed)),
        right=right_of(traced, pool, config),
        right_votes=right_of(traced, CandidatePool(pool.candidates), config),
    )


def make_traced(name: str, side: int, slice_s: float, steps: int, pace: float = 1.0) -> TracedTask:
    """A task that searches of `slice_s` seconds or more solve, and trainings of `steps` or more.

    Args:
        pace: factor on all seconds of the model.
    """
    traced = TracedTask(make_task(name, side), (RIGHT,), "synthetic")
    pieces = []
    for place, length in enumerate(LEVELS.slices):
        found = length >= slice_s
        pool = program_pool(name, RIGHT, 0.9, place) if found else CandidatePool()
        pieces.append(Piece(name, "search", search_s=length, stage_s={"search": length}, pool=pool))
    cost = pace * side * side / 9
    for seed, count in LEVELS.adapters:
        for views in LEVELS.views:
            votes = views - 1 if count >= steps else 1
            grid = RIGHT if count >= steps else WRONG
            stages = {"sample": 0.1 * views * cost, "score": 0.05 * cost}
            if count:
                stages["train"] = 0.2 * count * cost
            pieces.append(
                Piece(
                    name, "ttt", seed, count, views, stage_s=stages,
                    counts={"completions": views, "steps": count, "candidates": views},
                    observed={"loss_nats": 0.1, "held_chance": 0.5} if count else {},
                    pool=sample_pool(name, grid, votes, views),
                )
            )  # fmt: skip
    whole = replace(traced, done=frozenset({"search", "ttt"}))
    return replace(whole, pieces=tuple(judged(piece, whole) for piece in pieces))


def random_tasks(seed: int, count: int = 12) -> list[TracedTask]:
    """Tasks of random sizes that random amounts of work solve; outcomes grow with work."""
    rng = random.Random(seed)
    return [
        make_traced(
            f"t{seed}-{index:02d}",
            rng.randint(2, 9),
            rng.choice([0.3, 1.0, 3.0, 99.0, 99.0]),
            rng.choice([0, 30, 60, 999, 999]),
            rng.choice([0.5, 1.0, 2.0]),
        )
        for index in range(count)
    ]


def make_trace(tasks: Sequence[TracedTask], levels: Levels = LEVELS) -> Trace:
    """A trace of these tasks, as if the bundled model had been recorded."""
    head = head_line(
        {"cpu": "a CPU", "cores": 2, "python": "3.11", "seconds": "cpu"},
        {"name": "bundled", "bytes": 5_000_000, "files": {"model.safetensors": "ab"}},
        {"finetune": {"batch_views": 2}},
        to_plain(RankConfig()),
        asdict(levels),
        0,
    )
    return Trace(head, {held.task.task_id: held for held in tasks})
