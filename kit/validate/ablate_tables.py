"""Outcomes of an ablation as tables: what each variant solves, with paired differences and cost.

What it does: counts, compares with the variant that each one names and with the paper's figures.
What it does not: write files (`kit.validate.ablate_report`).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kit.validate.ablate_outcomes import Amounts, Outcome, shares
from kit.validate.ablate_variants import PAPER_TASKS, Variant
from kit.validate.paired import Difference, paired_difference


@dataclass(frozen=True, slots=True)
class Row:
    """What one variant, or one way of choosing, is worth.

    Attributes:
        by_seed: tasks solved under each seed, partial credit.
        oracle: tasks solvable with the candidates at hand, in the mean over seeds.
        seconds: of a task, median; None where nothing had to be run.
        against: what `difference` is counted from; "" for nothing.
        pairs: (task, seed) pairs that it was measured on.
        paper: tasks of the paper's counterpart, of PAPER_TASKS.
        paper_against: the same of `against`.
    """

    name: str
    says: str
    by_seed: tuple[float, ...]
    oracle: float
    seconds: float | None
    against: str
    difference: Difference | None
    pairs: int
    failures: int = 0
    paper: int | None = None
    paper_against: int | None = None

    @property
    def solved(self) -> float:
        """Tasks solved, in the mean over seeds."""
        return statistics.fmean(self.by_seed)


def variant_rows(outcomes: Sequence[Outcome], variants: Sequence[Variant], seed: int) -> list[Row]:
    """One row per variant that has outcomes.

    Args:
        seed: of the intervals' draws.
    """
    known = {variant.name: variant for variant in variants}
    held = {name: [o for o in outcomes if o.name == name] for name in known}
    rows = []
    for variant in variants:
        ours, theirs = held[variant.name], held.get(variant.against, [])
        if ours:
            row = make_row(variant.name, variant.says, ours, seed, variant.against, theirs)
            partner = known.get(variant.against)
            paper_against = partner.paper if partner else None
            rows.append(replace(row, paper=variant.paper, paper_against=paper_against))
    return rows


def make_row(
    name: str,
    says: str,
    ours: Sequence[Outcome],
    seed: int,
    against: str = "",
    theirs: Sequence[Outcome] = (),
    timed: bool = True,
) -> Row:
    """A row of outcomes, compared with others where there are any.

    Args:
        timed: the outcomes' seconds are its cost.
    """
    difference = paired_difference(shares(ours), shares(theirs), seed) if theirs else None
    seconds = statistics.median(o.seconds for o in ours) if timed else None
    return Row(
        name,
        says,
        by_seed(shares(ours)),
        statistics.fmean(by_seed(shares(ours, oracle=True))),
        seconds,
        against if theirs else "",
        difference,
        len(ours),
        sum(o.failure is not None for o in ours),
    )


def by_seed(amounts: Amounts) -> tuple[float, ...]:
    """Sums over the tasks of each seed, by seed."""
    sums: dict[int, float] = {}
    for (_, seed), amount in sorted(amounts.items()):
        sums[seed] = sums.get(seed, 0.0) + amount
    return tuple(sums[seed] for seed in sorted(sums))


HEADINGS = (
    "variant",
    "solved",
    "min-max over seeds",
    "in the pool",
    "s per task",
    "difference (95% interval)",
    "against",
    "better / worse",
    f"paper, of {PAPER_TASKS}",
    "paper's difference",
)


def row_cells(row: Row) -> list[str]:
    """A row as text under HEADINGS."""
    found = row.difference
    paper = "" if row.paper is None else str(row.paper)
    step = ""
    if row.paper is not None and row.paper_against is not None:
        step = f"{row.paper - row.paper_against:+d}"
    return [
        row.name,
        f"{row.solved:.2f}",
        "-" if len(row.by_seed) < 2 else f"{min(row.by_seed):.1f}-{max(row.by_seed):.1f}",
        f"{row.oracle:.2f}",
        "-" if row.seconds is None else f"{row.seconds:.2f}",
        "-" if found is None else found.text(),
        row.against or "-",
        "-" if found is None else f"{found.better} / {found.worse}",
        paper or "-",
        step or "-",
    ]


def order_notes(rows: Sequence[Row], outcomes: Sequence[Outcome], seed: int) -> list[str]:
    """How the order of the paper's variants compares with the paper's own, in sentences."""
    known = [row for row in rows if row.paper is not None]
    if len(known) < 2:
        return []
    theirs = sorted(known, key=lambda row: (row.paper or 0, row.name))
    ours = sorted(known, key=lambda row: (row.solved, row.name))
    notes = [
        "The paper's order: " + _order([(row.name, row.paper or 0) for row in theirs]) + ".",
        "The order here: " + _order([(row.name, round(row.solved, 2)) for row in ours]) + ".",
    ]
    held = {row.name: shares([o for o in outcomes if o.name == row.name]) for row in known}
    turned = []
    for place, low in enumerate(theirs):
        for high in theirs[place + 1 :]:
            if (low.paper or 0) < (high.paper or 0) and low.solved > high.solved:
                found = paired_difference(held[low.name], held[high.name], seed)
                sure = "the interval is above zero" if found.low > 0 else "within chance"
                turned.append(f"{low.name} above {high.name} by {found.text()}: {sure}")
    equal = [row.name for row in theirs if row.solved == 0]
    if turned:
        notes.append(f"Turned round here, {len(turned)} pair(s): " + "; ".join(turned) + ".")
    else:
        notes.append("No pair stands the other way round here.")
    if len(equal) > 1:
        notes.append(f"Nothing was solved by {', '.join(equal)}: their order says nothing.")
    return notes


def _order(amounts: Sequence[tuple[str, float]]) -> str:
    """Names in order: "a 1 < b 2 = c 2"."""
    parts = [f"{amounts[0][0]} {amounts[0][1]:g}"]
    for (_, before), (name, amount) in pairwise(amounts):
        parts.append(f"{'=' if amount == before else '<'} {name} {amount:g}")
    return " ".join(parts)


def csv_cells(row: Row) -> Mapping[str, object]:
    """A row as one line of a CSV file."""
    found = row.difference
    return {
        "name": row.name,
        "says": row.says,
        "solved": round(row.solved, 4),
        "min": round(min(row.by_seed), 4),
        "max": round(max(row.by_seed), 4),
        "seeds": len(row.by_seed),
        "in_pool": round(row.oracle, 4),
        "seconds_per_task": "" if row.seconds is None else round(row.seconds, 3),
        "against": row.against,
        "difference": "" if found is None else round(found.difference, 4),
        "low": "" if found is None else round(found.low, 4),
        "high": "" if found is None else round(found.high, 4),
        "better": "" if found is None else found.better,
        "worse": "" if found is None else found.worse,
        "equal": "" if found is None else found.equal,
        "pairs": row.pairs,
        "failures": row.failures,
        "paper_of_80": "" if row.paper is None else row.paper,
    }
