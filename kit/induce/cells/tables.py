"""All features of all cells of a task as compact codes, and the search for subsets that decide.

A subset of features decides the outputs when every joint value has an option - keep the cell, one
colour, a copy of one colour feature - that is right for all of its cells. Options are bits of a
mask, so that a subset is tested with one AND per cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from kit.induce.cells.catalogue import all_planes, feature_bits
from kit.induce.problem import Problem

KEEP_BIT, FIRST_COLOUR_BIT, FIRST_COPY_BIT = 0, 1, 11
MOST_COPIES = 50
MOST_VALUES = 300
"""Features with more different values in a task are left out."""
MOST_KEYS = 1 << 17
"""Joint values that a subset may have in theory."""
LEAST_COPIED = 0.05
"""Share of the changed cells that a colour feature must explain to be copied."""


@dataclass(frozen=True)
class CellTables:
    """A same-size task as one long table of cells.

    Attributes:
        names: features, one for each different way to divide the cells; cheapest names first kept.
        bits: (F,) their costs.
        values: (F, N) int32 raw values; train cells first, in shuffled order, then test cells.
        codes: (F, N) int32 the same, compact from 0.
        sizes: (F,) numbers of codes.
        copies: colour features that may be copied.
        copied: (len(copies), N) int32.
        own: (N,) int32 the cells themselves.
        mask: (T,) int64 options that are right for each train cell.
        pair: (T,) int32 demonstration of each train cell.
    """

    names: tuple[str, ...]
    bits: np.ndarray
    values: np.ndarray
    codes: np.ndarray
    sizes: np.ndarray
    copies: tuple[str, ...]
    copied: np.ndarray
    own: np.ndarray
    mask: np.ndarray
    pair: np.ndarray


def tabulate_cells(problem: Problem) -> CellTables:
    """The table of a same-size task."""
    merged = [all_planes(grid) for grid in problem.grids]
    names = [n for n in merged[0].planes if all(n in m.planes for m in merged[1:])]
    inputs = np.concatenate([grid.ravel() for grid in problem.inputs]).astype(np.int32)
    outputs = np.concatenate([grid.ravel() for grid in problem.outputs]).astype(np.int32)
    order = _mixed_order(inputs != outputs)
    tests = sum(grid.size for grid in problem.tests)
    full = np.concatenate([order, np.arange(tests) + len(order)])
    values = np.stack([np.concatenate([m.planes[n].ravel() for m in merged]) for n in names])
    values = np.ascontiguousarray(values[:, full])
    chosen, codes, sizes = _compact_all(names, values)
    pair = np.repeat(np.arange(len(problem.inputs)), [grid.size for grid in problem.inputs])
    own, wanted = values[names.index("own.colour")], outputs[order]
    copies = _copy_rows(names, merged[0].copyable, values, own, wanted)
    return CellTables(
        names=tuple(names[i] for i in chosen),
        bits=np.array([feature_bits(names[i]) for i in chosen]),
        values=values[chosen],
        codes=codes,
        sizes=sizes,
        copies=tuple(names[i] for i in copies),
        copied=values[copies],
        own=own,
        mask=_option_masks(own, wanted, values[copies]),
        pair=pair[order].astype(np.int32),
    )


def _mixed_order(changed: np.ndarray) -> np.ndarray:
    """Cells in an order in which wrong rules are soon found out: scattered, changed ones early."""
    scattered = np.argsort((np.arange(changed.size) * 2654435761) % (1 << 32), kind="stable")
    some, others = scattered[changed[scattered]], scattered[~changed[scattered]]
    both = min(len(some), len(others))
    mixed = np.stack([some[:both], others[:both]], 1).ravel()
    return np.concatenate([mixed, some[both:], others[both:]])


@numba.njit(cache=True)
def _compact(values, span, out):  # type: ignore[no-untyped-def]
    """Codes of values 0..span-1 in the order in which they first occur; returns how many."""
    seen = np.full(span, -1, np.int32)
    count = 0
    for i in range(values.size):
        if seen[values[i]] < 0:
            seen[values[i]] = count
            count += 1
        out[i] = seen[values[i]]
    return count


def _compact_all(names: list[str], values: np.ndarray) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Codes of the features that differ in how they divide the cells, cheapest kept."""
    kept: dict[bytes, tuple[int, np.ndarray, int]] = {}
    for i in sorted(range(len(names)), key=lambda i: (feature_bits(names[i]), i)):
        row, low = values[i], int(values[i].min())
        span = int(row.max()) - low + 1
        if span > 4096:
            _, row = np.unique(row, return_inverse=True)
            low, span = 0, int(row.max()) + 1
        codes = np.empty(row.size, np.int32)
        count = _compact((row - low).astype(np.int32), span, codes)
        if 1 < count <= MOST_VALUES:
            kept.setdefault(codes.tobytes(), (i, codes, count))
    found = list(kept.values())
    if not found:
        return [], np.zeros((0, values.shape[1]), np.int32), np.zeros(0, np.int32)
    codes = np.ascontiguousarray(np.stack([c for _, c, _ in found]))
    return [i for i, _, _ in found], codes, np.array([n for _, _, n in found], np.int32)


