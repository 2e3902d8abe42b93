"""Every way of choosing, tried on saved pools: no model is asked anything.

What it does: rows for rules on the samples of one method, for fewer of its views, and for rules
that join it with programs. What it does not: fit a rule (`kit.validate.pools_fit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from kit.arc.task import Solutions, Task
from kit.rank.pool import CandidatePool
from kit.rank.pool_file import PoolEntry
from kit.rank.rules import JOIN_RULES, SAMPLE_RULES, Rule, first_views, samples_of
from kit.rank.tally import Ranking
from kit.validate.ablate_outcomes import Outcome, joined_entry, judge_all
from kit.validate.ablate_tables import Row, fair_pairs, make_row
from kit.validate.ablate_variants import TTT

VIEW_COUNTS = (1, 2, 4, 8, 16, 32, 64)

SAYS = {
    "one_view": "the first two views with their own symmetry and colours, as two attempts",
    "flat": "whole boards by votes of all views",
    "two_level": "the paper's vote, as its text has it",
    "two_level_released": "the paper's vote, as its released code has it",
    "experts": "product of experts over the scoring views",
    "views_minus_nll": "number of views minus mean negative log-probability",
    "program_only": "programs alone",
    "ttt_only": "samples alone",
    "press": "programs where all that cover agree, else samples",
    "induction_first": "programs where one covers, else samples",
    "calibrated": "the two most probable answers of both",
}

ORACLE = "oracle"

BASE_RULE, BASE_JOIN = "experts", "ttt_only"
"""What the others are compared with."""


def choosing_rows(
    entries: Sequence[PoolEntry],
    tasks: Mapping[str, Task],
    solutions: Solutions,
    seed: int,
    rules: Mapping[str, Rule] = SAMPLE_RULES,
    base: str = BASE_RULE,
) -> list[Row]:
    """One row per rule on these entries, and the oracle; a symmetry that no view had is left out.

    Args:
        seed: of the intervals' draws.
        base: the rule that the others are compared with.
    """
    held = {
        name: judge_all(entries, tasks, solutions, lambda _, pair=(name, rule): pair)
        for name, rule in usable_rules(entries, rules).items()
    }
    if not held.get(base):
        return []
    best = _best_of(list(held.values()))
    says = {**{name: _says(name) for name in held}, ORACLE: "right anywhere in the pool"}
    fair = fair_pairs(best)
    return [
        make_row(
            name, says[name], ours, seed, base, held[base] if name != base else (), fair, False
        )
        for name, ours in {**held, ORACLE: best}.items()
    ]


def usable_rules(entries: Sequence[PoolEntry], rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """These rules without those of a symmetry that no candidate has."""
    groups = {f"only_{c.group}" for entry in entries for c in entry.pool.candidates}
    return {n: rule for n, rule in rules.items() if not n.startswith("only_") or n in groups}


def telling_rules(entries: Sequence[PoolEntry]) -> tuple[Mapping[str, Rule], tuple[str, ...]]:
    """The rules on samples that can differ on these entries, and notes on those that cannot."""
    groups = {c.group for entry in entries for c in samples_of(entry.pool).candidates}
    if len(groups) != 1:
        return SAMPLE_RULES, ()
    rules = {
        name: rule
        for name, rule in SAMPLE_RULES.items()
        if not name.startswith(("only_", "two_level"))
    }
    note = (
        f"All test views have one symmetry ({next(iter(groups))}), so votes inside symmetries and "
        "then across them are the votes of all views (but for ties in the released code): rows of "
        "single symmetries and of two-level votes are left out."
    )
    return rules, (note,)


def _says(name: str) -> str:
    return SAYS.get(name) or f"votes of the views of one symmetry: {name.removeprefix('only_')}"


def _best_of(rules: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    """What a perfect chooser would get: right in the pool, or in what any rule made of it."""
    best = []
    for outcomes in zip(*rules, strict=True):
        flags = tuple(map(any, zip(*(outcome.proposed for outcome in outcomes), strict=True)))
        best.append(replace(outcomes[0], name=ORACLE, solved=flags, proposed=flags))
    return best


def view_rows(
    entries: Sequence[PoolEntry],
    tasks: Mapping[str, Task],
    solutions: Solutions,
    seed: int,
    rule: Rule,
) -> list[Row]:
    """What fewer test views would have given, by the rule of the options; the last row is all.

    Fewer views are fewer scores too: those under the first so many scoring views.
    """
    most = max((c.view or 0 for e in entries for c in e.pool.candidates), default=0) + 1
    counts = [count for count in VIEW_COUNTS if count < most] + [most]
    held = {
        count: judge_all(entries, tasks, solutions, lambda _, used=used: ("", used))
        for count, used in {**{n: partial(_few, rule, n) for n in counts}, most: rule}.items()
    }
    if not held[most]:
        return []
    return [
        make_row(
            f"views-{count}",
            f"the first {count} test views, and scores under the first {count} scoring views alone"
            if count != most
            else "all test views and all scores",
            outcomes,
            seed,
            f"views-{most}",
            held[most] if count != most else (),
            fair_pairs(outcomes),
            timed=False,
        )
        for count, outcomes in held.items()
    ]


def _few(rule: Rule, count: int, pool: CandidatePool) -> Ranking:
    return rule(first_views(pool, count))


def joined_rows(
    entries: Sequence[PoolEntry],
    programs: str,
    tasks: Mapping[str, Task],
    solutions: Solutions,
    seed: int,
) -> list[Row]:
    """Rules that join "ttt" with the programs of another variant, on tasks and seeds of both.

    Args:
        programs: "search" or "programs".
    """
    named = {entry.name: entry for entry in entries}
    both = [
        joined_entry([entry, named[entry.task_id, programs, entry.seed]], f"{TTT}+{programs}")
        for entry in entries
        if entry.run == TTT and (entry.task_id, programs, entry.seed) in named
    ]
    return choosing_rows(both, tasks, solutions, seed, JOIN_RULES, BASE_JOIN) if both else []
