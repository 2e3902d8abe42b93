"""What strokes mean in a task: the label -> paint table that explains the changed cells.

What it does: decide label by label, from how often a paint agrees with the wanted outputs, and say
what a table costs. What it does not: prove that the whole picture comes out right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kit.induce.problem import Problem
from kit.induce.readings.strokes import (
    DIRECTIONS,
    LEAVE,
    OWN,
    Strokes,
    cycle_colours,
    stroke_colours,
)
from kit.induce.things.objects import background_colour

Table = dict[tuple[Any, Any], Any]

LEAST_SHARES = (1.0, 0.75, 0.5)
"""Shares of a label's cells that must agree with its paint, tried in this order."""

MIN_CHANGED = 0.2
"""Least share of a label's cells that change, or it is taken as not painted."""

CYCLE_BELOW = 0.9
"""Sequences of colours are tried where one colour agrees with a smaller share."""

MAX_PERIOD = 4
"""Longest sequence of colours that a stroke may repeat."""

REGULAR = {
    frozenset(DIRECTIONS): 1.0,
    frozenset(("N", "E", "S", "W")): 1.0,
    frozenset(("NE", "SE", "SW", "NW")): 1.0,
    frozenset(("N", "S")): 1.5,
    frozenset(("E", "W")): 1.5,
    frozenset(("NE", "SW")): 2.0,
    frozenset(("NW", "SE")): 2.0,
}
"""Bits of the sets of directions that tasks like; any other set costs 2.5 bits a direction."""


class Learned(NamedTuple):
    """What a label means.

    Attributes:
        share: of its cells that agree with the paint.
    """

    share: float
    label: tuple[Any, Any]
    paint: Any


def covers_changes(strokes: Strokes, given: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether every cell that must change lies on a stroke."""
    reached = np.zeros(given.shape, bool)
    reached[strokes.ys, strokes.xs] = True
    return bool(reached[given != wanted].all())


def learn_paints(
    strokes: Sequence[Strokes], problem: Problem, over: bool, cycles: bool
) -> list[Learned]:
    """The paint of every label that changes anything, worst agreement first.

    Args:
        strokes: of each demonstration.
        over: whether strokes cover what is in their way; else only background cells count.
        cycles: whether colours may alternate along a stroke.
    """
    cells = _Cells(strokes, problem, over)
    learned = []
    for label in cells.labels:
        paint, share = cells.best_paint(label, cycles)
        if paint is not None:
            learned.append(Learned(share, label, paint))
    return sorted(learned, key=lambda entry: entry.share)


def tables_of(learned: Sequence[Learned]) -> Iterator[Table]:
    """Tables of those labels whose paint agrees with enough of their cells, most demanding first.

    Better ones come later in a table, so that they are painted over worse ones: where strokes
    cross, only the one below disagrees.
    """
    size = 0
    for least in LEAST_SHARES:
        table = {entry.label: entry.paint for entry in learned if entry.share >= least}
        if len(table) > size:
            yield table
        size = len(table)


class _Cells:
    """The cells of all strokes of all demonstrations, sorted by label."""

    def __init__(self, strokes: Sequence[Strokes], problem: Problem, over: bool) -> None:
        self.labels: dict[tuple[Any, Any], int] = {}
        parts = []
        for lines, given, wanted in zip(strokes, problem.inputs, problem.outputs, strict=True):
            numbers = [self.labels.setdefault(label, len(self.labels)) for label in lines.labels]
            before = given[lines.ys, lines.xs]
            free = np.full(len(before), True) if over else before == background_colour(given)
            columns = (
                np.array(numbers)[lines.of_cells(lines.codes)],
                before,
                wanted[lines.ys, lines.xs],
                stroke_colours(lines, "own"),
                stroke_colours(lines, "other"),
                stroke_colours(lines, "halves"),
                stroke_colours(lines, ("halves", LEAVE)),
                lines.step_of_cells(),
            )
            parts.append(np.stack([column.astype(np.int64) for column in columns])[:, free])
        table = np.concatenate(parts, axis=1)
        self._columns = table[:, np.argsort(table[0], kind="stable")]
        self._bounds = np.searchsorted(self._columns[0], np.arange(len(self.labels) + 1))

    def best_paint(self, label: tuple[Any, Any], cycles: bool) -> tuple[Any, float]:
        """The simplest of the paints that agree best, and the share of cells on which it does."""
        number = self.labels[label]
        columns = self._columns[:, self._bounds[number] : self._bounds[number + 1]]
        before, wanted, own, other, halves, sides, step = columns[1:]
        changed = wanted[before != wanted]
        if not len(changed) or len(changed) < MIN_CHANGED * len(wanted):
            return None, 0.0
        colour = int(np.bincount(changed).argmax())
        options: list[tuple[Any, np.ndarray]] = [
            ("own", own),
            (colour, np.full(len(wanted), colour)),
            ("other", other),
        ]
        if (other >= 0).all():
            options.append(("halves", halves))
        middles = wanted[sides == LEAVE]
        if len(middles) and (other >= 0).all():
            middle = int(np.bincount(middles).argmax())
            options.append((("halves", middle), np.where(sides == LEAVE, middle, sides)))
        shares = [(float((given == wanted).mean()), paint) for paint, given in options]
        best = max(shares, key=lambda entry: entry[0])
        for period in range(2, MAX_PERIOD + 1) if cycles else ():
            if best[0] >= CYCLE_BELOW or step.max() < period:
                break
            cycle = _cycle(before, wanted, own, step, period)
            given = cycle_colours(cycle, own, step)
            share = float((np.where(given < 0, before, given) == wanted).mean())
            if share > best[0] + 0.05:
                best = (share, tuple(cycle.tolist()))
        return best[1], best[0]


def _cycle(
    before: np.ndarray, wanted: np.ndarray, own: np.ndarray, step: np.ndarray, period: int
) -> np.ndarray:
    """The colour that agrees best at each phase; LEAVE where most cells keep theirs."""
    phase = step % period
    seen = np.maximum(np.bincount(phase, minlength=period), 1)
    changed = np.bincount(phase, weights=before != wanted, minlength=period) / seen
    right = np.bincount(phase, weights=own == wanted, minlength=period)
    colours = np.bincount(phase * 10 + wanted, minlength=10 * period).reshape(period, 10)
    best = np.where(right >= colours.max(axis=1), OWN, colours.argmax(axis=1))
    return np.where(changed > 0.5, best, LEAVE)


def table_bits(table: Table) -> float:
    """What it costs to name a table's directions and paints."""
    groups: dict[str, set[Any]] = {}
    for (attribute, bearing), paint in table.items():
        groups.setdefault(f"{attribute!r} {paint!r}", set()).add(bearing)
    bits = 0.0
    for bearings in groups.values():
        bits += REGULAR.get(frozenset(bearings), 2.5 * len(bearings))
    paints = {repr(paint): paint for paint in table.values()}
    for paint in paints.values():
        bits += 3.0 * len(paint) if isinstance(paint, tuple) else 0.5 if paint == "own" else 2.0
    attributes = {attribute for attribute, _ in table}
    return bits + math.log2(1 + len(groups)) + len(attributes) - 1.0
