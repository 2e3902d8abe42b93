"""Learning what to do with each object: the smallest table from its properties to an action.

Actions are numbers 0.. in the order of the caller's preference; each demonstration object comes
with the set of actions that would be right for it. A table over no, one or two properties is
accepted when every entry has an action that is right for all objects of that entry.
What it does: find such tables, cheapest first, and look actions up. What it does not: know what
an action means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from kit.induce.meter import Meter
from kit.induce.things.properties import Scene, property_bits, property_names, scene

MAX_ACTIONS = 62
"""Actions that fit into one mask."""
MAX_THINGS, MAX_PAIRED = 150, 32
"""Objects in one grid; distinct properties that are tried in pairs."""
ENTRY_BITS, LONELY_BITS, GUESS_BITS, PAIR_BITS = 1.5, 1.5, 4.0, 2.0
"""Cost of an entry; of one that a single demonstration supports; of falling back for keys that
were never seen; of a second property."""


class Table(NamedTuple):
    """Actions by properties.

    Attributes:
        names: of properties, or `name>=number` for a test.
        entries: value (or tuple of two values, or () without names) -> action.
        otherwise: action for other values; None where there is none.
        bits: what the table costs, without the actions.
    """

    names: tuple[str, ...]
    entries: dict[Any, int]
    otherwise: int | None
    bits: float


def trait(here: Scene, name: str, index: int) -> Hashable:
    """A property of an object, or whether it reaches a bound: `size>=3`."""
    name, test, bound = name.partition(">=")
    value = here.value(name, index)
    return int(value) >= int(bound) if test else value  # type: ignore[call-overload,no-any-return]


def decide(
    here: Scene, names: Sequence[str], entries: Mapping[Any, Any], otherwise: Any
) -> list[Any] | None:
    """The action of each object; None where one has no entry and there is no fallback."""
    chosen = []
    for index in range(len(here.things)):
        key: Any = tuple(trait(here, name, index) for name in names)
        action = entries.get(key[0] if len(names) == 1 else key, otherwise)
        if action is None:
            return None
        chosen.append(action)
    return chosen


def colour_for(here: Scene, index: int, source: int | str) -> int | None:
    """A colour itself, `background`, or what a property of the object says; None for no colour."""
    if isinstance(source, int):
        return source
    if source == "background":
        return here.background
    colour = here.value(source, index)
    return int(colour) if isinstance(colour, int) and colour >= 0 else None


class _Feature(NamedTuple):
    """One distinct way to tell objects apart.

    Attributes:
        codes: (objects,) int, equal for equal values; demonstrations first, then tests.
        values: of each code.
    """

    name: str
    bits: float
    codes: np.ndarray
    values: tuple[Hashable, ...]


@dataclass(frozen=True)
class Lesson:
    """What tables are learned from.

    Attributes:
        scenes: of the demonstrations.
        tests: scenes of the test inputs.
    """

    scenes: Sequence[Scene]
    tests: Sequence[Scene]

    @cached_property
    def owner(self) -> np.ndarray:
        """(objects of all demonstrations,) number of the demonstration."""
        return np.repeat(np.arange(len(self.scenes)), [len(s.things) for s in self.scenes])

    @cached_property
    def features(self) -> list[_Feature]:
        """Properties that vary among the demonstrations' objects, each partition once."""
        return list(_features((*self.scenes, *self.tests), len(self.owner)))


def lesson_of(
    inputs: Sequence[np.ndarray], tests: Sequence[np.ndarray], segmentation: str
) -> Lesson | None:
    """What tables can be learned from; None where some grid has no object, or too many."""
    lesson = Lesson(*([scene(cells, segmentation) for cells in many] for many in (inputs, tests)))
    fits = all(0 < len(here.things) <= MAX_THINGS for here in (*lesson.scenes, *lesson.tests))
    return lesson if fits else None


