"""How much a search may still do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.induce.meter import LOOK_EVERY, Meter


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time_s = 100.0
        self.looks = 0

    def now_s(self) -> float:
        self.looks += 1
        return self.time_s


costs = st.lists(st.integers(1, 9).map(lambda n: n / 4), min_size=1, max_size=60)


@settings(deadline=None)
@given(costs, st.integers(0, 40))
def test_work_is_allowed_while_nodes_last(work: list[float], nodes: int) -> None:
    meter = Meter(HandClock(), nodes=nodes)
    allowed = [meter.spend(cost) for cost in work]
    total, expected = 0.0, []
    for cost in work:
        total += cost
        expected.append(total <= nodes)
    assert allowed == expected
    assert meter.is_over() == (total > nodes)


@settings(deadline=None)
@given(costs, st.integers(0, 40), st.floats(0.1, 1), st.integers(0, 40))
def test_a_part_stays_within_its_share_and_counts_in_the_whole(
    work: list[float], nodes: int, share: float, limit: int
) -> None:
    whole = Meter(HandClock(), nodes=nodes)
    whole.spend(nodes / 4)
    part = whole.part(share, nodes=limit)
    inner = part.part()
    done = 0.0
    for cost in work:
        if not inner.spend(cost):
            break
        done += cost
    assert done <= min(limit, share * nodes * 0.75) + 1e-9
    assert part.spent == inner.spent
    assert whole.spent == pytest.approx(nodes / 4 + inner.spent)
    assert whole.left_nodes() == pytest.approx(max(0.0, nodes - whole.spent))


def test_once_over_it_stays_over_and_counts_no_more() -> None:
    meter = Meter(HandClock(), nodes=3)
    assert meter.spend(3)
    assert not meter.spend(1)
    spent = meter.spent
    assert not meter.spend(0) and not meter.spend(1)
    assert meter.spent == spent and meter.is_over() and meter.left_nodes() == 0


def test_the_end_of_a_part_is_not_the_end_of_the_whole() -> None:
    whole = Meter(HandClock(), nodes=100)
    part = whole.part(nodes=2)
    while part.spend():
        continue
    assert part.is_over() and not whole.is_over()
    assert whole.spent == 3


def test_the_deadline_is_seen_within_a_few_nodes() -> None:
    clock = HandClock()
    meter = Meter(clock, deadline_s=110)
    assert meter.spend()
    clock.time_s = 110
    assert sum(meter.spend() for _ in range(100)) < LOOK_EVERY
    assert meter.is_over() and meter.left_s() == 0


def test_the_clock_is_seldom_asked() -> None:
    clock = HandClock()
    meter = Meter(clock)
    for _ in range(10 * LOOK_EVERY):
        meter.spend()
    assert clock.looks <= 11


@pytest.mark.parametrize(
    ("share", "seconds", "left"), [(0.5, math.inf, 10), (1.0, 3, 3), (0.25, 9, 5), (1.0, 90, 20)]
)
def test_time_of_a_part(share: float, seconds: float, left: float) -> None:
    clock = HandClock()
    part = Meter(clock, deadline_s=120).part(share, seconds=seconds)
    assert part.left_s() == left
    clock.time_s += left
    assert part.is_over()


def test_without_limits_it_never_ends() -> None:
    meter = Meter(HandClock()).part(0.5).part(0.1)
    assert meter.left_s() == meter.left_nodes() == math.inf
    assert all(meter.spend(1e12) for _ in range(50))


def test_a_part_of_what_is_over_is_over() -> None:
    clock = HandClock()
    late = Meter(clock, deadline_s=90).part(0.5, seconds=5)
    poor = Meter(clock, nodes=1)
    poor.spend(2)
    assert late.is_over() and not late.spend()
    assert not poor.part(0.5, nodes=7).spend()
