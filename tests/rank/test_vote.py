"""Votes: hand-made cases of each rule, invariance to order, parity with a slow second version."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from kit.augment.transform import IDENTITY_COLOURS
from kit.rank.vote import (
    column_majority,
    flat_vote,
    only_group,
    row_majority,
    single_view,
    top_of_group,
    two_level_vote,
)
from tests.rank.offered import is_offered

A = ((1,),)
B = ((2,),)
C = ((3,),)
D = ((4,),)
E = ((5,),)
F = ((6,),)


def votes(*grids):
    return [(grid, -1.0) for grid in grids]


# --- majorities and back-fill, worked by hand -------------------------------------------------


def test_row_majority_of_three_grids_is_a_grid_nobody_proposed():
    first = ((1, 1, 1), (2, 2, 2), (0, 0, 0))
    second = ((1, 1, 1), (0, 0, 0), (3, 3, 3))
    third = ((0, 0, 0), (2, 2, 2), (3, 3, 3))
    # Row 0: 111 twice; row 1: 222 twice; row 2: 333 twice.
    expected = ((1, 1, 1), (2, 2, 2), (3, 3, 3))
    assert row_majority(votes(first, second, third)) == expected
    # All columns of the three differ (120, 103, 023), so the smallest column wins everywhere.
    assert column_majority(votes(first, second, third)) == third


def test_column_majority_of_three_grids_is_a_grid_nobody_proposed():
    first = ((1, 2, 0), (1, 2, 0))
    second = ((1, 0, 3), (1, 0, 3))
    third = ((0, 2, 3), (0, 2, 3))
    assert column_majority(votes(first, second, third)) == ((1, 2, 3), (1, 2, 3))


def test_rows_of_other_heights_count_where_the_width_agrees():
    short_one, short_two = ((5, 5), (6, 6)), ((5, 5), (7, 7))
    tall, wide = ((8, 8), (6, 6), (9, 9)), ((7, 7, 7), (7, 7, 7))
    # Shape 2x2 is the most common; row 1 is 66 twice, once from the taller grid.
    assert row_majority(votes(short_one, short_two, tall, wide)) == ((5, 5), (6, 6))


def test_a_tied_row_goes_to_the_likelier_one():
    assert row_majority([(A, -2.0), (B, -1.0)]) == B
    assert row_majority([(B, -1.0), (A, -1.0)]) == A


def test_a_group_sends_its_three_most_frequent_grids():
    assert top_of_group(votes(A, A, A, B, B, C, C, D)) == [A, B, C]


def test_two_distinct_grids_are_filled_up_with_the_row_majority():
    first, second = ((1, 2), (2, 1)), ((2, 1), (1, 2))
    # Both rows tie, so each row takes the smaller 12.
    assert top_of_group(votes(second, first)) == [first, second, ((1, 2), (1, 2))]


def test_the_column_majority_fills_up_where_the_row_majority_is_there_already():
    first, second = ((0, 9), (0, 9)), ((1, 1), (1, 1))
    # Rows: 09 beats 11 twice, which is `first`. Columns: 00 beats 11, then 11 beats 99.
    assert top_of_group(votes(second, first)) == [first, second, ((0, 1), (0, 1))]


def test_a_unanimous_group_sends_one_grid():
    assert top_of_group(votes(A, A)) == [A]


# --- the two levels ---------------------------------------------------------------------------


def test_symmetries_count_not_votes(propose):
    pool = [propose(A, "identity")] * 5 + [propose(B, "rotate90"), propose(B, "flip_lr")]
    ranking = two_level_vote(pool)
    assert ranking.grids[:2] == (B, A)
    assert ranking.reason == "vote: sent up by 2 of 3 symmetries"
    assert ranking.margin == pytest.approx(1 / 3)
    assert flat_vote(pool).grids == (A, B)


def test_identity_breaks_ties(propose):
    pool = [propose(A, "rotate90", -0.1)] * 3 + [propose(B, "identity", -9.0)]
    assert two_level_vote(pool).grids == (B, A)
    assert two_level_vote([propose(A, "flip_lr", -5.0), propose(B, "flip_ud", -1.0)]).grids == (
        B,
        A,
    )


def test_ties_without_identity_go_to_votes_then_log_probability_then_grid_order(propose):
    more = [propose(B, "flip_lr", -3.0)] * 2 + [propose(A, "rotate90", -1.0)]
    assert two_level_vote(more).grids[0] == B
    likelier = [propose(B, "flip_lr", -1.0), propose(A, "rotate90", -2.0)]
    assert two_level_vote(likelier).grids[0] == B
    equal = [propose(B, "flip_lr"), propose(A, "rotate90")]
    assert two_level_vote(equal).grids[0] == A


def test_a_fourth_grid_of_a_group_still_ranks_behind_what_was_sent_up(propose):
    pool = [propose(g, "flip_lr") for g in (A, A, A, A, B, B, B, C, C, D)]
    assert two_level_vote(pool).grids == (A, B, C, D)


def test_unanimity_has_margin_one_and_nothing_has_margin_zero(propose):
    assert two_level_vote([propose(A, "flip_lr"), propose(A)]).margin == 1.0
    assert two_level_vote([]).margin == 0.0
    assert two_level_vote([]).grids == flat_vote([]).grids == ()


# --- the released code's quirks ---------------------------------------------------------------


def test_legacy_counts_a_unanimous_group_three_times(propose):
    pool = [
        propose(A, "identity", -0.5),
        *(propose(g, "rotate90") for g in (B, C, D)),
        *(propose(g, "flip_lr") for g in (B, E, F)),
    ]
    assert two_level_vote(pool).grids[0] == B
    # "all" sends B, A, C; identity sends A three times: A has 4 votes, B has 3.
    ranking = two_level_vote(pool, legacy=True)
    assert ranking.grids[:2] == (A, B)
    assert ranking.reason == "vote (legacy): 4 of 12 second-level votes"
    assert ranking.margin == pytest.approx(1 / 12)


def test_legacy_gives_the_second_place_to_the_third_on_a_tie(propose):
    # "all" and flip_lr each send A, B, C once: all tie, B is second by log-probability.
    pool = [*[propose(A, "flip_lr")] * 2, propose(B, "flip_lr", -1.0), propose(C, "flip_lr", -2.0)]
    assert two_level_vote(pool, legacy=True).grids[:2] == (A, B)  # no identity group: untouched
    # The same under the identity: one vote each inside it, so the third replaces the second.
    pool = [*[propose(A)] * 2, propose(B, nats=-1.0), propose(C, nats=-2.0)]
    assert two_level_vote(pool, legacy=True).grids[:2] == (A, C)
    assert two_level_vote(pool).grids[:2] == (A, B)


def test_legacy_keeps_the_second_with_more_identity_votes(propose):
    pool = [
        *[propose(A)] * 3,
        *[propose(B)] * 2,
        propose(C),
    ]
    assert two_level_vote(pool, legacy=True).grids[:2] == (A, B)


def test_legacy_back_fill_may_repeat_a_grid(propose):
    # A group of two sends its winner again as the third: both majorities are that grid.
    pool = [*[propose(A, "flip_lr")] * 2, propose(B, "flip_lr")]
    assert two_level_vote(pool, legacy=True).reason == "vote (legacy): 4 of 6 second-level votes"
    assert two_level_vote(pool).reason == "vote: sent up by 1 of 1 symmetries"


# --- the simple rules -------------------------------------------------------------------------


def test_flat_ties_go_to_the_larger_summed_log_probability(propose):
    pool = [propose(A, nats=-3.0), propose(B, nats=-1.0), propose(C, nats=-2.0)]
    assert flat_vote(pool).grids == (B, C, A)
    assert flat_vote([*pool, propose(A, "program", None)]).grids == (A, B, C)
    assert flat_vote([*pool, propose(A)]).margin == pytest.approx(1 / 4)


def test_a_nan_log_probability_loses_ties_and_breaks_nothing(propose):
    pool = [propose(A, nats=float("nan")), propose(B, nats=-50.0), propose(C, nats=-float("inf"))]
    for ranking in (flat_vote(pool), two_level_vote(pool), two_level_vote(pool, legacy=True)):
        assert set(ranking.grids) >= {A, B, C}
    assert flat_vote(pool).grids == (B, A, C)


def test_one_symmetry_only_and_single_view(propose):
    pool = [propose(A, "rotate90"), propose(B), propose(B), propose(C)]
    assert flat_vote(only_group(pool, "rotate90")).grids == (A,)
    assert [c.grid for c in single_view(pool)] == [B]
    assert [c.grid for c in single_view(pool, count=3)] == [B, B, C]
    assert single_view(only_group(pool, "rotate90")) == ()


def test_a_view_of_other_colours_is_not_untransformed(propose):
    own, other = IDENTITY_COLOURS, (*IDENTITY_COLOURS[:8], 9, 8)
    asked = [(A, 0, own), (B, 1, other), (C, 2, own)]
    pool = [replace(propose(grid), view=view, colours=seen) for grid, view, seen in asked]
    assert [c.grid for c in single_view(pool, count=2)] == [A, C]
    # Where colours are not known, only view 0 is known to have its own.
    unknown = [replace(candidate, colours=None) for candidate in pool]
    assert [c.grid for c in single_view(unknown, count=2)] == [A]


def test_a_vote_fills_in_only_what_the_pool_holds_in_parts(propose):
    pool = [propose(((1, 2), (2, 1)), "flip_lr"), propose(((2, 1), (1, 2)), "flip_lr")]
    assert ((1, 2), (1, 2)) in two_level_vote(pool).grids
    assert is_offered(pool, ((1, 2), (2, 1)))
    assert is_offered(pool, ((1, 2), (1, 2)))
    assert not is_offered(pool, ((1, 1), (1, 1)))
    assert not is_offered(pool, ((1, 2),))
    assert not is_offered(pool, A)
    assert not is_offered([], A)


# --- properties on random pools ---------------------------------------------------------------


def test_no_rule_depends_on_the_order_of_candidates(random_pool):
    rng = random.Random(1)
    for _ in range(1500):
        pool = list(random_pool(rng).candidates)
        before = (flat_vote(pool), two_level_vote(pool), two_level_vote(pool, legacy=True))
        rng.shuffle(pool)
        assert (flat_vote(pool), two_level_vote(pool), two_level_vote(pool, legacy=True)) == before


def test_flat_is_the_top_two_counts_and_every_choice_is_offered(random_pool):
    rng = random.Random(2)
    for _ in range(1500):
        pool = random_pool(rng).candidates
        grids = [c.grid for c in pool]
        counts = sorted((grids.count(g) for g in dict.fromkeys(grids)), reverse=True)
        assert [grids.count(g) for g in flat_vote(pool).grids] == counts
        for ranking in (flat_vote(pool), two_level_vote(pool), two_level_vote(pool, legacy=True)):
            assert 0.0 <= ranking.margin <= 1.0
            assert len(set(ranking.grids)) == len(ranking.grids)
            assert set(grids) <= set(ranking.grids)
            assert all(is_offered(pool, grid) for grid in ranking.grids)


# --- an independent slow re-implementation ----------------------------------------------------


def slow_most_common(items):
    """Distinct items by count, then summed log-probability, then order, from pairs."""
    keys = []
    for key, _ in items:
        if key not in keys:
            keys.append(key)
    keys.sort()
    keys.sort(key=lambda k: sum(n for key, n in items if key == k), reverse=True)
    keys.sort(key=lambda k: [key for key, _ in items].count(k), reverse=True)
    return keys


def slow_rows(items):
    size = slow_most_common([((len(g), len(g[0])), n) for g, n in items])[0]
    rows = []
    for y in range(size[0]):
        rows.append(
            slow_most_common([(g[y], n) for g, n in items if y < len(g) and len(g[y]) == size[1]])[
                0
            ]
        )
    return tuple(rows)


def slow_transpose(grid):
    return tuple(tuple(row[x] for row in grid) for x in range(len(grid[0])))


def slow_columns(items):
    return slow_transpose(slow_rows([(slow_transpose(g), n) for g, n in items]))


def slow_groups(pool):
    items = [(c.group, (c.grid, c.logprob_nats or 0.0)) for c in pool]
    return {
        name: [i for g, i in items if g == name] for name in dict.fromkeys(c.group for c in pool)
    }


def slow_paper(pool):
    groups, flat = slow_groups(pool), [(c.grid, c.logprob_nats or 0.0) for c in pool]
    sent = []
    for items in groups.values():
        slots = slow_most_common(items)[:3]
        for fill in (slow_rows(items), slow_columns(items)):
            if len(slots) < 3 and fill not in slots:
                slots.append(fill)
        sent += slots
    order = sorted(dict.fromkeys(sent))
    total = [g for g, _ in flat]
    own = [g for g, _ in groups.get("identity", [])]
    nats = {g: sum(n for grid, n in flat if grid == g) if g in total else -9e9 for g in order}
    for key in (nats.get, total.count, own.count, sent.count):  # least important first
        order.sort(key=key, reverse=True)
    return order[:2]


def slow_slots(items):
    slots, rows, columns = slow_most_common(items)[:3], slow_rows(items), slow_columns(items)
    while len(slots) < 3:
        slots.append(rows if rows not in slots else columns)
    return slots


def slow_released(pool):
    groups, flat = slow_groups(pool), [(c.grid, c.logprob_nats or 0.0) for c in pool]
    sent = slow_slots(flat)
    for items in groups.values():
        sent += slow_slots(items)
    order = slow_most_common(flat)
    second_level = [(g, -order.index(g) if g in order else -len(order)) for g in sent]
    one, two, three = slow_slots(second_level)
    if "identity" in groups and sent.count(two) == sent.count(three):
        own = [g for g, _ in groups["identity"]]
        two = two if own.count(two) > own.count(three) else three
    return [one] if one == two else [one, two]


def test_parity_with_the_slow_re_implementation(random_pool):
    rng = random.Random(3)
    for _ in range(3000):
        pool = random_pool(rng).candidates
        if pool:
            assert list(two_level_vote(pool).grids[: len(slow_paper(pool))]) == slow_paper(pool)
            released = slow_released(pool)
            assert list(two_level_vote(pool, legacy=True).grids[: len(released)]) == released