def learn_tables(
    lesson: Lesson, allowed: np.ndarray, meter: Meter, most: int = 8, paired: int = MAX_PAIRED
) -> Iterator[Table]:
    """Tables that are right for all objects, cheapest first within 0, 1 and 2 properties.

    Args:
        allowed: (objects of all demonstrations,) int64, bit a set where action a is right.
        most: tables wanted.
        paired: distinct properties, cheapest first, that are tried in pairs.
    """
    if not allowed.all():
        return
    common = np.bitwise_and.reduce(allowed)
    if common:
        yield Table((), {(): _lowest(int(common))}, None, 0.0)
        return
    if not meter.spend(10 * (len(lesson.scenes) + len(lesson.tests))):
        return
    owner, features = lesson.owner, lesson.features
    tables = [t for f in features if (t := _table((f,), allowed, owner)) is not None]
    yield from sorted(tables, key=lambda t: t.bits)[:most]
    left = most - len(tables)
    pairs: list[Table] = []
    for one, other in combinations([f for f in features if ">" not in f.name][:paired], 2):
        if left <= 0 or not meter.spend():
            break
        table = _table((one, other), allowed, owner)
        if table is not None:
            pairs.append(table)
    yield from sorted(pairs, key=lambda t: t.bits)[: max(left, 0)]


def _lowest(mask: int) -> int:
    """Number of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1


def _features(scenes: Sequence[Scene], count: int) -> Iterator[_Feature]:
    """Distinct properties and tests; the first `count` objects are the demonstrations'."""
    known: set[bytes] = set()
    for name in property_names():
        column = [v for s in scenes for v in s.column(name)]
        found = [_feature(name, property_bits(name), column)]
        if type(column[0]) is int and len(found[0].values) > 3:
            bounds = sorted({v for v in column[:count] if isinstance(v, int)})[1:9]
            for bound in bounds:
                test = [isinstance(v, int) and v >= bound for v in column]
                cost = property_bits(name) + 2.0
                found.append(_feature(f"{name}>={bound}", cost, test))
        for feature in found:
            key = feature.codes.tobytes()
            if key not in known and feature.codes[:count].any():
                known.add(key)
                yield feature


def _feature(name: str, bits: float, column: Sequence[Hashable]) -> _Feature:
    """Values as numbers in the order of their first appearance."""
    order: dict[Hashable, int] = {}
    codes = [order.setdefault(value, len(order)) for value in column]
    return _Feature(name, bits, np.array(codes, dtype=np.int64), tuple(order))


def _table(features: tuple[_Feature, ...], allowed: np.ndarray, owner: np.ndarray) -> Table | None:
    """The table over some features, where it is right and answers the tests."""
    joint = features[0].codes
    for feature in features[1:]:
        joint = joint * len(feature.values) + feature.codes
    own = joint[: len(allowed)]
    order = np.argsort(own, kind="stable")
    keys, starts = np.unique(own[order], return_index=True)
    masks = np.bitwise_and.reduceat(allowed[order], starts)
    if not masks.all() or 2 * len(keys) > len(allowed) + 2:
        return None
    actions = _choose(masks)
    bits = sum(f.bits for f in features) + PAIR_BITS * (len(features) - 1)
    bits += ENTRY_BITS * len(keys) ** 0.8 + LONELY_BITS * _lonely(owner[order], starts)
    otherwise = None
    if not np.isin(joint[len(allowed) :], keys).all():
        counts = Counter(actions).most_common(2)
        if counts[0][1] < 2:
            return None
        otherwise = counts[0][0]
        bits += 1.0 if counts[-1][1] == 1 and len(counts) == len(set(actions)) else GUESS_BITS
    entries = {}
    for key, action in zip(keys.tolist(), actions, strict=True):
        if action != otherwise:
            entries[_values(features, key)] = action
    return Table(tuple(f.name for f in features), entries, otherwise, bits)


def _values(features: tuple[_Feature, ...], key: int) -> Hashable:
    """The values that a joint code stands for."""
    values: list[Hashable] = []
    for feature in reversed(features):
        key, code = divmod(key, len(feature.values))
        values.insert(0, feature.values[code])
    return values[0] if len(values) == 1 else tuple(values)


def _lonely(owner: np.ndarray, starts: np.ndarray) -> int:
    """Entries that objects of only one demonstration support."""
    low = np.minimum.reduceat(owner, starts)
    return int((low == np.maximum.reduceat(owner, starts)).sum()) if owner.max() > 0 else 0


def _choose(masks: np.ndarray) -> list[int]:
    """For each entry one of its actions, with as few different actions as a greedy choice finds."""
    chosen = [-1] * len(masks)
    while -1 in chosen:
        counts = Counter(
            action
            for mask, done in zip(masks.tolist(), chosen, strict=True)
            if done < 0
            for action in range(int(mask).bit_length())
            if mask >> action & 1
        )
        best = min(counts, key=lambda a: (-counts[a], a))
        chosen = [
            best if done < 0 and mask >> best & 1 else done
            for mask, done in zip(masks.tolist(), chosen, strict=True)
        ]
    return chosen
