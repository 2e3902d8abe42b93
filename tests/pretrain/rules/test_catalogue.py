"""Every procedural rule: legal grids, the same for the same seed, varied and not trivial.

pytest tests/pretrain/rules/test_catalogue.py
"""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from kit.arc.grid import as_array, check_grid
from kit.arc.task import Pair
from kit.pretrain.rules.catalogue import (
    COMPOSING,
    all_rules,
    held_out_generators,
    held_out_rules,
    training_rules,
)
from kit.pretrain.rules.cells import turn
from kit.pretrain.rules.rule import Rule
from kit.pretrain.rules.tasks import make_task

by_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)


def only_turned(pairs: tuple[Pair, ...]) -> bool:
    """Whether one symmetry alone explains all pairs."""
    arrays = [(as_array(pair.input), as_array(pair.output)) for pair in pairs]
    return any(all(np.array_equal(turn(a, e), b) for a, b in arrays) for e in range(8))


@by_rule
def test_a_rule_makes_legal_varied_tasks(rule: Rule) -> None:
    pairs = make_task(rule, 1)
    assert pairs is not None
    assert pairs == make_task(rule, 1)
    for pair in pairs:
        check_grid(pair.input, "input")
        check_grid(pair.output, "output")
        assert pair.input != pair.output
    assert len({pair.input for pair in pairs}) == len(pairs) == 4
    assert len({pair.output for pair in pairs}) > 1
    assert rule.plain or not only_turned(pairs)
    assert pairs != make_task(rule, 2)


def test_names_are_different_and_there_are_hundreds() -> None:
    names = [rule.name for rule in all_rules()]
    assert len(names) == len(set(names)) >= 400
    assert len({rule.generator for rule in all_rules()}) >= 100
    assert all(rule.name.split("/")[0] == rule.generator for rule in all_rules())


def test_whole_generators_are_held_out_by_the_digest_of_their_names() -> None:
    names = sorted({rule.generator for rule in all_rules()} - set(COMPOSING))
    digests = sorted(hashlib.blake2b(name.encode()).hexdigest() for name in names)
    limit = digests[len(held_out_generators())]
    for name in names:
        held_out = hashlib.blake2b(name.encode()).hexdigest() < limit
        assert (name in held_out_generators()) == held_out
    assert 0.08 < len(held_out_generators()) / len(names) < 0.12


def test_held_out_generators_are_these() -> None:
    # A generator that is renamed or added changes what older weights were not trained on.
    assert held_out_generators() == (
        "commonest_colour",
        "crop_selected",
        "dots_join_things",
        "keep_selected",
        "mirror_over_line",
        "mirror_things",
        "random_sign_at_dots",
        "reorder_panels",
        "repeat_by_count",
        "shift_things",
        "spiral",
    )


def test_nothing_held_out_is_trained_on() -> None:
    trained = {rule.generator for rule in training_rules()}
    assert not trained & set(held_out_generators())
    assert {rule.generator for rule in held_out_rules()} == set(held_out_generators())
    assert len(training_rules()) + len(held_out_rules()) == len(all_rules())


def test_inputs_are_about_as_large_as_those_of_arc() -> None:
    tasks = [make_task(rule, 5, num_pairs=2) for rule in all_rules()[::3]]
    cells = [as_array(pair.input).size for pairs in tasks if pairs for pair in pairs]
    # ARC-AGI-1 training tasks: median 100 cells, upper quartile 194.
    assert 70 <= np.median(cells) <= 140
    assert 130 <= np.percentile(cells, 75) <= 260


def test_the_background_is_mostly_0() -> None:
    tasks = [make_task(rule, 6, num_pairs=2) for rule in all_rules()[::3]]
    inputs = [as_array(pair.input) for pairs in tasks if pairs for pair in pairs]
    zero = sum(int(np.bincount(grid.ravel()).argmax()) == 0 for grid in inputs)
    assert 0.55 <= zero / len(inputs) <= 0.9


def test_small_tasks_can_be_asked_for() -> None:
    made = [make_task(rule, 3, 3, largest=7) for rule in all_rules()[::3]]
    pairs = [pair for task in made if task for pair in task]
    assert len(pairs) > 3 * 0.95 * len(made)
    sides = [max(as_array(pair.input).shape) for pair in pairs]
    assert np.percentile(sides, 80) <= 11


def test_tasks_do_not_depend_on_the_process() -> None:
    code = (
        "from kit.pretrain.rules.catalogue import all_rules\n"
        "from kit.pretrain.rules.tasks import make_task\n"
        "print([make_task(rule, 9, 2) for rule in all_rules()[::80]])"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert "Pair" in texts.pop()
