"""The price of time, and what is chosen at it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kit.budget.board import Offers
from kit.budget.choice import price_of_time

GAIN = arrays(np.float64, (6, 4), elements=st.just(0.0) | st.floats(1e-9, 0.5))
COST = arrays(np.float64, (6, 4), elements=st.floats(0.05, 50.0))


def taken_at(offers: Offers, price: float) -> tuple[float, float]:
    """(gain, seconds) of the choices that pay at a price, chosen one by one."""
    gain = seconds = 0.0
    for gains, costs in zip(offers.gain, offers.cost_s, strict=True):
        net = [g - price * c for g, c in zip(gains, costs, strict=True)]
        best = max(range(len(net)), key=net.__getitem__)
        if net[best] > 0 and gains[best] > 0:
            gain += gains[best]
            seconds += costs[best]
    return gain, seconds


@given(GAIN, COST, st.floats(0.1, 300.0))
@settings(max_examples=60, deadline=None)
def test_a_higher_price_would_leave_time_unused(
    gain: np.ndarray, cost: np.ndarray, seconds: float
) -> None:
    offers = Offers(gain, cost)
    price = price_of_time({"search": offers}, seconds)
    assert price >= 0
    if price > 0:
        assert taken_at(offers, price)[1] > seconds * (1 - 1e-9)
    # It is known to a small part of the best rate that there is.
    above = price + float((gain / cost).max()) * 2**-13
    assert taken_at(offers, above)[1] <= seconds * (1 + 1e-9)


@given(GAIN, COST, st.floats(0.1, 100.0), st.floats(1.0, 5.0))
@settings(max_examples=40, deadline=None)
def test_more_time_is_never_dearer(
    gain: np.ndarray, cost: np.ndarray, seconds: float, more: float
) -> None:
    offers = {"search": Offers(gain, cost)}
    assert price_of_time(offers, more * seconds) <= price_of_time(offers, seconds)


def test_legs_compete_for_the_same_seconds() -> None:
    cheap = Offers(np.full((4, 1), 0.1), np.full((4, 1), 1.0))
    dear = Offers(np.full((4, 1), 0.1), np.full((4, 1), 10.0))
    assert price_of_time({"search": cheap}, 4.0) == 0.0
    together = price_of_time({"search": cheap, "ttt": dear}, 4.0)
    assert 0.009 < together <= 0.01, "the dear leg's rate: four more seconds would go there"
    assert price_of_time({"search": cheap, "ttt": dear}, 3.0) > 0.09


def test_nothing_to_choose_costs_nothing() -> None:
    nothing = Offers(np.zeros((3, 2)), np.ones((3, 2)))
    assert price_of_time({"search": nothing}, 1.0) == 0.0
    assert price_of_time({}, 1.0) == 0.0
