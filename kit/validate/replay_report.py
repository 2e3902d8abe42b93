"""A comparison of policies as a table, a CSV file and a picture.

What it does: formats. What it does not: measure (`kit.validate.replay_curves`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kit.pretrain.plot import Series, write_plot
from kit.validate.replay_curves import (
    IDS,
    ORACLE,
    OURS,
    SHORTEST,
    Comparison,
    Curve,
    area,
    interval,
    ratio_interval,
)

COLUMNS = ("budget_s", "policy", "solved", "low", "high", "tasks", "work")
"""Of the CSV file; low and high: 95% bootstrap interval over tasks, empty for the oracle."""


def report_text(comparison: Comparison, curves: Mapping[str, Curve]) -> str:
    """The whole comparison for people."""
    tasks, fitted = len(comparison.tested), len(comparison.fitted)
    head = (
        f"{tasks} tasks compared ({fitted} others fitted on), {comparison.workers} workers, "
        f"{comparison.seeds} seed(s); solved with partial credit, 95% interval over tasks"
    )
    parts = [
        [head],
        _aligned([["budget", *curves], *_rows(comparison, curves)]),
        _aligned(_comparison_rows(comparison, curves)),
        _area_lines(curves),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _rows(comparison: Comparison, curves: Mapping[str, Curve]) -> list[list[str]]:
    rows = []
    for place, budget_s in enumerate(comparison.budgets_s):
        cells = [_solved_text(name, curve, place) for name, curve in curves.items()]
        rows.append([f"{budget_s:.0f} s", *cells])
    return rows


def _solved_text(name: str, curve: Curve, place: int) -> str:
    if name == ORACLE:
        return f"{curve.solved[place]:.1f}"
    low, high = interval(curve.shares[place])
    return f"{curve.solved[place]:.1f} ({low:.0f}-{high:.0f})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _comparison_rows(comparison: Comparison, curves: Mapping[str, Curve]) -> list[list[str]]:
    """What the fixed policies give every task, and ours over each of them."""
    fixed = [name for name in (SHORTEST, IDS) if name in curves]
    if not fixed:
        return []
    rows = [["budget", *(f"{name}: every task gets" for name in fixed)]]
    if OURS in curves:
        rows[0] += [f"ours / {name}" for name in fixed]
    middle = median_place(comparison.budgets_s)
    for place, budget_s in enumerate(comparison.budgets_s):
        row = [f"{budget_s:.0f} s", *(curves[name].notes[place] for name in fixed)]
        if OURS in curves:
            row += [_ratio_text(curves[OURS], curves[name], place) for name in fixed]
        if place == middle:
            row[0] = f"median {row[0]}"
        rows.append(row)
    return rows


def _ratio_text(ours: Curve, theirs: Curve, place: int) -> str:
    ratio, low, high = ratio_interval(ours.shares[place], theirs.shares[place])
    return f"{ratio:.2f} ({low:.2f}-{high:.2f})"


def median_place(budgets_s: Sequence[float]) -> int:
    """The place of the middle budget; of two the smaller."""
    return (len(budgets_s) - 1) // 2


def _area_lines(curves: Mapping[str, Curve]) -> list[str]:
    """Areas under the curves, and their parts of the oracle's."""
    whole = area(curves[ORACLE]) if ORACLE in curves else math.nan
    return [
        f"area under the curve over log(budget), {name}: {area(curve):.2f} tasks"
        + (f", {area(curve) / whole:.1%} of the oracle's" if whole > 0 else "")
        for name, curve in curves.items()
    ]


def write_csv(path: Path, comparison: Comparison, curves: Mapping[str, Curve]) -> None:
    """One line per budget and policy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for place, budget_s in enumerate(comparison.budgets_s):
            for name, curve in curves.items():
                ends = ("", "") if name == ORACLE else interval(curve.shares[place])
                low, high = (f"{end:.3f}" if end != "" else "" for end in ends)
                writer.writerow([
                    f"{budget_s:.3f}", name, f"{curve.solved[place]:.4f}", low, high,
                    len(comparison.tested), curve.notes[place],
                ])  # fmt: skip


def write_svg(path: Path, comparison: Comparison, curves: Mapping[str, Curve]) -> None:
    """Solved tasks over the logarithm of the budget."""
    logs = np.log10(np.array(comparison.budgets_s))
    series = [
        Series(name, [(float(x), float(y)) for x, y in zip(logs, curve.solved, strict=True)])
        for name, curve in curves.items()
    ]
    title = f"Solved of {len(comparison.tested)} tasks against budget"
    write_plot(path, title, "log10 of the budget in seconds", {"tasks solved": series})
