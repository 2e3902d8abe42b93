"""Local rules that are applied until nothing changes: floods, growing lines, propagation.

Learned from wanted outputs only: a joint value of the features may write a colour if that colour is
the final one wherever the value occurs, in the input and in every later state. What it does not:
rules that write a cell twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from kit.induce.cells.catalogue import feature_bits, feature_plane
from kit.induce.meter import Meter
from kit.induce.problem import Problem
from kit.induce.program import single
from kit.induce.proposal import Proposal
from kit.induce.sift import best_first, sift

LOCAL = (
    *(f"near.{side}" for side in ("up", "down", "left", "right")),
    *(f"near.{side}" for side in ("up_left", "up_right", "down_left", "down_right")),
    "near.filled4", "near.filled8", "near.filled_corners", "near.filled_mask4", "near.colour4",
    "near.colour8", "near.colour_corners", "near.same4",
    *(f"ray.{side}" for side in ("up", "down", "left", "right")),
    *(f"ray.{side}" for side in ("up_left", "up_right", "down_left", "down_right")),
    "ray.seen4", "ray.seen8", "inside.enclosed4", "place.on_edge", "row.filled", "column.filled",
    "place.row_mod_2", "place.column_mod_2", "place.sum_mod_2",
)  # fmt: skip
"""Features that local rules are made of, besides the own colour."""

CORNERS = tuple(
    (f"near.{a}_{b}", f"near.{a}", f"near.{b}") for a in ("up", "down") for b in ("left", "right")
)
"""Threes that are tried as well: a diagonal step and the cells beside it."""

COPIES = ("near.colour4", "near.colour8", *LOCAL[:8])
BASE = 700
"""More than any value of these features."""
MOST_STEPS = 60
MOST_RESTARTS = 5
MOST_LEARNED = 36
RULE_BITS, ENTRY_BITS = 5.0, 1.2
MOST_BITS = 20.0
"""Longer rules were all wrong on training tasks."""

Table = dict[tuple[int, ...], int | str]


class _Contradiction(Exception):
    """A rule learned from earlier states is wrong in a later one."""


def propose_iterated_rules(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Rules of one to three local features and the own colour, run to a fixpoint."""
    if not problem.same_size or not _only_grows(problem):
        return
    yield from sift(best_first(_candidates(problem, meter)), problem, meter, 4, 20.0)


def _only_grows(problem: Problem) -> bool:
    """Whether outputs differ from their inputs, and where that is of one or two colours."""
    sources: set[int] = set()
    for given, wanted in zip(problem.inputs, problem.outputs, strict=True):
        sources |= set(given[given != wanted].tolist())
    return 0 < len(sources) <= 2


def _candidates(problem: Problem, meter: Meter) -> Iterator[Proposal]:
    """Rules that reproduce all outputs."""
    subsets = [(f,) for f in LOCAL] + list(combinations(LOCAL, 2)) + list(CORNERS)
    hopeful = []
    if not meter.spend(60.0 * len(problem.inputs)):
        return
    planes = [_planes(grid, ("own.colour", *LOCAL)) for grid in problem.inputs]
    masks = [_masks(g, o) for g, o in zip(problem.inputs, problem.outputs, strict=True)]
    place = {name: i + 1 for i, name in enumerate(LOCAL)}
    for subset in subsets:
        if not meter.spend(0.6 * len(problem.inputs)):
            return
        rows = [0, *(place[name] for name in subset)]
        written = _first_step([_keys(p[rows]) for p in planes], masks)
        if 0 < written < 1:
            cost = sum(feature_bits(name) for name in subset)
            hopeful.append((cost - 2.0 * written, len(hopeful), subset))
    for cost, _, subset in sorted(hopeful)[:MOST_LEARNED]:
        features = ("own.colour", *subset)
        table = _learn(problem, features, meter)
        if table:
            bits = RULE_BITS + max(0.0, cost + 2) + ENTRY_BITS * len(table)
            if bits <= MOST_BITS:
                yield Proposal(single("repeat_cell_rule", features, table), bits)


