"""Outcomes of an ablation as tables: what each variant solves, with paired differences and cost.

What it does: counts, compares with the variant that each one names and with the paper's figures.
Sums stand beside each other only over tasks and seeds that all rows have, so that an ablation which
was cut short does not compare different tasks; differences are over all that both sides have.
What it does not: write files (`kit.validate.ablate_report`).
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kit.validate.ablate_outcomes import Amounts, Outcome, shares
from kit.validate.ablate_variants import PAPER_TASKS, TTT, Variant
from kit.validate.paired import Difference, paired_difference

Pairs = frozenset[tuple[str, int]]
"""(task id, seed) pairs."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one variant, or one way of choosing, is worth.

    Attributes:
        by_seed: tasks solved under each seed that is summed up, partial credit.
        oracle: tasks solvable with the candidates at hand, in the mean over the same seeds.
        seconds: of a task, median; None where nothing had to be run.
        against: what `difference` is counted from; "" for nothing.
        pairs: (task, seed) pairs that it was measured on.
        summed: those of them that `by_seed` and `oracle` are over.
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
    summed: int
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
    fair = fair_pairs(outcomes)
    rows = []
    for variant in variants:
        ours, theirs = held[variant.name], held.get(variant.against, [])
        if ours:
            row = make_row(variant.name, variant.says, ours, seed, variant.against, theirs, fair)
            # The paper has no counterpart of the partner that differs in its engine alone.
            partners = [n for n in (variant.against, TTT) if n in known and n != variant.name]
            papers = (known[name].paper for name in partners)
            paper_against = next((found for found in papers if found is not None), None)
            rows.append(replace(row, paper=variant.paper, paper_against=paper_against))
    return rows


def make_row(
    name: str,
    says: str,
    ours: Sequence[Outcome],
    seed: int,
    against: str = "",
    theirs: Sequence[Outcome] = (),
    fair: Pairs | None = None,
    timed: bool = True,
) -> Row:
    """A row of outcomes, compared with others where there are any.

    Args:
        fair: what sums are over; None, or none, for all of the outcomes.
        timed: the outcomes' seconds are its cost.
    """
    fair = fair or frozenset(shares(ours))
    difference = paired_difference(shares(ours), shares(theirs), seed) if theirs else None
    seconds = statistics.median(o.seconds for o in ours) if timed else None
    return Row(
        name,
        says,
        by_seed(_only(shares(ours), fair)),
        statistics.fmean(by_seed(_only(shares(ours, oracle=True), fair))),
        seconds,
        against if theirs else "",
        difference,
        len(ours),
        len(fair),
        sum(o.failure is not None for o in ours),
    )


def fair_pairs(outcomes: Iterable[Outcome]) -> Pairs:
    """The pairs over which sums of these outcomes compare, between names and between seeds.

    The same tasks under every seed, each of them worked on under every name. A seed that would
    cost more in tasks than it brings, such as one that has only just begun, is left out. Empty
    where no pair is common to all names.
    """
    held: dict[str, set[tuple[str, int]]] = {}
    for outcome in outcomes:
        held.setdefault(outcome.name, set()).add((outcome.task_id, outcome.seed))
    tasks_of: dict[int, set[str]] = {}
    for task_id, seed in set.intersection(*held.values()) if held else ():
        tasks_of.setdefault(seed, set()).add(task_id)
    best: Pairs = frozenset()
    seeds: list[int] = []
    for seed in sorted(tasks_of, key=lambda seed: (-len(tasks_of[seed]), seed)):
        seeds.append(seed)
        tasks = set.intersection(*(tasks_of[known] for known in seeds))
        if len(tasks) * len(seeds) > len(best):
            best = frozenset(itertools.product(tasks, seeds))
    return best


def _only(amounts: Amounts, pairs: Pairs) -> Amounts:
    return {pair: amount for pair, amount in amounts.items() if pair in pairs}


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
    "task x seed",
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
        str(row.pairs) if row.summed == row.pairs else f"{row.summed} of {row.pairs}",
        "-" if row.seconds is None else f"{row.seconds:.2f}",
        "-" if found is None else found.text(),
        row.against or "-",
        "-" if found is None else f"{found.better} / {found.worse}",
        paper or "-",
        step or "-",
    ]


def sum_notes(outcomes: Sequence[Outcome]) -> list[str]:
    """What the sums of `variant_rows` are over, where that is not everything; in sentences."""
    fair, every = fair_pairs(outcomes), {(o.task_id, o.seed) for o in outcomes}
    if len(fair) == len(every):
        return []
    if not fair:
        return [
            "No task and seed was worked on by every variant: each sum is over a variant's own, "
            "and sums do not compare. Differences do."
        ]
    tasks, seeds = ({pair[place] for pair in fair} for place in (0, 1))
    return [
        f"Not all is done: sums are over the {len(fair)} of {len(every)} pairs of task and seed "
        f"({len(tasks)} tasks x {len(seeds)} seed(s)) that every variant has. Differences are over "
        "all pairs that both sides have."
    ]


def order_notes(rows: Sequence[Row], outcomes: Sequence[Outcome], seed: int) -> list[str]:
    """How the order of the paper's variants compares with the paper's own, in sentences."""
    known = [row for row in rows if row.paper is not None]
    fair = fair_pairs(outcomes)
    if len(known) < 2 or not fair:
        return []
    theirs = sorted(known, key=lambda row: (row.paper or 0, row.name))
    ours = sorted(known, key=lambda row: (row.solved, row.name))
    notes = [
        "The paper's order: " + _order([(row.name, row.paper or 0) for row in theirs]) + ".",
        "The order here: " + _order([(row.name, round(row.solved, 2)) for row in ours]) + ".",
    ]
    held = {
        row.name: _only(shares([o for o in outcomes if o.name == row.name]), fair) for row in known
    }
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
    for (_, before), (name, amount) in itertools.pairwise(amounts):
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
        "summed": row.summed,
        "failures": row.failures,
        "paper_of_80": "" if row.paper is None else row.paper,
    }
