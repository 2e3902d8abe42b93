"""What candidates say of a task, as plain numbers."""

from __future__ import annotations

import random

from kit.arc.candidate import Candidate, Prediction, ProgramEvidence
from kit.arc.grid import Grid
from kit.arc.task import Pair, Task
from kit.budget.outlook import Outlook
from kit.rank.outlook import task_outlook
from kit.rank.pool import CandidatePool

A: Grid = ((1,),)
B: Grid = ((2,),)
C: Grid = ((3,),)
TASK = Task("t", (Pair(A, B), Pair(B, A)), (A, B))


def votes(test_index: int, *grids: Grid) -> list[Candidate]:
    return [Candidate("t", test_index, grid, "sample", "identity", -1.0, 3) for grid in grids]


def program(test_index: int, grid: Grid, confidence: float, pairs: int = 2) -> Candidate:
    evidence = ProgramEvidence("lines", 9.0, pairs, 2, None, confidence)
    return Candidate("t", test_index, grid, "search", "program", program="p", evidence=evidence)


def outlook(*candidates: Candidate, margins: tuple[float, ...] = (0.5, 0.3)) -> Outlook:
    predictions = [Prediction("t", i, (A, B), m, "") for i, m in enumerate(margins)]
    pool = CandidatePool(tuple(candidates))
    return task_outlook(TASK, pool, predictions, {"held_chance": 0.7, "loss_nats": 0.02})


def test_nothing_proposed_is_nothing_known() -> None:
    found = task_outlook(TASK, CandidatePool(), [], {})
    assert found == Outlook()


def test_the_least_certain_test_input_counts() -> None:
    found = outlook(*votes(0, A, A, A, B), *votes(1, A, B, C, B))
    assert (found.share, found.lead, found.votes) == (0.5, 0.25, 4)
    assert found.margin == 0.3 and found.chance == 0.0 and not found.agree
    assert (found.held_chance, found.loss_nats) == (0.7, 0.02)
    assert outlook(*votes(0, A, A)).votes == 0, "the other test input has no answer"


def test_programs_count_only_where_they_cover_all_pairs() -> None:
    assert outlook(program(0, A, 0.9), program(1, B, 0.6)).chance == 0.6
    partial = outlook(program(0, A, 0.9), program(1, B, 0.6, pairs=1))
    assert partial.chance == 0.0 and partial.promise == 1.0 and not partial.convinced
    assert outlook(program(0, A, 0.9), program(1, B, 0.95)).convinced


def test_both_legs_agree_where_the_best_of_each_is_the_same_grid() -> None:
    both = (program(0, A, 0.9), program(1, B, 0.9))
    assert outlook(*both, *votes(0, A, A, C), *votes(1, B)).agree
    assert not outlook(*both, *votes(0, A, A, C), *votes(1, A, A, B)).agree


def test_the_order_of_candidates_does_not_matter() -> None:
    held = [program(0, A, 0.9), program(1, B, 0.4), *votes(0, A, B, B, C), *votes(1, C, B, A)]
    first = outlook(*held)
    for seed in range(5):
        random.Random(seed).shuffle(held)
        assert outlook(*held) == first