def _planes(grid: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(F, N) values of features."""
    return np.stack([feature_plane(grid, name).ravel() for name in names])


def _keys(planes: np.ndarray) -> np.ndarray:
    """Joint values as numbers."""
    key = np.zeros(planes.shape[1], np.int64)
    for row in planes:
        key = key * BASE + row + 1
    return key


def _masks(state: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(N,) options right for each cell: bit 0 keep, 1 to 10 a colour, then COPIES."""
    want = wanted.ravel().astype(np.int64)
    mask = np.int64(1) << (want + 1) | (state.ravel() == want).astype(np.int64)
    for j, name in enumerate(COPIES):
        mask |= (feature_plane(state, name).ravel() == want).astype(np.int64) << np.int64(11 + j)
    return mask


def _common(keys: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different keys, for each cell the place of its key, and the AND of each key's masks."""
    values, inverse = np.unique(keys, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(values)))
    return values, inverse, np.bitwise_and.reduceat(masks[order], starts)


def _first_step(keys: list[np.ndarray], masks: list[np.ndarray]) -> float:
    """Least share, over pairs, of wrong cells that may be written at once; 0 where none may."""
    _, inverse, common = _common(np.concatenate(keys), np.concatenate(masks))
    writes = (common[inverse] & 1 == 0) & (common[inverse] > 0)
    shares, start = [], 0
    for mask in masks:
        wrong = mask & 1 == 0
        if wrong.any():
            shares.append(float(writes[start : start + mask.size][wrong].mean()))
        start += mask.size
    return min(shares)


def _learn(problem: Problem, features: tuple[str, ...], meter: Meter) -> Table | None:
    """The table that leads every input to its output, or None."""
    known: dict[int, int] = {}
    for _ in range(MOST_RESTARTS):
        try:
            return _follow(problem, features, known, meter)
        except _Contradiction:
            continue
    return None


def _follow(
    problem: Problem, features: tuple[str, ...], known: dict[int, int], meter: Meter
) -> Table | None:
    """Run a rule that is learned on the way; `known` gathers what is right for each value.

    Rules that are done after one step are left to the cell rules.

    Raises:
        _Contradiction: a value that has written must not.
    """
    states = list(problem.inputs)
    changes = 0
    used: dict[int, int] = {}
    for _ in range(MOST_STEPS):
        if not meter.spend(20.0 * len(states)):
            return None
        keys = [_keys(_planes(state, features)) for state in states]
        masks = [_masks(s, o) for s, o in zip(states, problem.outputs, strict=True)]
        values, inverse, common = _common(np.concatenate(keys), np.concatenate(masks))
        options = _decide(values, common, known, used)[inverse]
        after, start = [], 0
        for state in states:
            after.append(_write(state, options[start : start + state.size]))
            start += state.size
        if all(np.array_equal(a, b) for a, b in zip(after, states, strict=True)):
            break
        states = after
        changes += 1
    if changes < 2:
        return None
    if not all(np.array_equal(s, o) for s, o in zip(states, problem.outputs, strict=True)):
        return None
    return {_unkey(k, len(features)): _value(b) for k, b in sorted(used.items())}


def _decide(
    values: np.ndarray, common: np.ndarray, known: dict[int, int], used: dict[int, int]
) -> np.ndarray:
    """The option bit of every value; 0 keeps."""
    out = np.zeros(len(values), np.int64)
    for place, (value, mask) in enumerate(zip(values.tolist(), common.tolist(), strict=True)):
        known[value] = known.get(value, -1) & mask
        left = known[value]
        if value in used:
            if not left >> used[value] & 1:
                raise _Contradiction
            out[place] = used[value]
        elif left and not left & 1:
            out[place] = used[value] = (left & -left).bit_length() - 1
    return out


def _write(state: np.ndarray, options: np.ndarray) -> np.ndarray:
    """The next state."""
    option = options.reshape(state.shape)
    after = np.where(option == 0, state, option - 1)
    for bit in np.unique(option[option >= 11]).tolist():
        after = np.where(option == bit, feature_plane(state, COPIES[bit - 11]), after)
    return np.ascontiguousarray(after.astype(np.uint8))


def _unkey(key: int, count: int) -> tuple[int, ...]:
    """The values behind a number made by `_keys`."""
    values = []
    for _ in range(count):
        key, value = divmod(key, BASE)
        values.append(value - 1)
    return tuple(reversed(values))


def _value(bit: int) -> int | str:
    """An option as it stands in the table."""
    return bit - 1 if bit < 11 else COPIES[bit - 11]
