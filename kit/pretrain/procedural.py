"""Procedural rules and random programs as sources of training sequences and of held-out views."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

import numpy as np

from kit.arc.grid import MAX_SIDE, as_array
from kit.arc.seeds import python_rng
from kit.arc.task import Pair
from kit.augment.views import View
from kit.encode.cells import pair_len
from kit.pretrain.rules.programs import random_program_task
from kit.pretrain.rules.rule import Rule
from kit.pretrain.rules.tasks import make_task

LARGEST_SLACK = 1.25
"""Side drawn at most, over the side at which all pairs would just fill the sequence: most inputs
are smaller than the largest that may be drawn, and many outputs are smaller than inputs."""
MIN_LARGEST = 5
HELD_OUT_PAIRS, HELD_OUT_TOKENS = 4, 1024


def rule_pairs(
    rules: Sequence[Rule], limit: int, wanted: int, rng: random.Random
) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Pairs of one draw of one rule, as many of those wanted as fit into `limit` tokens."""
    rule = rng.choice(rules)
    pairs = make_task(rule, rng.getrandbits(62), wanted, largest_side(limit, wanted))
    return f"rule {rule.name}", _fitting(pairs or (), limit)


def program_pairs(
    limit: int, wanted: int, rng: random.Random
) -> tuple[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Pairs of one random program, as many of those wanted as fit into `limit` tokens."""
    task = random_program_task(rng.getrandbits(62), wanted, largest_side(limit, wanted))
    return "program", _fitting(task.pairs if task else (), limit)


def largest_side(limit: int, wanted: int) -> int:
    """Side of the largest inputs to draw, so that mostly all pairs fit into `limit` tokens."""
    # Two grids a pair; a cell is a token.
    side = LARGEST_SLACK * math.sqrt(limit / wanted / 2)
    return max(MIN_LARGEST, min(MAX_SIDE, round(side)))


def _fitting(pairs: Iterable[Pair], limit: int) -> list[tuple[np.ndarray, np.ndarray]]:
    chosen, total = [], 0
    for pair in pairs:
        total += pair_len(pair)
        if total > limit:
            break
        chosen.append((as_array(pair.input), as_array(pair.output)))
    return chosen


def held_out_views(rules: Sequence[Rule], number: int, seed: int) -> list[View]:
    """Fixed questions for validation, dealt over the rules in turn.

    Args:
        rules: rules nothing is trained on (`kit.pretrain.rules.catalogue.held_out_rules`).
    """
    views: list[View] = []
    round_number = 0
    while len(views) < number:
        for rule in rules:
            rng = python_rng(seed, "held-out", rule.name, round_number)
            pairs = make_task(
                rule,
                rng.getrandbits(62),
                HELD_OUT_PAIRS,
                largest_side(HELD_OUT_TOKENS, HELD_OUT_PAIRS),
            )
            if pairs is not None and sum(map(pair_len, pairs)) <= HELD_OUT_TOKENS:
                *examples, last = pairs
                views.append(
                    View(f"rule {rule.name}", None, tuple(examples), last.input, last.output)
                )
        round_number += 1
    return views[:number]
