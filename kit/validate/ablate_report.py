"""An ablation's folder for people: tables as CSV and Markdown, pictures as SVG.

    ablation.md     everything below in words and tables
    variants-*.csv  one line per variant of a group; choosing.csv one per way of choosing
    outcomes.csv    one line per variant, task and seed
    *.svg           the same as bars; steps.svg as a curve

What it does not: compute (`kit.validate.ablate_tables`, `kit.validate.ablate_choosing`).
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.arc.task import Solutions, Task
from kit.arc.whole_file import replace_file
from kit.pretrain.plot import Series, draw
from kit.rank.pool_file import PoolEntry
from kit.validate.ablate_choosing import choosing_rows, joined_rows, telling_rules, view_rows
from kit.validate.ablate_outcomes import Outcome, config_rule, guessed, judge_all
from kit.validate.ablate_plot import Bar, draw_bars
from kit.validate.ablate_run import Method
from kit.validate.ablate_tables import (
    HEADINGS,
    Row,
    csv_cells,
    order_notes,
    row_cells,
    sum_notes,
    variant_rows,
)
from kit.validate.ablate_variants import BASE, GROUPS, PAPER_TASKS, TTT, Variant


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title.

    Attributes:
        file: stem of its CSV file and picture.
    """

    title: str
    file: str
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that an ablation's entries say.

    Attributes:
        head: lines about machine, command, tasks.
        outcomes: of all variants by their own rule.
        steps: (optimiser steps, row) of the variants that differ in them alone.
    """

    head: tuple[str, ...]
    sections: tuple[Section, ...]
    outcomes: tuple[Outcome, ...]
    steps: tuple[tuple[int, Row], ...] = ()


def find(
    entries: Sequence[PoolEntry],
    methods: Sequence[Method],
    tasks: Mapping[str, Task],
    solutions: Solutions,
    seed: int,
    head: Sequence[str] = (),
) -> Findings:
    """Judge entries of the methods on these tasks.

    Args:
        seed: of the intervals' draws.
    """
    by_name = {method.variant.name: method for method in methods}
    rules = {name: config_rule(method.rank) for name, method in by_name.items()}
    held = [e for e in entries if e.run in by_name and e.task_id in tasks]
    outcomes = judge_all(held, tasks, solutions, lambda e: (e.run, rules[e.run]))
    variants = [method.variant for method in methods]
    sections = [
        _group_section(group, variants, outcomes, seed)
        for group in GROUPS
        if any(variant.group == group for variant in variants)
    ]
    trained = [entry for entry in held if entry.run == TTT]
    if trained:
        telling, notes = telling_rules(trained)
        chosen = choosing_rows(trained, tasks, solutions, seed, telling)
        title = "Ways of choosing from the pools of ttt"
        sections.append(Section(title, "choosing", chosen, notes))
        views = view_rows(trained, tasks, solutions, seed, rules[TTT])
        sections.append(Section("Fewer test views of ttt", "views", views))
    for programs in ("search", "programs"):
        joined = joined_rows(held, programs, tasks, solutions, seed)
        if joined:
            title = f"Joining ttt with {programs}"
            note = _spent_note(outcomes, programs)
            sections.append(Section(title, f"joined-{programs}", joined, (note,)))
    cheap = guessed(tasks.values(), solutions)
    lines = (*head, f"{len(tasks)} tasks; cheap guesses alone solve {cheap:.1f} of them.")
    points = [v for v in variants if v.name in (TTT, BASE) or v.group == "steps"]
    rows = variant_rows(_of(points, outcomes), points, seed)
    steps = [(by_name[row.name].budget.num_steps, row) for row in rows]
    steps.sort(key=lambda pair: pair[0])
    return Findings(lines, tuple(sections), tuple(outcomes), tuple(steps))


def _group_section(
    group: str, variants: Sequence[Variant], outcomes: Sequence[Outcome], seed: int
) -> Section:
    """One group beside what its variants are compared with, over what all of these have done."""
    inside = {v.name for v in variants if v.group == group}
    names = inside | {v.against for v in variants if v.name in inside}
    shown = [v for v in variants if v.name in names]
    ours = _of(shown, outcomes)
    rows = variant_rows(ours, shown, seed)
    notes = (*sum_notes(ours), *order_notes(rows, ours, seed))
    return Section(f"Variants: {group}", f"variants-{group}", rows, notes)


def _of(variants: Sequence[Variant], outcomes: Sequence[Outcome]) -> list[Outcome]:
    names = {variant.name for variant in variants}
    return [outcome for outcome in outcomes if outcome.name in names]


def _spent_note(outcomes: Sequence[Outcome], programs: str) -> str:
    """What the rules that join have spent; those of one leg alone spent that leg's."""
    spent = [
        statistics.median(o.seconds for o in outcomes if o.name == name) for name in (TTT, programs)
    ]
    return (
        f"A rule that joins has spent both: {spent[0]:.1f} s a task for {TTT} and {spent[1]:.1f} s "
        f"for {programs}, in the median; {TTT} alone the first of them."
    )


