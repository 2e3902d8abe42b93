"""Choosing among candidates by one or two features, the same way in every pair.

Given are the candidates of every grid as tables of feature values and, for the demonstrations,
which of them are right. Looked for are short chains of steps ("keep those with the most holes",
"of these keep the rarest colour") that leave right candidates only. A later step ranks among what
the earlier one left. What it does not do: look at grids.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kit.induce.meter import Meter

MODE_BITS = {"most": 1.0, "least": 1.5, "rare": 1.0, "common": 2.5, "equal": 2.0, "place": 4.0}
"""What a way of keeping costs: extremes and odd ones out are what ARC asks for most."""

PLACES = (1, -2)
"""Places in the order of distinct values that `place` may name, besides the ends."""


@dataclass(frozen=True)
class Features:
    """Feature values of all candidates of all grids.

    Attributes:
        names: of the f features.
        bits: (f,) cost of naming each.
        ordered: (f,) bool, which may be compared.
        codes: per grid (n, f); equal values of one feature have equal codes, and no code belongs
            to two features.
        numbers: per grid (n, f); the values of ordered features, 0 for the others.
        values: by code.
        owners: by code, the feature.
    """

    names: tuple[str, ...]
    bits: np.ndarray
    ordered: np.ndarray
    codes: tuple[np.ndarray, ...]
    numbers: tuple[np.ndarray, ...]
    values: tuple[Hashable, ...]
    owners: np.ndarray


@dataclass(frozen=True, slots=True)
class Step:
    """Keep candidates: mode is a key of MODE_BITS; value is for `equal` and `place`."""

    mode: str
    feature: str
    value: Hashable = None


State = tuple[np.ndarray, ...]
"""Per grid (n,) bool: the candidates that are still kept."""


@dataclass(frozen=True)
class Choice:
    """A chain of steps, its cost and what it leaves in every grid."""

    steps: tuple[Step, ...]
    bits: float
    kept: State


@dataclass(frozen=True)
class Goal:
    """What a choice must leave.

    Attributes:
        right: per demonstration (n,) bool; nothing else may be left.
        must: per demonstration (n,) bool, what has to be left of it (nothing at all will do where
            that is empty, and in a test); None when any one of the right ones is enough.
    """

    right: tuple[np.ndarray, ...]
    must: tuple[np.ndarray, ...] | None = None

    def reached(self, kept: State) -> bool:
        """Whether enough of what is right, and nothing else, is left in all demonstrations."""
        if any((k & ~r).any() for k, r in zip(kept, self.right, strict=False)):
            return False
        if self.must is None:
            return all(k.any() for k in kept)
        return not any((m & ~k).any() for k, m in zip(kept, self.must, strict=False))


def tabulate(
    columns: Sequence[tuple[str, bool, float, Sequence[Sequence[Hashable]]]],
) -> Features | None:
    """Features from columns of (name, ordered, bits, values per grid).

    Features that have one value everywhere, and repetitions of an earlier one, are left out; None
    when nothing is left.
    """
    kept, codes, numbers, values, owners = [], [], [], [], []
    seen: set[bytes] = set()
    for name, ordered, bits, grids in columns:
        table: dict[Hashable, int] = {}
        code = [np.array([table.setdefault(v, len(table)) for v in grid], int) for grid in grids]
        if len(table) < 2:
            continue
        number = [np.array(grid if ordered else [0] * len(grid), float) for grid in grids]
        key = np.concatenate(code).tobytes() + np.concatenate(number).tobytes()
        if key in seen:
            continue
        seen.add(key)
        codes.append([c + len(values) for c in code])
        numbers.append(number)
        values.extend(table)
        owners.extend([len(kept)] * len(table))
        kept.append((name, ordered, bits))
    if not kept:
        return None
    count = len(columns[0][3])
    return Features(
        tuple(k[0] for k in kept),
        np.array([k[2] for k in kept]),
        np.array([k[1] for k in kept]),
        tuple(np.stack([c[g] for c in codes], axis=1) for g in range(count)),
        tuple(np.stack([n[g] for n in numbers], axis=1) for g in range(count)),
        tuple(values),
        np.array(owners),
    )


def choices(features: Features, goal: Goal, meter: Meter, expand: int) -> Iterator[Choice]:
    """Chains of at most two steps that reach a goal; those of one step first.

    Args:
        expand: first steps that are tried with a second one; 0 for chains of one step.
    """
    start = tuple(np.ones(len(codes), bool) for codes in features.codes)
    everything = Choice((), 0.0, start)
    if goal.reached(start):
        yield everything
        return
    front: dict[bytes, Choice] = {}
    for choice in narrowed(features, everything, goal):
        if goal.reached(choice.kept):
            yield choice
            continue
        key = np.concatenate(choice.kept).tobytes()
        if key not in front or choice.bits < front[key].bits:
            front[key] = choice
    for first in sorted(front.values(), key=lambda c: c.bits)[:expand]:
        if not meter.spend(20 + sum(int(k.sum()) for k in first.kept) / 4):
            return
        for choice in narrowed(features, first, goal):
            if goal.reached(choice.kept):
                yield choice


def narrowed(features: Features, choice: Choice, goal: Goal) -> Iterator[Choice]:
    """What one more step leaves, where it leaves something right in all demonstrations."""
    rows = [np.flatnonzero(k) for k in choice.kept]
    exact = goal.must is not None
    right = [r[at] for r, at in zip(goal.must or goal.right, rows, strict=False)]
    codes = [c[at] for c, at in zip(features.codes, rows, strict=True)]
    numbers = [x[at] for x, at in zip(features.numbers, rows, strict=True)]
    for mode, places in (("most", None), ("least", None), ("rare", None), ("common", None),
                         *(("place", p) for p in PLACES)):  # fmt: skip
        masks = _masks(mode, places, features, codes, numbers)
        if masks is None:
            continue
        useful = _useful(masks, right, exact)
        if mode not in ("rare", "common"):
            useful &= features.ordered
        for f in np.flatnonzero(useful):
            step = Step(mode, features.names[f], places)
            yield _taken(choice, step, features.bits[f], rows, [m[:, f] for m in masks])
    for code in np.flatnonzero(_shared(features, codes, right, exact)):
        f = features.owners[code]
        step = Step("equal", features.names[f], features.values[code])
        masks = [c[:, f] == code for c in codes]
        if not all(m.all() for m in masks):
            yield _taken(choice, step, features.bits[f] + _value_bits(step.value), rows, masks)


def _value_bits(value: Hashable) -> float:
    """What it costs to name a value."""
    if isinstance(value, bool | np.bool_):
        return 0.0
    if isinstance(value, int | float | np.number):
        return 1.0 + np.log2(1.0 + abs(float(value)))
    return 8.0


def _masks(
    mode: str,
    place: int | None,
    features: Features,
    codes: list[np.ndarray],
    numbers: list[np.ndarray],
) -> list[np.ndarray] | None:
    """Per grid (kept rows, f) bool: what a mode would leave; None where it makes no sense."""
    if any(len(c) == 0 for c in codes):
        return None
    if mode in ("rare", "common"):
        masks = []
        for c in codes:
            counts = np.bincount(c.ravel(), minlength=len(features.values))[c]
            masks.append(counts == (1 if mode == "rare" else counts.max(axis=0)))
        return masks
    if mode == "most":
        return [x == x.max(axis=0) for x in numbers]
    if mode == "least":
        return [x == x.min(axis=0) for x in numbers]
    if max(len(x) for x in numbers) < 3:
        return None
    return [_at_place(x, place) for x in numbers]


def _at_place(numbers: np.ndarray, place: int | None) -> np.ndarray:
    """Which entries hold their column's second distinct value from below (1) or above (-2)."""
    if place == -2:
        numbers = -numbers
    over = np.where(numbers > numbers.min(axis=0), numbers, np.inf)
    second = over.min(axis=0)
    return (over == second) & np.isfinite(second)


