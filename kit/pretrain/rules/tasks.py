"""Tasks of procedural rules: pairs drawn from a seed, and what makes a task worth learning from.

A task's grids are legal, its inputs differ, its outputs are neither the inputs nor always the
same, and no trivial guess (a turned or a recoloured input) explains it, unless that is what the
rule is about. Idea of such filters: W.-D. Li et al. 2024 (BARC), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kit.arc.grid import MAX_SIDE, from_array
from kit.arc.seeds import numpy_rng
from kit.arc.task import Pair
from kit.augment.transform import Transform
from kit.pretrain.rules.cells import Array, turn
from kit.pretrain.rules.rule import Maker, Rng, Rule, chance, draw_room

DEFAULT_PAIRS = 4
MAX_TRIES = 12
"""Draws of hidden parameters before a rule counts as not drawable at this size."""
DRAWS_PER_PAIR = 8
MOVE_ZERO_SHARE = 0.15
"""Tasks whose background is not 0 (ARC-AGI-1: about 22% of inputs, many without background)."""


def make_task(
    rule: Rule,
    seed: int,
    num_pairs: int = DEFAULT_PAIRS,
    largest: int = MAX_SIDE,
) -> tuple[Pair, ...] | None:
    """Pairs that follow one draw of a rule's parameters; equal for equal arguments.

    Args:
        largest: sides of inputs are drawn up to this; a rule that needs more takes more.
    Returns:
        None where no draw passed the filters.
    """
    for attempt in range(MAX_TRIES):
        rng = numpy_rng(seed, "rule", rule.name, attempt)
        maker = rule.draw(rng, draw_room(rng, largest))
        drawn = draw_pairs(maker, rng, num_pairs)
        if len(drawn) == num_pairs and is_worthwhile(drawn, rule.plain):
            return turned(drawn, rng)
    return None


def draw_pairs(maker: Maker, rng: Rng, num_pairs: int) -> list[tuple[Array, Array]]:
    """Up to `num_pairs` legal pairs with different inputs, none of which stays as it is."""
    drawn: list[tuple[Array, Array]] = []
    seen: set[bytes] = set()
    for _ in range(DRAWS_PER_PAIR * num_pairs):
        pair = maker(rng)
        if pair is None or not (is_legal(pair[0]) and is_legal(pair[1])):
            continue
        key = bytes(pair[0].shape) + pair[0].tobytes()
        if key in seen or np.array_equal(*pair) or not pair[1].any():
            continue
        seen.add(key)
        drawn.append(pair)
        if len(drawn) == num_pairs:
            break
    return drawn


def is_legal(grid: Array) -> bool:
    """Whether an array of colours is small enough and not empty."""
    return grid.ndim == 2 and grid.size > 0 and max(grid.shape) <= MAX_SIDE


def is_worthwhile(pairs: Sequence[tuple[Array, Array]], plain: bool = False) -> bool:
    """Whether outputs vary and no trivial guess explains all pairs.

    Args:
        plain: allow that turning or recolouring the input is all.
    """
    if all(np.array_equal(pairs[0][1], output) for _, output in pairs[1:]):
        return False
    if plain:
        return True
    return not (_only_turned(pairs) or _only_recoloured(pairs))


def _only_turned(pairs: Sequence[tuple[Array, Array]]) -> bool:
    return any(all(np.array_equal(turn(a, e), b) for a, b in pairs) for e in range(8))


def _only_recoloured(pairs: Sequence[tuple[Array, Array]]) -> bool:
    """Whether every output cell is a function of the colour of its input cell."""
    if any(a.shape != b.shape for a, b in pairs):
        return False
    joined = np.concatenate([a.ravel().astype(np.int64) * 10 + b.ravel() for a, b in pairs])
    old = np.unique(joined) // 10
    return len(np.unique(old)) == len(old)


def turned(pairs: Sequence[tuple[Array, Array]], rng: Rng) -> tuple[Pair, ...]:
    """The pairs under one random symmetry and colour permutation, mostly with 0 in place."""
    if chance(rng, MOVE_ZERO_SHARE):
        table = tuple(int(c) for c in rng.permutation(10))
    else:
        table = (0, *(int(c) for c in rng.permutation(np.arange(1, 10))))
    transform = Transform(int(rng.integers(8)), table)
    arrays = [(transform.apply_array(a), transform.apply_array(b)) for a, b in pairs]
    return tuple(Pair(from_array(a), from_array(b)) for a, b in arrays)
