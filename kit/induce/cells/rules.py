"""Deciding subsets of features read as rules: options, answers, what left-out pairs say."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from kit.induce.cells.scene import NO_COLOUR
from kit.induce.cells.tables import (
    FIRST_COLOUR_BIT,
    FIRST_COPY_BIT,
    KEEP_BIT,
    CellTables,
)


@dataclass(frozen=True, slots=True)
class CellRule:
    """What a deciding subset amounts to.

    Attributes:
        features: row numbers of the tables.
        key: (N,) joint value of every cell, -1 where a test cell has an unseen one.
        first: for each joint value one of its train cells.
        option: for each joint value the chosen option bit.
        missed: share of demonstrations that the rule, learned from the others, gets wrong.
        missed_cells: share of the train cells on which it does.
    """

    features: tuple[int, ...]
    key: np.ndarray
    first: np.ndarray
    option: np.ndarray
    missed: float
    missed_cells: float


def joint_keys(tables: CellTables, features: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Joint values of every cell numbered from the train cells (-1: unseen), and first cells."""
    joint = np.zeros(tables.codes.shape[1], np.int64)
    for f in features:
        joint = joint * int(tables.sizes[f]) + tables.codes[f]
    known = tables.mask.size
    values, first, inverse = np.unique(joint[:known], return_index=True, return_inverse=True)
    place = np.minimum(np.searchsorted(values, joint[known:]), len(values) - 1)
    tests = np.where(values[place] == joint[known:], place, -1)
    return np.concatenate([inverse, tests]).astype(np.int32), first


def masks_by_pair(tables: CellTables, key: np.ndarray, keys: int) -> np.ndarray:
    """(keys, pairs) int64: options right for all cells of that value in that demonstration."""
    pairs = int(tables.pair.max()) + 1
    return _pair_masks(key[: tables.mask.size], tables.pair, tables.mask, keys, pairs)


@numba.njit(cache=True)
def _pair_masks(key, pair, mask, keys, pairs):  # type: ignore[no-untyped-def]
    """AND of the masks of each (key, pair); all ones where it has no cell."""
    out = np.full((keys, pairs), -1, np.int64)
    for i in range(mask.size):
        out[key[i], pair[i]] &= mask[i]
    return out


def choose_options(masks: np.ndarray, preferred: np.ndarray) -> np.ndarray:
    """The option of each (K,) mask: keep, else the preferred bit, else the lowest set bit."""
    # frexp of the lowest set bit alone, 2 ** k, gives k + 1; no bit set gives 0.
    lowest = np.frexp((masks & -masks).astype(np.float64))[1] - 1
    liked = (preferred >= 0) & ((masks >> np.maximum(preferred, 0)) & 1 == 1)
    return np.where(lowest == KEEP_BIT, KEEP_BIT, np.where(liked, preferred, lowest))


def read_rule(tables: CellTables, features: tuple[int, ...], preferred: int = -1) -> CellRule:
    """The rule that a deciding subset gives, with leave-one-demonstration-out counts.

    Args:
        preferred: option bit taken wherever it is right and keeping is not; -1 for none.
    """
    key, first = joint_keys(tables, features)
    by_pair = masks_by_pair(tables, key, len(first))
    liked = np.int64(preferred)
    option = choose_options(np.bitwise_and.reduce(by_pair, 1), liked)
    pairs = by_pair.shape[1]
    cells = np.zeros(by_pair.shape, np.int64)
    np.add.at(cells, (key[: tables.mask.size], tables.pair), 1)
    missed = 0
    wrong_cells = 0
    for p in range(pairs):
        guess = choose_options(np.bitwise_and.reduce(np.delete(by_pair, p, 1), 1), liked)
        known = (cells.sum(1) - cells[:, p]) > 0
        right = known & ((by_pair[:, p] >> guess) & 1 == 1)
        bad = int(cells[~right, p].sum())
        missed += bad > 0
        wrong_cells += bad
    return CellRule(features, key, first, option, missed / pairs, wrong_cells / tables.mask.size)


def shared_copies(tables: CellTables, features: tuple[int, ...]) -> list[int]:
    """Copy bits that are right for every joint value that cannot be kept; cheapest first."""
    key, first = joint_keys(tables, features)
    masks = np.bitwise_and.reduce(masks_by_pair(tables, key, len(first)), 1)
    written = masks[masks & 1 == 0]
    if not written.size:
        return []
    common = int(np.bitwise_and.reduce(written))
    return [
        b for b in range(FIRST_COPY_BIT, FIRST_COPY_BIT + len(tables.copies)) if common >> b & 1
    ]


def option_value(tables: CellTables, option: int) -> int | str:
    """An option as tables of programs spell it: a colour, or the feature that is copied."""
    if option == KEEP_BIT:
        return "own.colour"
    if option < FIRST_COPY_BIT:
        return option - FIRST_COLOUR_BIT
    return tables.copies[option - FIRST_COPY_BIT]


def rule_answer(tables: CellTables, rule: CellRule) -> np.ndarray:
    """Colours of all test cells; unseen values are kept, NO_COLOUR where nothing can be copied."""
    known = tables.mask.size
    key = rule.key[known:]
    option = np.where(key < 0, KEEP_BIT, rule.option[key])
    out = np.where(option == KEEP_BIT, tables.own[known:], option - FIRST_COLOUR_BIT)
    for bit in np.unique(option[option >= FIRST_COPY_BIT]).tolist():
        out = np.where(option == bit, tables.copied[bit - FIRST_COPY_BIT][known:], out)
    return np.minimum(out, NO_COLOUR)