def _copy_rows(
    names: list[str], copyable: list[str], values: np.ndarray, own: np.ndarray, wanted: np.ndarray
) -> list[int]:
    """Rows of the colour features that explain some of the changed cells, cheapest first."""
    changed = np.flatnonzero(own[: wanted.size] != wanted)
    rows: dict[bytes, int] = {}
    for name in sorted(set(copyable) & set(names), key=lambda n: (feature_bits(n), names.index(n))):
        row = names.index(name)
        hits = values[row, changed] == wanted[changed]
        if name != "own.colour" and hits.mean() >= LEAST_COPIED if changed.size else False:
            rows.setdefault(values[row].tobytes(), row)
    return list(rows.values())[:MOST_COPIES]


def _option_masks(own: np.ndarray, wanted: np.ndarray, copied: np.ndarray) -> np.ndarray:
    """(T,) int64: bit 0 keep, bits 1 to 10 one colour, the rest copies."""
    mask = np.left_shift(np.int64(1), (wanted + FIRST_COLOUR_BIT).astype(np.int64))
    mask |= (own[: wanted.size] == wanted).astype(np.int64)
    for j, row in enumerate(copied):
        hit = (row[: wanted.size] == wanted).astype(np.int64)
        mask |= hit << np.int64(FIRST_COPY_BIT + j)
    return mask


@numba.njit(cache=True)
def _deciding(codes, sizes, subsets, mask):  # type: ignore[no-untyped-def]
    """For each subset (C, W; -1 for nothing) the number of joint values; 0 if it is no rule."""
    out = np.zeros(len(subsets), np.int32)
    left = np.zeros(MOST_KEYS, np.int64)
    stamp = np.full(MOST_KEYS, -1, np.int32)
    width = subsets.shape[1]
    for c in range(len(subsets)):
        space = 1
        for w in range(width):
            if subsets[c, w] >= 0:
                space *= sizes[subsets[c, w]]
        if space > MOST_KEYS:
            continue
        keys = 0
        for i in range(mask.size):
            key = 0
            for w in range(width):
                f = subsets[c, w]
                if f >= 0:
                    key = key * sizes[f] + codes[f, i]
            if stamp[key] != c:
                stamp[key] = c
                left[key] = mask[i]
                keys += 1
            else:
                left[key] &= mask[i]
                if left[key] == 0:
                    keys = 0
                    break
        out[c] = keys
    return out


def deciding_subsets(tables: CellTables, subsets: np.ndarray) -> np.ndarray:
    """Those rows of (C, W) int32 `subsets` that decide all train cells."""
    keys = _deciding(tables.codes, tables.sizes, np.ascontiguousarray(subsets), tables.mask)
    return subsets[keys > 0]