def _useful(masks: list[np.ndarray], right: list[np.ndarray], exact: bool) -> np.ndarray:
    """(f,) bool: keeps enough of what is right, something everywhere, and not all."""
    good = ~np.all([m.all(axis=0) for m in masks], axis=0)
    for m, r in zip(masks, right, strict=False):
        good &= (m | ~r[:, None]).all(axis=0) if exact else (m & r[:, None]).any(axis=0)
    if not exact:
        for m in masks[len(right) :]:
            good &= m.any(axis=0)
    return good


def _shared(
    features: Features, codes: list[np.ndarray], right: list[np.ndarray], exact: bool
) -> np.ndarray:
    """(codes,) bool: values that the right candidates of all demonstrations have in common."""
    total = len(features.values)
    good = np.ones(total, bool)
    for c, r in zip(codes, right, strict=False):
        counts = np.bincount(c[r].ravel(), minlength=total)
        good &= counts == int(r.sum()) if exact else counts > 0
    if not exact:
        for c in codes[len(right) :]:
            good &= np.bincount(c.ravel(), minlength=total) > 0
    return good


def _taken(
    choice: Choice, step: Step, bits: float, rows: list[np.ndarray], masks: list[np.ndarray]
) -> Choice:
    """The choice with one more step."""
    kept = []
    for old, at, mask in zip(choice.kept, rows, masks, strict=True):
        new = np.zeros_like(old)
        new[at[mask]] = True
        kept.append(new)
    cost = choice.bits + float(bits) + MODE_BITS[step.mode] + (1.0 if choice.steps else 0.0)
    return Choice((*choice.steps, step), cost, tuple(kept))
