"""No generated pair is one of the evaluation or development tasks in disguise.

pytest tests/pretrain/test_contamination.py
"""

from __future__ import annotations

import pytest

from kit.arc.datasets import load_dataset
from kit.arc.solutions import dataset_solutions
from kit.arc.task import Pair
from kit.pretrain.dev_tasks import DEV_TASKS
from kit.pretrain.rules.catalogue import all_rules
from kit.pretrain.rules.programs import random_program_task
from kit.pretrain.rules.tasks import make_task
from tests.pretrain.canonical import canonical

SIDES = (30, 9)  # also small grids: more of them are drawn, and they say less
NUM_PROGRAMS = 100


def forms(name: str, ids: tuple[str, ...] | None = None) -> dict[bytes, str]:
    """Canonical forms of all pairs of a public set, tests included, with their task ids."""
    tasks, solutions = load_dataset(name).tasks, dataset_solutions(name)
    found = {}
    for task_id in ids or tuple(tasks):
        task = tasks[task_id]
        tests = zip(task.test, solutions[task_id], strict=True)
        for pair in (*task.train, *(Pair(*test) for test in tests)):
            found[canonical(pair)] = task_id
    return found


@pytest.fixture(scope="module")
def generated() -> dict[bytes, str]:
    """Canonical forms of some thousands of generated pairs, with where they are from."""
    found: dict[bytes, str] = {}
    for largest in SIDES:
        for rule in all_rules():
            for pair in make_task(rule, 0, largest=largest) or ():
                found[canonical(pair)] = rule.name
    for seed in range(NUM_PROGRAMS):
        task = random_program_task(seed)
        for pair in task.pairs if task else ():
            found[canonical(pair)] = "program"
    return found


def test_no_generated_pair_is_an_evaluation_pair(generated: dict[bytes, str]) -> None:
    assert len(generated) > 3000
    known = forms("arc1-eval")
    assert [(known[f], generated[f]) for f in sorted(known.keys() & generated.keys())] == []


def test_no_generated_pair_is_a_development_pair(generated: dict[bytes, str]) -> None:
    known = forms("arc1-train", DEV_TASKS)
    assert [(known[f], generated[f]) for f in sorted(known.keys() & generated.keys())] == []
