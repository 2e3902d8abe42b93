"""Tables of an ablation: fair sums, and what was cut short.

pytest tests/validate/test_ablate_tables.py
"""

from __future__ import annotations

from kit.validate.ablate_outcomes import Outcome
from kit.validate.ablate_tables import (
    csv_cells,
    fair_pairs,
    order_notes,
    row_cells,
    sum_notes,
    variant_rows,
)
from kit.validate.ablate_variants import BASE, TTT
from tests.validate.ablating import KNOWN


def outcome(name: str, task: int, seed: int, solved: bool) -> Outcome:
    """One test input, in one second."""
    return Outcome(name, f"t{task}", seed, (solved,), (solved,), 1.0)


VARIANTS = [next(v for v in KNOWN if v.name == name) for name in (TTT, BASE, "shared")]


def test_sums_are_over_tasks_and_seeds_that_all_variants_have() -> None:
    """Training solves every task, no training the even ones, a shared adapter the first four. The
    second seed and the shared adapter have only begun: by all that each has done the shared
    adapter would be the worst."""
    done = [outcome(TTT, t, 0, True) for t in range(10)]
    done += [outcome(TTT, t, 1, True) for t in range(2)]
    done += [outcome(BASE, t, 0, t % 2 == 0) for t in range(10)]
    done += [outcome("shared", t, 0, t < 4) for t in range(4)]
    rows = {row.name: row for row in variant_rows(done, VARIANTS, 0)}
    assert {name: row.by_seed for name, row in rows.items()} == {
        TTT: (4.0,), BASE: (2.0,), "shared": (4.0,),
    }  # fmt: skip
    assert [(row.summed, row.pairs) for row in rows.values()] == [(4, 12), (4, 10), (4, 4)]
    assert rows[TTT].difference is not None and rows[TTT].difference.difference == 5.0
    assert "4 of 12" in row_cells(rows[TTT]) and csv_cells(rows[TTT])["summed"] == 4
    assert sum_notes(done)[0].startswith(
        "Not all is done: sums are over the 4 of 12 pairs of task and seed (4 tasks x 1 seed(s))"
    )
    notes = order_notes(list(rows.values()), done, 0)
    assert "The order here: no-ttt 2 < shared 4 = ttt 4." in notes
    assert "No pair stands the other way round here." in notes


def test_a_seed_counts_where_all_of_its_tasks_are_done() -> None:
    whole = [outcome(name, t, s, True) for name in (TTT, BASE) for t in range(3) for s in (0, 1)]
    assert len(fair_pairs(whole)) == 6 and not sum_notes(whole)
    # Two tasks under two seeds are more than three under one.
    assert {task_id for task_id, _ in fair_pairs(whole[:-1])} == {"t0", "t1"}
    rows = variant_rows(whole, VARIANTS, 0)
    assert [row.by_seed for row in rows] == [(3.0, 3.0)] * 2
    assert "6" in row_cells(rows[0])


def test_variants_without_a_common_task_say_that_their_sums_do_not_compare() -> None:
    apart = [outcome(TTT, 0, 0, True), outcome(BASE, 1, 0, False)]
    assert [row.solved for row in variant_rows(apart, VARIANTS, 0)] == [1.0, 0.0]
    assert sum_notes(apart)[0].startswith("No task and seed was worked on by every variant")
    assert not fair_pairs([]) and not sum_notes([])