def write_report(out: Path, findings: Findings) -> None:
    """Write all files, each whole or not at all.

    Raises:
        OSError: one cannot be written.
    """
    files = {"ablation.md": markdown(findings), "outcomes.csv": _outcomes_csv(findings.outcomes)}
    for section in findings.sections:
        cells = [csv_cells(row) for row in section.rows]
        files[f"{section.file}.csv"] = _csv(cells)
        files[f"{section.file}.svg"] = _picture(section)
    if len(findings.steps) > 1:
        files["steps.svg"] = draw("Optimiser steps", "steps", _panels(findings.steps))
    for name, text in files.items():
        replace_file(out / name, text.encode())


def markdown(findings: Findings) -> str:
    """The whole report as Markdown."""
    lines = ["# Ablation", "", *(f"- {line}" for line in findings.head)]
    for section in findings.sections:
        if section.rows:
            lines += ["", f"## {section.title}", "", *table_lines(section.rows)]
            lines += ["", *(f"- `{row.name}`: {row.says}" for row in section.rows)]
            lines += ["", *(f"{note}\n" for note in section.notes)]
    failed = [o for o in findings.outcomes if o.failure]
    lines += ["", f"{len(failed)} of {len(findings.outcomes)} runs had a failing stage."]
    lines += [f"- {o.name}, {o.task_id}, seed {o.seed}: {o.failure}" for o in failed[:20]]
    return "\n".join(lines) + "\n"


def table_lines(rows: Sequence[Row]) -> list[str]:
    """A Markdown table whose columns line up as plain text too."""
    table = [list(HEADINGS), *map(row_cells, rows)]
    keep = [
        column
        for column in range(len(HEADINGS))
        if column == 0 or any(line[column] != "-" for line in table[1:])
    ]
    widths = {c: max(len(line[c]) for line in table) for c in keep}
    lines = ["| " + " | ".join(line[c].ljust(widths[c]) for c in keep) + " |" for line in table]
    return [lines[0], "|" + "|".join("-" * (widths[c] + 2) for c in keep) + "|", *lines[1:]]


def _picture(section: Section) -> str:
    # The paper's share of its tasks, as so many of ours.
    whole = max((row.summed / len(row.by_seed) for row in section.rows), default=1.0)
    bars = [
        Bar(
            row.name,
            row.solved,
            min(row.by_seed),
            max(row.by_seed),
            row.oracle,
            None if row.paper is None else row.paper / PAPER_TASKS * whole,
        )
        for row in section.rows
    ]
    says = f"the paper's share of its {PAPER_TASKS} tasks (1B model)"
    return draw_bars(section.title, bars, f"tasks solved of {whole:g}, partial credit", says)


def _panels(points: Sequence[tuple[int, Row]]) -> dict[str, list[Series]]:
    """What more steps bring, and what they cost."""
    return {
        "tasks": [
            Series("solved", [(float(n), row.solved) for n, row in points]),
            Series("among the candidates", [(float(n), row.oracle) for n, row in points]),
        ],
        "seconds": [Series("a task", [(float(n), row.seconds or 0.0) for n, row in points])],
    }


def _outcomes_csv(outcomes: Sequence[Outcome]) -> str:
    return _csv(
        [
            {
                "variant": o.name,
                "seed": o.seed,
                "task": o.task_id,
                "solved": o.share,
                "in_pool": o.oracle,
                "seconds": round(o.seconds, 3),
                "failure": o.failure or "",
            }
            for o in outcomes
        ]
    )


def _csv(lines: Sequence[Mapping[str, object]]) -> str:
    """Lines of equal keys; "" for none."""
    if not lines:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()
